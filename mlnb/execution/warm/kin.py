"""The children of a zygote, who asked for them, and what the system tells of them."""

import os
import socket
import sys
import time
from contextlib import suppress
from typing import Any

from mlnb.execution.warm import limits, wire


class Kin:
    """A child as the zygote knows it."""

    def __init__(self, pid: int, message: dict[str, Any]) -> None:
        self.pid = pid
        self.kind = message["kind"]
        self.limits = message["limits"]
        self.independent = message["independent"]
        self.asked = False
        self.kill_at = 0.0
        self.starved = limits.out_of_memory_kills()
        self.started = time.time()


class Owner:
    """A connection, with the child that was made for it."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.reader = wire.Reader(connection)
        self.child: Kin | None = None

    def close(self) -> None:
        """Close it, with the descriptors that nobody took."""
        self.reader.close_fds()
        self.connection.close()


class Pidfd:
    """A descriptor of a process, for as long as it takes to pass it on; none on other systems."""

    def __init__(self, pid: int) -> None:
        self._fds: tuple[int, ...] = ()
        if sys.platform == "linux":
            with suppress(OSError):
                self._fds = (os.pidfd_open(pid),)

    def __enter__(self) -> tuple[int, ...]:
        return self._fds

    def __exit__(self, *_error: object) -> None:
        for fd in self._fds:
            os.close(fd)


def kill(group: int, number: int) -> None:
    """Send a process group a signal, if it is still there."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def has_ended(pid: int) -> bool:
    """Tell whether a child has ended, without reaping it."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
