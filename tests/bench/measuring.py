"""Measures two things in turn and shows them side by side."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One thing of mlnb beside one of another, in milliseconds."""

    ours: str
    our_time: float
    theirs: str
    their_time: float

    def __str__(self) -> str:
        return (
            f"  {self.ours:<34} {1000 * self.our_time:8.0f} ms   "
            f"{self.theirs:<34} {1000 * self.their_time:8.0f} ms   "
            f"ratio {self.our_time / self.their_time:5.2f}"
        )


def compare(
    ours: str,
    our_work: Callable[[], float],
    theirs: str,
    their_work: Callable[[], float],
    *,
    times: int = 5,
) -> Line:
    """Take the better of several measurements of each, taken in turn."""
    pairs = [(our_work(), their_work()) for _ in range(times)]
    our_time, their_time = (min(column) for column in zip(*pairs, strict=True))
    return Line(ours, our_time, theirs, their_time)


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """Return a function that does the work and returns its seconds."""

    def measure() -> float:
        begun = time.perf_counter()
        work()
        return time.perf_counter() - begun

    return measure


def processor(code: str) -> Callable[[], float]:
    """Return a function that runs code in a fresh interpreter and returns its processor seconds."""
    return lambda: _processor([sys.executable, "-c", code])


def processor_of_module(*arguments: str) -> Callable[[], float]:
    """Return a function that runs ``python -m …`` and returns its processor seconds."""
    return lambda: _processor([sys.executable, "-m", *arguments])


def _processor(command: Sequence[str]) -> float:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime
