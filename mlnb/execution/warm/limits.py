"""Limits of a child, and the true reason why a process ended."""

import os
import resource
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

HEADROOM = 64 * 1024 * 1024
"""Bytes beyond its limit that a child may use to say that it has run out of memory."""


def data_bytes() -> int:
    """Return the bytes of private, writable memory that this process has mapped."""
    for line in (
        Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    ):
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0


def limit_memory(bytes_: int) -> None:
    """Limit what this process allocates beyond what it has now (``RLIMIT_DATA``).

    Address space would count what libraries only reserve. An allocation beyond the limit fails,
    as ``MemoryError`` in Python.
    """
    if bytes_:
        most = data_bytes() + bytes_
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_DATA, (most, most + HEADROOM))


def limit_cpu(seconds: float) -> None:
    """Limit the CPU time of this process: SIGXCPU ends it."""
    if seconds:
        whole = max(1, round(seconds))
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CPU, (whole, whole + 5))


def give_headroom() -> None:
    """Let this process use a little more: it is about to say that it has run out of memory."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if soft != resource.RLIM_INFINITY and soft < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def out_of_memory_kills() -> int:
    """Return how many processes the system has killed for want of memory since it started."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def reason(
    code: int | None,
    number: int | None,
    limits: dict[str, Any],
    *,
    asked: bool,
    starved: bool,
    peak_bytes: int,
) -> str:
    """Say why a process ended; nothing when it did so by itself with exit code 0.

    Parameters
    ----------
    code, number
        Its exit code, or the signal that killed it.
    limits
        Those it was started with.
    asked
        Whether its owner sent the signal.
    starved
        Whether the system killed a process for want of memory meanwhile.
    peak_bytes
        The most memory it had.
    """
    if number is None:
        return f"it ended with exit code {code}" if code else ""
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if number == signal.SIGXCPU or (number == signal.SIGKILL and limits.get("cpu") and not asked):
        return f"it used more than its {limits.get('cpu', 0):g} s of CPU time"
    if asked:
        return f"it was stopped ({name})"
    if number == signal.SIGKILL and starved:
        return f"the system killed it for want of memory (it had {peak_bytes >> 20} MiB)"
    memory = limits.get("memory")
    if memory and number in (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS):
        return (
            f"it was killed by {name}, after a library could get no memory within its limit of "
            f"{memory >> 20} MiB, or by a fault of its own"
        )
    return f"it was killed by {name}"


def status(pid: int) -> tuple[int | None, int | None, int, float]:
    """Reap a process that has ended: exit code, signal, most memory in bytes, CPU seconds."""
    _pid, how, usage = os.wait4(pid, 0)
    spent = usage.ru_utime + usage.ru_stime
    if os.WIFSIGNALED(how):
        return None, os.WTERMSIG(how), usage.ru_maxrss * 1024, spent
    return os.WEXITSTATUS(how), None, usage.ru_maxrss * 1024, spent
