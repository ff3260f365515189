"""Where children come from: a fork of this process, or a pool of started ones.

Both give the same: a process group of its own, with the request's streams, folder, environment
and limits, whose end this process is told of.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from typing import Any, Protocol

from mlnb.execution.warm import preloading, wire
from mlnb.execution.warm.kin import has_ended


class Birth:
    """A child; in the child itself, with what it has to do."""

    def __init__(
        self,
        pid: int,
        how: str,
        why: str = "",
        message: dict[str, Any] | None = None,
        fds: list[int] | None = None,
        connection: int = -1,
        parent: int = 0,
    ) -> None:
        self.pid = pid
        self.how = how
        self.why = why
        self.message = message
        self.fds = fds or []
        self.connection = connection
        self.parent = parent or os.getppid()

    @property
    def in_child(self) -> bool:
        """Tell on which side of the fork this is."""
        return self.message is not None


class Waiting:
    """In a child that was forked ahead: what it waits with.

    Parameters
    ----------
    zygote : socket
        Where the request will come from.
    parent : int
        The zygote's process.
    """

    def __init__(self, zygote: socket.socket, parent: int) -> None:
        self._zygote = zygote
        self._parent = parent

    def birth(self) -> Birth:
        """Touch what a child touches, and wait for a request; ends with the zygote."""
        from mlnb.execution.warm import rehearsing

        signal.set_wakeup_fd(-1)
        rehearsing.rehearse()
        reader = wire.Reader(self._zygote)
        try:
            frames = reader.wait()
        except wire.Closed:
            os._exit(0)
        connection, *fds = reader.take_fds()
        self._zygote.close()
        return Birth(os.getpid(), "fork", "", frames[0], fds, connection, self._parent)


class Nursery(Protocol):
    """Makes children. Owned and called by the zygote's one thread."""

    @property
    def lacks_spare(self) -> bool:
        """Tell whether `fork_ahead` would do something."""

    def fork_ahead(self) -> Waiting | None:
        """Fork a child that waits for a request; returns, in that child, what it waits with."""

    @property
    def ready(self) -> int:
        """How many wait to be asked for; 0 where they are made when asked for."""

    def bear(self, message: dict[str, Any], fds: list[int], connection: socket.socket) -> Birth:
        """Make a child; the descriptors remain the caller's.

        Raises
        ------
        OSError
            If the system gives no process.
        """

    def fill(self) -> None:
        """Make ready what can be made ready."""

    def reap(self) -> None:
        """Bury those that ended while they waited."""

    def close(self) -> None:
        """End those that wait."""


class Spare:
    """A child that was forked ahead, as the zygote knows it."""

    def __init__(self, pid: int, ours: socket.socket) -> None:
        self.pid = pid
        self._ours = ours

    def hand_over(self, message: dict[str, Any], fds: list[int], connection: socket.socket) -> bool:
        """Give it its request; from here on it is a child like any other. False if it has gone."""
        with self._ours:
            try:
                wire.send(self._ours, message, (connection.fileno(), *fds))
            except wire.Closed:
                return False
        return True

    def forget(self) -> None:
        """Close this side's end."""
        self._ours.close()

    def close(self) -> None:
        """End it."""
        self._ours.close()
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


