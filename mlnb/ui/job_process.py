"""The process that a background job lives in: runs ``mlnb …``, keeps output and end.

``python -m mlnb.ui.job_process FOLDER WORD…`` is started by the server extension in a session of
its own, so that a job outlives the server. Only the standard library is imported while the job
runs. In FOLDER it writes:

- ``process.json``: which process this is, and which one the job is;
- ``output-N.log``: what the job says, from byte N on; of a long output the end is kept;
- ``ended.json``: the exit code and the time, once.

SIGTERM ends the job: it gets SIGINT as from Ctrl-C, then SIGTERM, then SIGKILL.
"""

import contextlib
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PIECE = 512 * 1024
"""Bytes of a file of output; the last two are kept."""
LONGEST_LINE = 64 * 1024
PATIENCE = 10.0
"""Seconds that a job has to end after SIGINT, and again after SIGTERM."""
_COMMANDS = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
"""Commands to the terminal: colours, links, titles."""
LAST_WORDS = 0.3
"""Seconds to wait for output after the job has ended: what it started may keep the pipe open."""


class Output:
    """Writes what a job says, without colours or secrets, into files of bounded size."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rest = b""
        self._start = self._size = 0
        self._file = self._open()

    def write(self, data: bytes) -> None:
        """Take in a piece of output."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            self._keep(line + b"\n")
        if len(self._rest) > LONGEST_LINE:
            self._keep(self._rest)
            self._rest = b""
        self._file.flush()

    def close(self) -> None:
        """Write a last line that has no end."""
        if self._rest:
            self._keep(self._rest)
        self._file.close()

    def _keep(self, line: bytes) -> None:
        from mlnb.core import redaction

        plain = _COMMANDS.sub("", line.decode("utf-8", "replace"))
        text = redaction.text(plain).encode()
        if self._size and self._size + len(text) > PIECE:
            self._file.close()
            self._start += self._size
            self._size = 0
            for old in sorted(self._folder.glob("output-*.log"))[:-1]:
                old.unlink()
            self._file = self._open()
        self._file.write(text)
        self._size += len(text)

    def _open(self) -> Any:
        return (self._folder / f"output-{self._start:012d}.log").open("wb")


class Ending:
    """Ends a job step by step, once it was asked to."""

    STEPS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)

    def __init__(self) -> None:
        self.asked = False
        self._sent = 0
        self._next = 0.0

    def ask(self, _number: int, _frame: Any) -> None:
        """Note that the job is to end: a signal's handler."""
        self.asked = True

    def go_on(self, group: int) -> None:
        """Send the next signal to the job's processes when its time has come."""
        if not self.asked or time.monotonic() < self._next or self._sent >= len(self.STEPS):
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, self.STEPS[self._sent])
        self._sent += 1
        self._next = time.monotonic() + PATIENCE


def run(folder: Path, words: Sequence[str]) -> int:
    """Run a job to its end, and return its exit code."""
    ending = Ending()
    # Handlers, since what is ignored would stay so in the job: it must hear Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ending.ask)
    job = subprocess.Popen(  # noqa: S603  (no shell; the words were checked by the grammar)
        [sys.executable, "-P", "-m", "mlnb", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    _write(folder / "process.json", {"pid": os.getpid(), "job": job.pid})
    output = Output(folder)
    code = _follow(job, output, ending)
    output.close()
    ended = {"code": code, "ended": datetime.now(UTC).isoformat(), "cancelled": ending.asked}
    _write(folder / "ended.json", ended)
    return code


def _follow(job: "subprocess.Popen[bytes]", output: Output, ending: Ending) -> int:
    assert job.stdout is not None  # noqa: S101  (it is a pipe)
    source = job.stdout.fileno()
    os.set_blocking(source, False)
    until = None
    with selectors.DefaultSelector() as selector:
        selector.register(source, selectors.EVENT_READ)
        while True:
            ready = selector.select(timeout=0.1)
            data = os.read(source, LONGEST_LINE) if ready else b""
            output.write(data)
            ending.go_on(job.pid)
            if job.poll() is None:
                if ready and not data:  # it has closed its output and works on
                    selector.unregister(source)
                    job_ended = _wait(job, ending)
                    return job_ended
                continue
            until = until or time.monotonic() + LAST_WORDS
            if (ready and not data) or time.monotonic() > until:
                return job.returncode


def _wait(job: "subprocess.Popen[bytes]", ending: Ending) -> int:
    while job.poll() is None:
        time.sleep(0.1)
        ending.go_on(job.pid)
    return job.returncode


def _write(file: Path, body: dict[str, Any]) -> None:
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(body), encoding="utf-8")
    draft.replace(file)


def main(arguments: Sequence[str]) -> None:
    """Run the job, then tell the project's events that it has ended."""
    folder = Path(arguments[0])
    code = run(folder, arguments[1:])
    from mlnb.core import project

    project.current().events.emit("job.finished", folder.name, code=code)


if __name__ == "__main__":
    main(sys.argv[1:])
