"""The kernel provisioner ``mlnb-warm``: kernels from a zygote for everything that uses Jupyter.

JupyterLab, nbclient, nbconvert, nbval and papermill start kernels through ``jupyter_client``'s
manager, which asks the provisioner that a kernelspec names (`mlnb kernel install` writes one).
Connection file, signature key and transport are the manager's, as with any kernel. A command that
is no ipykernel, or a machine without a zygote, gets a kernel in the usual way, and the log says
why.
"""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.launcher import launch_kernel
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Float, Integer, Unicode

from mlnb.execution.warm import client
from mlnb.execution.warm.options import Options, names, options

T = TypeVar("T")

NAME = "mlnb-warm"
READY_SECONDS = 30.0
"""How long a child may take to bind its sockets before the manager waits by itself."""
RECONNECT_SECONDS = 0.2
"""How long a restarted kernel waits for its clients: they look for it ten times a second, and would
miss what it shows before they have found it. Any other kernel takes longer to start than that."""
SHUTDOWN_SECONDS = 1.0
"""How long a kernel's end is awaited before the manager looks ten times a second."""
_LAUNCHERS = frozenset({"ipykernel_launcher", "ipykernel"})
_UNDERSTOOD = frozenset({"cwd", "env", "stdin", "stdout", "stderr", "independent"})


class Command:
    """A kernelspec's command line, taken apart.

    Raises
    ------
    WarmUnavailable
        If it starts anything but an ipykernel.
    """

    def __init__(self, words: list[str]) -> None:
        self.interpreter = words[0]
        rest = iter(words[1:])
        for word in rest:
            if word == "-m":
                break
            if not word.startswith("-X"):
                raise client.WarmUnavailable(f"its command has the option {word}")
        if next(rest, "") not in _LAUNCHERS:
            raise client.WarmUnavailable("its command starts no ipykernel")
        self.connection_file = ""
        self.arguments: list[str] = []
        for word in rest:
            if word == "-f":
                self.connection_file = next(rest, "")
            elif word.startswith("--f="):
                self.connection_file = word.removeprefix("--f=")
            else:
                self.arguments.append(word)
        if not self.connection_file:
            raise client.WarmUnavailable("its command names no connection file")


class WarmProcess:
    """A child of the zygote, with the face of `subprocess.Popen`."""

    def __init__(self, child: client.Child, streams: dict[str, BinaryIO]) -> None:
        self.child = child
        self.pid = child.pid
        self.stdin = streams.get("stdin")
        self.stdout = streams.get("stdout")
        self.stderr = streams.get("stderr")

    @property
    def returncode(self) -> int | None:
        """Return the exit code as last seen."""
        return self.child.returncode

    @property
    def reason(self) -> str:
        """Return why it ended, once it has."""
        return self.child.reason

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self.child.poll()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return the exit code."""
        return self.child.wait(timeout)

    def send_signal(self, number: int) -> None:
        """Send its process group a signal."""
        self.child.send_signal(number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Let go of it and of its streams."""
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                stream.close()
        self.child.close()


