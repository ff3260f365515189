"""Processes that measure: started, asked, and ended by the benchmark."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_WORKER = Path(__file__).with_name("dataset_worker.py")


class WorkerFailed(Exception):
    """A system could not do what it was asked; the text says why."""


class WorkerProcess:
    """A system in a process of its own.

    Parameters
    ----------
    system : str
        Its name among the peers.
    folder : Path
        What it stores goes there.
    memory : int
        Bytes of memory that it fetches from the machine before it measures.
    patience : float
        Seconds to wait for an answer.

    Raises
    ------
    WorkerFailed
        From any method, if the system failed, ended by itself or took too long; it is then over.
    """

    def __init__(
        self, system: str, folder: Path, *, memory: int = 2 << 30, patience: float = 300
    ) -> None:
        self.system, self.patience = system, patience
        self._log = folder.with_name(f"{folder.name}.log")
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(_WORKER), system, str(folder), str(memory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self._answer()

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """Ask for one thing and wait for the answer."""
        assert self._process.stdin is not None
        line = json.dumps({"do": do, **request}) + "\n"
        try:
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            raise WorkerFailed(self._last_words()) from None
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        end = time.monotonic() + self.patience
        received = b""
        while not received.endswith(b"\n"):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                self.end()
                raise WorkerFailed(f"took longer than {self.patience:.0f} s")
            piece = os.read(self._process.stdout.fileno(), 1 << 16)
            if not piece:
                raise WorkerFailed(self._last_words())
            received += piece
        answer: dict[str, Any] = json.loads(received)
        if "error" in answer:
            raise WorkerFailed(answer["error"])
        return answer

    def _last_words(self) -> str:
        status = self._process.wait()
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return f"its process ended with {status}" + (f": {lines[-1][:160]}" if lines else "")

    def end(self) -> None:
        """End the process."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def worker(system: str, folder: Path, **options: Any) -> Iterator[WorkerProcess]:
    """Start a worker and end it."""
    process = WorkerProcess(system, folder, **options)
    try:
        yield process
    finally:
        process.end()
