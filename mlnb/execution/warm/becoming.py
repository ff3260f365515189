"""What a new process does to become a child of its own: nothing of its parent's may remain."""

import ctypes
import fcntl
import os
import signal
import sys
from contextlib import suppress
from typing import Any

from mlnb.execution.warm import limits, preloading
from mlnb.execution.warm.nursery import Birth

_PR_SET_PDEATHSIG = 1


def settle(message: dict[str, Any], stdio: tuple[int, int, int]) -> None:
    """Take on working directory, environment, arguments, streams, limits and seeds of one's own."""
    with suppress(OSError):
        os.setpgid(0, 0)  # its parent does the same: whoever comes first
    for target, fd in enumerate(stdio):
        os.dup2(fd, target, inheritable=True)
    for fd in {*stdio} - {0, 1, 2}:
        os.close(fd)
    with suppress(OSError):
        os.chdir(message["cwd"])
    os.environ.clear()
    os.environ.update(message["env"])
    if message["argv"]:
        sys.argv[:] = message["argv"]
    preloading.reseed()
    limits.limit_cpu(message["limits"]["cpu"])


def default_signals(kept: dict[int, Any]) -> None:
    """Handle signals as a new interpreter does, and as the modules imported ahead want it."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    for number, handler in kept.items():
        with suppress(OSError, ValueError, TypeError):
            signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def die_with_parent(parent: int) -> None:
    """Ask the system to end this process when its parent ends."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def live(birth: Birth) -> int:
    """Become the child that a request asks for, and do what it is for; returns the exit code."""
    message, fds, connection = birth.message, birth.fds, birth.connection
    assert message is not None  # noqa: S101  (only called in a child)
    first, second, third, *others = fds
    moved = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3) for fd in (connection, *others)]
    settle(message, (first, second, third))
    for fd in (connection, *others):
        os.close(fd)
    connection, lifeline, *others = moved
    request = dict(message["request"], fds=others)
    if message["independent"]:
        os.close(lifeline)
        lifeline = -1
    if message["kind"] == "kernel":
        from mlnb.execution.warm import kernel

        return kernel.run(request, connection, lifeline, message["limits"]["memory"])
    from mlnb.execution import inprocess

    os.close(connection)
    if lifeline >= 0:
        os.close(lifeline)
        die_with_parent(birth.parent)
    limits.limit_memory(message["limits"]["memory"])
    return int(inprocess.main(request) or 0)
