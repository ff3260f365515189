"""Where the process that runs the cells comes from: a warm parent, this process, or a new one."""

import json
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol


class Child(Protocol):
    """A process that runs one request; whoever made it closes it, which ends it if it still runs.

    `mlnb.execution.warm.client.Child` is one. Signals go to its process group.
    """

    pid: int
    reason: str

    def poll(self) -> int | None:
        """Return the exit code as `subprocess.Popen` has it, or None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; raises TimeoutError."""

    def send_signal(self, number: int) -> None:
        """Send its process group a signal."""

    def close(self) -> None:
        """Let go of it; it is killed if it still runs."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a process is to be started with."""

    request: dict[str, Any]
    cwd: str
    env: dict[str, str]
    journal: int
    """Descriptor that the child writes to; the caller closes its own."""
    errors: int
    """Descriptor for what the process writes outside its cells."""
    memory: int = 0
    project: str = ""
    argv: tuple[str, ...] = ("ipykernel_launcher.py", "-f", "")


def start(order: Order) -> tuple[Child, str]:
    """Start a child as quickly as can be; returns it and how it came to be."""
    from mlnb.execution.warm import client, options

    state = sys.modules.get("mlnb.execution.inprocess.shell")
    here = state is not None and state.is_ready()
    with suppress(client.WarmUnavailable):
        child = client.fork(
            "run",
            order.request,
            cwd=order.cwd,
            env=order.env,
            argv=order.argv,
            stdout=order.errors,
            stderr=order.errors,
            fds=(order.journal,),
            memory=order.memory,
            options=options.options(order.project),
            start=not here,  # what a zygote has made can fork itself; it has children that wait
        )
        return child, child.how
    return (Forked(order), "fork") if here else (Spawned(order), "spawn")


class Spawned:
    """A fresh interpreter: nothing warm is to be had."""

    def __init__(self, order: Order) -> None:
        reading, writing = os.pipe()
        self.reason = ""
        try:
            self._process = subprocess.Popen(  # noqa: S603  (this very interpreter)
                [sys.executable, "-P", "-m", "mlnb.execution.inprocess", str(reading)],
                cwd=order.cwd,
                env=order.env,
                stdin=subprocess.DEVNULL,
                stdout=order.errors,
                stderr=order.errors,
                pass_fds=(reading, order.journal),
                start_new_session=True,
            )
        finally:
            os.close(reading)
        request = {**order.request, "fds": [order.journal], "argv": order.argv}
        with os.fdopen(writing, "w", encoding="utf-8") as stream, suppress(BrokenPipeError):
            json.dump(request, stream)
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        """Return the exit code, once `poll` or `wait` has seen it."""
        return self._process.returncode

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._process.poll()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"process {self.pid} still runs") from None

    def send_signal(self, number: int) -> None:
        """Send its process group a signal."""
        if self.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def close(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)
        self._process.wait()


class Forked:
    """A fork of this very process, which is warm and has done nothing else yet."""

    def __init__(self, order: Order) -> None:
        self.reason = ""
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            _be_child(order)
        with suppress(OSError):
            os.setpgid(self.pid, self.pid)
        self._pidfd = os.pidfd_open(self.pid)

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        code = self._look(timeout)
        if code is None:
            raise TimeoutError(f"process {self.pid} still runs")
        return code

    def send_signal(self, number: int) -> None:
        """Send its process group a signal."""
        if self.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def close(self) -> None:
        """End it; this process is about to end too, and need not wait for that."""
        self.send_signal(signal.SIGKILL)
        os.close(self._pidfd)

    def _look(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            watched = select.poll()
            watched.register(self._pidfd, select.POLLIN)
            if watched.poll(None if timeout is None else max(0.0, timeout * 1000)):
                _, status = os.waitpid(self.pid, 0)
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


def _be_child(order: Order) -> NoReturn:
    """Do in a fork what a child of a warm parent does, and end."""
    from mlnb.execution import inprocess
    from mlnb.execution.warm import becoming, limits

    parent = os.getppid()
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        message = {
            "cwd": order.cwd,
            "env": order.env,
            "argv": list(order.argv),
            "limits": {"memory": order.memory, "cpu": 0},
        }
        becoming.settle(message, (nothing, order.errors, os.dup(order.errors)))
        becoming.default_signals({})
        becoming.die_with_parent(parent)
        limits.limit_memory(order.memory)
        inprocess.main({**order.request, "fds": [order.journal]})
    finally:
        os._exit(1)


def reason_of(child: Child, code: int) -> str:
    """Say why a process ended."""
    if child.reason:
        return child.reason.removeprefix("it ").replace("was killed", "its process was killed", 1)
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        hint = "; perhaps the machine ran out of memory" if name == "SIGKILL" else ""
        return f"its process was killed by {name}{hint}"
    return f"its process ended with exit code {code}"
