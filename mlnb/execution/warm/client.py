"""Ask a zygote for a child. Standard library only: imported in a few milliseconds.

::

    child = fork("run", {"notebook": "a.ipynb"})
    child.wait()
"""

from __future__ import annotations

import _socket as socket  # `socket` and `signal` themselves import enum, and more
import os
import select
import sys
import time
from _thread import allocate_lock

from mlnb.execution.warm import options as settings
from mlnb.execution.warm import places, wire

TYPE_CHECKING = False  # to import typing would take longer than all else
if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping, Sequence
    from typing import Any
else:
    import _signal as signal

START_SECONDS = 60.0
"""How long a zygote may take until it can fork."""


class WarmUnavailable(Exception):
    """There is no zygote and none can be started; the message says why."""


class Stale(Exception):
    """The zygote no longer fits the disk and retires; the message says why."""


class Child:
    """A process that a zygote made for this one.

    Attributes
    ----------
    pid : int
        Its number, and that of its process group.
    how, why : str
        ``"fork"``, or ``"spawn"`` and the reason why it could not be forked.
    returncode : int or None
        As `subprocess.Popen` has it: negative for a signal, None while it runs.
    reason : str
        Why it ended, when that was not by itself with exit code 0.
    peak_bytes, cpu_seconds : int, float
        What it had used when it ended.
    """

    def __init__(self, connection: socket.socket, reader: wire.Reader) -> None:
        self._connection = connection
        self._lifeline = -1
        self._reader = reader
        self._lock = allocate_lock()
        self._pidfd = -1
        self._ready = False
        self._orphaned = False
        self.pid = 0
        self.how = ""
        self.why = ""
        self.returncode: int | None = None
        self.reason = ""
        self.peak_bytes = 0
        self.cpu_seconds = 0.0
        while not self.pid:  # "ready" may come first: the child says that itself
            for frame in reader.wait():
                self._take(frame)
        if fds := reader.take_fds():
            self._pidfd = fds[0]

    def fileno(self) -> int:
        """Return a descriptor that becomes readable when there is news (see `poll`)."""
        return self._connection.fileno()

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        self._look(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return its exit code.

        Raises
        ------
        TimeoutError
            If it runs on.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            if self._connection.fileno() < 0:
                raise ValueError(f"process {self.pid} was let go of")
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0 and self.poll() is None:
                raise TimeoutError(f"process {self.pid} still runs")
            self._look(left)
        return self.returncode

    def wait_ready(self, timeout: float = START_SECONDS) -> bool:
        """Wait until a kernel's sockets are bound; False when it has ended before."""
        end = time.monotonic() + timeout
        while not self._ready and self.returncode is None and time.monotonic() < end:
            self._look(end - time.monotonic())
        return self._ready

    def send_signal(self, number: int) -> None:
        """Send its process group a signal; nothing happens when it has ended."""
        if self.poll() is not None:
            return
        if not self._orphaned:
            try:
                wire.send(self._connection, {"op": "signal", "signal": int(number)})
                return
            except wire.Closed:
                self._orphaned = True
        try:  # noqa: SIM105  (`contextlib` imports collections)
            os.killpg(self.pid, number)
        except ProcessLookupError:
            pass

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def keep(self, lifeline: int) -> None:
        """Hold the end of a pipe: the child ends when nobody does."""
        self._lifeline = lifeline

    def close(self) -> None:
        """Let go of it: it is killed if it still runs (unless it is independent)."""
        self._reader.close_fds()
        self._connection.close()
        for fd in {self._pidfd, self._lifeline} - {-1}:
            os.close(fd)
        self._pidfd = self._lifeline = -1

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __del__(self) -> None:
        if self._connection.fileno() >= 0:
            self.close()

    def _look(self, timeout: float | None) -> None:
        """Wait for news at most so long, and take it."""
        if self.returncode is not None or self._connection.fileno() < 0:
            return
        watched = select.poll()
        if not self._orphaned:
            watched.register(self._connection, select.POLLIN)
        if self._pidfd >= 0:
            watched.register(self._pidfd, select.POLLIN)
        found = dict(watched.poll(None if timeout is None else max(0.0, timeout * 1000)))
        if self._connection.fileno() in found:
            self._read()
        elif self._pidfd in found:
            self._ended()

    def _read(self) -> None:
        try:
            with self._lock:  # one thread may wait while another looks
                for frame in self._reader.read():
                    self._take(frame)
        except wire.Closed:
            self._orphaned = True
            if self._pidfd < 0:
                self._lost()

    def _ended(self) -> None:
        """Its process is gone: the zygote will say how, unless it is gone, too."""
        end = time.monotonic() + 5
        while not self._orphaned and self.returncode is None:
            watched = select.poll()
            watched.register(self._connection, select.POLLIN)
            if not watched.poll(max(0.0, (end - time.monotonic()) * 1000)):
                break
            self._read()
        if self.returncode is None:
            self._lost()

    def _lost(self) -> None:
        self.returncode = 1
        self.reason = "its zygote had ended, so how it ended is not known"

    def _take(self, frame: dict[str, Any]) -> None:
        if "pid" in frame:
            self.pid, self.how, self.why = frame["pid"], frame["how"], frame["why"]
        elif "ready" in frame:
            self._ready = True
        elif "exit" in frame:
            code, number = frame["exit"], frame["signal"]
            self.returncode = -number if number else code
            self.reason = frame["reason"]
            self.peak_bytes = frame["peak_bytes"]
            self.cpu_seconds = frame["cpu_seconds"]
        elif "stale" in frame:
            raise Stale(frame["stale"])
        elif "error" in frame:
            raise WarmUnavailable(frame["error"])


def fork(
    kind: str,
    request: Mapping[str, Any],
    *,
    cwd: str = "",
    env: Mapping[str, str] | None = None,
    argv: Sequence[str] = (),
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
    fds: Sequence[int] = (),
    memory: int = 0,
    cpu: float = 0,
    independent: bool = False,
    interpreter: str = "",
    options: settings.Options | None = None,
    start: bool = True,
) -> Child:
    """Make a child that has everything imported.

    Parameters
    ----------
    kind : str
        ``"run"`` or ``"kernel"``, see `mlnb.execution.warm`.
    request : mapping
        JSON for it.
    cwd, env, argv
        Its working directory, environment and ``sys.argv``; by default this process's.
    stdin, stdout, stderr : int, optional
        Descriptors; by default nothing, and this process's.
    fds : sequence of int
        Further descriptors that it gets a copy of.
    memory : int
        Bytes that it may allocate beyond what was imported; 0 means no limit.
    cpu : float
        Seconds of CPU time that it may use; 0 means no limit.
    independent : bool
        Whether it outlives this process.
    interpreter : str
        The Python to use; by default this process's.
    options : Options, optional
        By default those of the project around ``cwd``.
    start : bool
        Whether a zygote is started when there is none.

    Raises
    ------
    WarmUnavailable
        If there is no zygote and none can be started.
    """
    folder = cwd or os.getcwd()
    environment = dict(os.environ if env is None else env)
    chosen = settings.options(folder) if options is None else options
    message = {
        "op": "fork",
        "kind": kind,
        "request": dict(request),
        "argv": list(argv),
        "cwd": folder,
        "env": environment,
        "limits": {"memory": memory, "cpu": cpu},
        "independent": independent,
    }
    nothing = os.open(os.devnull, os.O_RDWR)
    watched, lifeline = os.pipe()
    passed = (
        nothing if stdin is None else stdin,
        1 if stdout is None else stdout,
        2 if stderr is None else stderr,
        watched,
        *fds,
    )
    try:
        chosen_by = (interpreter or sys.executable, environment, chosen)
        child = _ask_for_child(message, passed, *chosen_by, start=start)
    except BaseException:
        os.close(lifeline)
        raise
    finally:
        os.close(nothing)
        os.close(watched)
    child.keep(lifeline)
    return child


def _ask_for_child(
    message: dict[str, Any],
    fds: tuple[int, ...],
    interpreter: str,
    env: dict[str, str],
    options: settings.Options,
    *,
    start: bool,
) -> Child:
    for _ in range(5):  # a zygote may retire between finding it and asking it
        connection = connect(interpreter, env, options, start=start)
        try:
            wire.send(connection, message, fds)
            return Child(connection, wire.Reader(connection))
        except (Stale, wire.Closed):
            connection.close()
        except BaseException:
            connection.close()
            raise
    raise WarmUnavailable("the zygote ended again and again; see its log")


def connect(
    interpreter: str,
    env: Mapping[str, str],
    options: settings.Options,
    *,
    start: bool = True,
) -> socket.socket:
    """Return a connection to the zygote that fits, started if need be.

    Raises
    ------
    WarmUnavailable
        If there is none and none may or can be started.
    """
    if options.mode == "off":
        raise WarmUnavailable("warm kernels are switched off, or not to be had on this system")
    specification = places.specification(interpreter, dict(env), options.preload, options.mode)
    key = places.key_of(specification)
    try:
        if connection := reach(places.socket_path(key)):
            return connection
        if not start:
            raise WarmUnavailable("no zygote runs")
        from mlnb.execution.warm import starting  # not on the hot path

        return starting.start(key, specification, dict(env), options)
    except OSError as error:
        raise WarmUnavailable(str(error)) from None


def reach(path: str) -> socket.socket | None:
    """Connect to the zygote at an address, if one listens there."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(path)
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    except OSError:
        connection.close()
        raise
    return connection


def ask(connection: socket.socket, message: dict[str, Any]) -> dict[str, Any]:
    """Ask a zygote something that it answers at once, and close the connection."""
    try:
        wire.send(connection, message)
        return wire.Reader(connection).wait()[0]
    except wire.Closed:
        return {}
    finally:
        connection.close()