class WarmProvisioner(LocalProvisioner):
    """Makes kernels by asking a zygote; otherwise jupyter_client's own provisioner.

    The traits can be set in the kernelspec, under ``metadata.kernel_provisioner.config``.
    """

    preload = Unicode("", help="Modules to import ahead; the setting `preload` when empty.").tag(
        config=True
    )
    memory = Integer(0, help="Bytes a kernel may allocate; 0 means no limit.").tag(config=True)
    cpu = Float(0, help="Seconds of CPU time a kernel may use; 0 means no limit.").tag(config=True)

    process: Any = None
    reason = ""
    """Why the last kernel ended, when it was not by itself with exit code 0."""
    how = ""
    """``"fork"``, ``"spawn"`` or ``"cold"``: where the kernel came from."""
    why = ""
    """Why it was not forked."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Launch a kernel; returns as soon as it listens."""
        wanted = LocalProvisioner._scrub_kwargs(kwargs)
        try:
            process = await _aside(self._fork, cmd, wanted)
        except client.WarmUnavailable as error:
            self.how, self.why = "cold", str(error)
            self.log.warning("mlnb: this kernel starts cold: %s.", error)
            self.process = launch_kernel(cmd, **wanted)
            self.pgid = None
            with suppress(OSError):
                self.pgid = os.getpgid(self.process.pid)
        else:
            if self.how:
                await asyncio.sleep(RECONNECT_SECONDS)
            self.process = process
            self.how, self.why = process.child.how, process.child.why
            self.pgid = process.pid
        self.pid = self.process.pid
        self.reason = ""
        return self.connection_info

    def _fork(self, cmd: list[str], wanted: dict[str, Any]) -> WarmProcess:
        command = Command(cmd)
        if unknown := sorted(set(wanted) - _UNDERSTOOD):
            raise client.WarmUnavailable(f"it is to be started with {unknown[0]}")
        folder = str(wanted.get("cwd") or Path.cwd())
        env = dict(wanted.get("env") or os.environ)
        independent = bool(wanted.get("independent", False))
        if not independent:
            env["JPY_PARENT_PID"] = str(os.getpid())
        with ExitStack() as stack:
            streams, fds = _streams(wanted, stack)
            child = client.fork(
                "kernel",
                {"connection_file": command.connection_file, "arguments": command.arguments},
                cwd=folder,
                env=env,
                argv=[_launcher(command), "-f", command.connection_file, *command.arguments],
                memory=self.memory,
                cpu=self.cpu,
                independent=independent,
                interpreter=command.interpreter,
                options=self._options(folder),
                stdin=fds.get("stdin"),
                stdout=fds.get("stdout"),
                stderr=fds.get("stderr"),
            )
        child.wait_ready(READY_SECONDS)
        return WarmProcess(child, streams)

    def _options(self, folder: str) -> Options:
        chosen = options(folder)
        return chosen._replace(preload=names(self.preload)) if self.preload else chosen

    async def poll(self) -> int | None:
        """Return the exit code, or None while the kernel runs (0 without one)."""
        code = await super().poll()
        if code is not None and isinstance(self.process, WarmProcess):
            self.reason = self.process.reason
            self.process.close()  # who finds a kernel dead need not wait for its end
        return code

    async def wait(self) -> int | None:
        """Wait for the kernel's end, without looking again and again."""
        process = self.process
        if not isinstance(process, WarmProcess):
            return await super().wait()
        code = await _aside(process.wait)
        self.reason = process.reason
        process.close()
        self.process = None
        return code

    async def send_signal(self, signum: int) -> None:
        """Send the kernel's process group a signal; its number cannot have passed to another."""
        if isinstance(self.process, WarmProcess):
            self.process.send_signal(signum)
        else:
            await super().send_signal(signum)

    async def shutdown_requested(self, restart: bool = False) -> None:
        """Await the end of a kernel that was asked to end."""
        if isinstance(self.process, WarmProcess):
            with suppress(TimeoutError):
                await _aside(self.process.wait, SHUTDOWN_SECONDS)


async def _aside(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function that waits, on a thread of its own.

    An event loop's executor does not survive a fork of the process, and tools that start kernels
    in several processes fork with an event loop in place.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def settle(error: BaseException | None, result: T | None) -> None:
        if outcome.cancelled():
            return
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(cast(T, result))

    def work() -> None:
        error: BaseException | None = None
        result: T | None = None
        try:
            result = function(*arguments)
        except BaseException as raised:
            error = raised
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(settle, error, result)

    threading.Thread(target=work, name="mlnb-kernel", daemon=True).start()
    return await outcome


def _launcher(command: Command) -> str:
    """Return what ``sys.argv[0]`` is in a kernel that was started in the usual way."""
    if command.interpreter != sys.executable:
        return "ipykernel_launcher.py"
    found = find_spec("ipykernel_launcher")
    return str(found.origin) if found else "ipykernel_launcher.py"


def _streams(
    wanted: Mapping[str, Any], stack: ExitStack
) -> tuple[dict[str, BinaryIO], dict[str, int]]:
    """Turn what `Popen` takes for streams into descriptors.

    Returns
    -------
    dict
        Our ends of the pipes that were asked for.
    dict
        The child's descriptors; those made here are closed when the stack is left.
    """
    ours: dict[str, BinaryIO] = {}
    theirs: dict[str, int] = {}
    for name in ("stdin", "stdout", "stderr"):
        value = wanted.get(name)
        if value is None:
            continue
        if value == subprocess.PIPE:
            read, write = os.pipe()
            mine, other = (write, read) if name == "stdin" else (read, write)
            ours[name] = os.fdopen(mine, "wb" if name == "stdin" else "rb", 0)
            theirs[name] = other
            stack.callback(os.close, other)
        elif value == subprocess.DEVNULL:
            theirs[name] = os.open(os.devnull, os.O_RDWR)
            stack.callback(os.close, theirs[name])
        elif value == subprocess.STDOUT:
            theirs[name] = theirs.get("stdout", 1)
        else:
            theirs[name] = value if isinstance(value, int) else value.fileno()
    return ours, theirs
