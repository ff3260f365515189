"""A supervisor that waits: it imports while the command that will want it still does.

``python -m mlnb.serving.standby`` leaves its parent, imports what a supervisor, a loader and a
worker need, and reads one line of JSON from its standard input; then it is the supervisor of an
endpoint (`mlnb.serving.supervisor`) and forks its first loader. It ends when nobody wants it.
This module imports nothing of mlnb, so that starting one costs a command a few milliseconds.
"""

import json
import os
import subprocess
import sys
import traceback
from typing import Any

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_COMMANDS = (["deploy"], ["endpoint", "deploy"], ["endpoint", "start"])
_waiting: "Standby | None" = None


class Standby:
    """A process that waits to be a supervisor; its standard output is the line it reports on."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mlnb.serving.standby"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **dict.fromkeys(ONE_THREAD, "1")},
            start_new_session=True,
        )

    def begin(self, given: dict[str, Any], folder: str, log: str, env: dict[str, str]) -> Any:
        """Let it supervise an endpoint; returns the stream on which it reports once.

        Parameters
        ----------
        given : dict
            What the supervisor is started with.
        folder : str
            Where it works.
        log : str
            File that it and all its processes write to.
        env : dict
            Its environment.
        """
        order = {"given": given, "folder": folder, "log": log, "env": env}
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("a process without pipes")  # for the type checker: it has them
        try:
            with self._process.stdin as stream:
                stream.write(json.dumps(order).encode() + b"\n")
        except BrokenPipeError:
            pass  # it has ended, and so it reports
        self._process.wait()  # what was started has left another process behind
        return self._process.stdout


def expect(arguments: list[str]) -> None:
    """Start one for a command that will want it, unless it only asks for help."""
    global _waiting
    words = [word for word in arguments if not word.startswith("-")]
    helps = {"-h", "--help"} & {*arguments}
    if not helps and any(words[: len(each)] == each for each in _COMMANDS):
        _waiting = Standby()


def taken() -> Standby:
    """Return the one that waits, or a new one."""
    global _waiting
    found, _waiting = _waiting, None
    return found or Standby()


def _detach() -> None:
    """Leave the parent's process tree, so that its end does not end this process."""
    if os.fork():
        os._exit(0)


def main() -> None:
    """Wait for an order, and follow it."""
    _detach()
    damage = ""
    try:
        from mlnb.serving import nursery  # with all that takes time
    except Exception:
        damage = traceback.format_exc()
    line = sys.stdin.buffer.readline()
    if not line:
        return
    order = json.loads(line)
    if damage:
        with open(order["log"], "a", encoding="utf-8") as log:  # noqa: PTH123  (pathlib is slow to import)
            log.write(damage)
        sys.exit(1)
    nursery.supervise(**order)


if __name__ == "__main__":
    main()
