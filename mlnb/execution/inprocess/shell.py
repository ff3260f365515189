"""ipykernel's own shell and kernel object without sockets, threads and a front-end.

Everything that user code can ask of ``get_ipython()`` is the same as in a kernel: its class, its
configuration and profile, its magics, its comms. Only `Session.send` ends at a `Collector`
instead of a socket.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from jupyter_client.session import Session
from traitlets.config import Config

Message = dict[str, Any]


class CapturingSession(Session):
    """Hands messages on instead of sending them; those of a forked process are dropped."""

    deliver: Callable[[Message], None] = staticmethod(lambda _message: None)

    def send(
        self,
        stream: Any,
        msg_or_type: Any,
        content: Any = None,
        parent: Any = None,
        ident: Any = None,
        buffers: Any = None,
        track: bool = False,
        header: Any = None,
        metadata: Any = None,
    ) -> Message | None:
        """Deliver a message."""
        if os.getpid() != self.pid:
            return None
        if isinstance(msg_or_type, dict):
            message: Message = msg_or_type
        else:
            message = self.msg(msg_or_type, content, parent, header, metadata)
        if buffers:
            message["buffers"] = list(buffers)
        self.deliver(message)
        return message


class _Loop:
    """The two calls that ipykernel makes on its event loop while a cell runs."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.asyncio_loop = loop

    def add_callback(self, callback: Callable[..., Any], *arguments: Any) -> None:
        self.asyncio_loop.call_soon_threadsafe(callback, *arguments)

    def call_later(self, delay: float, callback: Callable[..., Any], *arguments: Any) -> None:
        """Do not stop the loop: the runner itself looks for ``exit`` after each cell."""

    def stop(self) -> None:
        """Do not stop the loop either."""


class HeadlessKernel(IPythonKernel):
    """A kernel object that nobody talks to."""

    def join(self, loop: asyncio.AbstractEventLoop) -> None:
        """Work on an event loop, on this thread."""
        self.io_loop: Any = _Loop(loop)
        self.shell_channel_thread = SimpleNamespace(parent_thread=threading.current_thread())


class HeadlessApp(IPKernelApp):
    """Reads the user's IPython profile as a kernel does, and starts nothing."""

    kernel_class = HeadlessKernel

    def initialize(self, argv: Any = None) -> None:
        """Build kernel and shell; `begin` runs what the profile wants to have run."""
        base: Any = super(IPKernelApp, self)
        base.initialize(argv)
        app: Any = self  # ipykernel's application is untyped
        app.init_pdb()
        self.session = CapturingSession(parent=self, key=b"in-process")
        kernel: Any = self.kernel_class
        self.kernel = kernel(
            parent=self,
            session=self.session,
            log=self.log,
            profile_dir=self.profile_dir,
            user_ns=self.user_ns,
        )
        app.init_shell()

    def begin(self) -> None:
        """Do what a kernel does before its first cell: path, extensions, startup files."""
        app: Any = self  # ipykernel's application is untyped
        app.init_path()
        app.init_gui_pylab()
        app.init_extensions()
        app.init_code()


_app: HeadlessApp | None = None


def prepare() -> HeadlessApp:
    """Build the application with its shell, once; IPython's singletons are left free until `use`.

    Nothing of the user's runs, no thread starts and no file stays open: a process that does this
    may be forked, and a fork of it may build another shell instead.
    """
    global _app  # of this process, to be found after a fork
    if _app is None:
        config = Config()
        config.HistoryManager.enabled = False  # its thread would not outlive a fork
        config.IPKernelApp.connection_file = ""
        kept = sys.displayhook, sys.excepthook, sys.modules["__main__"]
        kind: Any = HeadlessApp
        made = kind(config=config)
        made.initialize([])
        sys.displayhook, sys.excepthook, sys.modules["__main__"] = kept
        for one in _singletons(made):
            type(one).clear_instance()
        _app = made
    return _app


def use() -> HeadlessApp:
    """Make the prepared shell the one of this process."""
    app = prepare()
    for one in _singletons(app):
        for kind in type(one)._walk_mro():
            kind._instance = one
    app.kernel.shell.init_sys_modules()
    app.session.pid = os.getpid()
    return app


def is_ready() -> bool:
    """Tell whether a shell is prepared that nobody uses yet: this process may fork a runner."""
    return _app is not None and not HeadlessKernel.initialized() and threading.active_count() == 1


def _singletons(app: HeadlessApp) -> tuple[Any, ...]:
    return (app, app.kernel, app.kernel.shell)