class Fork:
    """Forks this process, or starts another when threads forbid a fork.

    Parameters
    ----------
    size : int
        How many children are forked ahead: one for the program, and one for the process in which
        it runs a notebook's cells.
    """

    def __init__(self, size: int = 2) -> None:
        self._size = size
        self._spares: list[Spare] = []

    @property
    def ready(self) -> int:
        """How many wait to be asked for."""
        return len(self._spares)

    @property
    def lacks_spare(self) -> bool:
        """Tell whether fewer wait than should."""
        return len(self._spares) < self._size

    def fork_ahead(self) -> Waiting | None:
        """Fork a child that waits for a request; returns, in that child, what it waits with."""
        if not self.lacks_spare or preloading.lasting_threads():
            return None
        ours, theirs = socket.socketpair()
        zygote = os.getpid()
        try:
            pid = os.fork()
        except OSError:
            ours.close()
            theirs.close()
            return None
        if pid:
            theirs.close()
            with suppress(OSError):  # the child does the same, and may have been quicker
                os.setpgid(pid, pid)
            self._spares.append(Spare(pid, ours))
            return None
        with suppress(OSError):
            os.setpgid(0, 0)
        ours.close()
        self._forget()
        return Waiting(theirs, zygote)

    def bear(self, message: dict[str, Any], fds: list[int], connection: socket.socket) -> Birth:
        """Hand the request to a child that waits, or fork."""
        if count := preloading.lasting_threads():
            names = ", ".join(sorted(preloading.thread_names()))
            why = f"the zygote has {count} more thread{'s' if count > 1 else ''} ({names})"
            worker = Worker()
            worker.hand_over(message, fds, connection)
            return Birth(worker.pid, "spawn", why)
        self.reap()
        while self._spares:
            spare = self._spares.pop(0)
            if spare.hand_over(message, fds, connection):
                return Birth(spare.pid, "fork")
            spare.close()
        parent = os.getpid()
        pid = os.fork()
        if pid:
            with suppress(OSError):  # the child does the same, and may have been quicker
                os.setpgid(pid, pid)
            return Birth(pid, "fork")
        self._forget()
        return Birth(0, "fork", "", message, fds, os.dup(connection.fileno()), parent)

    def fill(self) -> None:
        """Do nothing: `fork_ahead` does it, when there is time."""

    def reap(self) -> None:
        """Bury those that ended while they waited."""
        for spare in [one for one in self._spares if has_ended(one.pid)]:
            self._spares.remove(spare)
            spare.close()

    def close(self) -> None:
        """End those that wait."""
        for spare in self._spares:
            spare.close()
        self._spares.clear()

    def _forget(self) -> None:
        """In a child: those that wait are not its own."""
        for spare in self._spares:
            spare.forget()
        self._spares.clear()


class Worker:
    """A started interpreter that has imported everything and waits for a request."""

    def __init__(self, preload: tuple[str, ...] = ()) -> None:
        self._ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  (this very program)
                [
                    sys.executable,
                    "-Xfrozen_modules=off",
                    "-m",
                    "mlnb.execution.warm.worker",
                    str(theirs.fileno()),
                    json.dumps(preload),
                ],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                process_group=0,
            )
        self.pid = self._process.pid

    def hand_over(self, message: dict[str, Any], fds: list[int], connection: socket.socket) -> None:
        """Give it its request; from here on it is a child like any other."""
        try:
            wire.send(self._ours, message, (connection.fileno(), *fds))
        except wire.Closed as error:
            raise OSError(str(error)) from None
        self._ours.close()
        self._process.returncode = 0  # the zygote reaps it

    def has_ended(self) -> bool:
        """Tell whether it died while it waited."""
        return self._process.poll() is not None

    def close(self) -> None:
        """End it."""
        self._ours.close()
        self._process.kill()
        self._process.wait()


class Pool:
    """Keeps some workers started; whoever takes one finds another started in its place.

    Parameters
    ----------
    size : int
        How many wait.
    preload : tuple of str
        What they import ahead. They are not forked: threads do not matter.
    """

    def __init__(self, size: int, preload: tuple[str, ...] = ()) -> None:
        self._size = size
        self._preload = preload
        self._workers: list[Worker] = []

    lacks_spare = False

    def fork_ahead(self) -> None:
        """Do nothing: nothing is forked."""

    @property
    def ready(self) -> int:
        """How many wait to be asked for."""
        return len(self._workers)

    def bear(self, message: dict[str, Any], fds: list[int], connection: socket.socket) -> Birth:
        """Hand the request to the worker that has waited longest."""
        self.reap()
        worker = self._workers.pop(0) if self._workers else Worker(self._preload)
        worker.hand_over(message, fds, connection)
        self.fill()
        return Birth(worker.pid, "spawn", "kernels are pre-started here, not forked")

    def fill(self) -> None:
        """Start as many as are missing."""
        while len(self._workers) < self._size:
            self._workers.append(Worker(self._preload))

    def reap(self) -> None:
        """Bury those that ended while they waited."""
        for worker in [one for one in self._workers if one.has_ended()]:
            self._workers.remove(worker)
            worker.close()

    def close(self) -> None:
        """End those that wait."""
        for worker in self._workers:
            worker.close()
        self._workers.clear()
