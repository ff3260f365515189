"""An ipykernel in two halves: what needs no socket and no thread, and what a child adds.

Before the fork the application has read its configuration and the kernel has its shell. After it
come sockets, threads, streams, the history (a database and a thread) and the user's own startup
files. With arguments on the command line that concern the first half, nothing of it is used.
"""

import os
import select
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from ipykernel.kernelapp import IPKernelApp
from IPython.core.history import HistoryManager
from IPython.core.interactiveshell import InteractiveShell
from jupyter_client.session import Session
from zmq.eventloop.zmqstream import ZMQStream

from mlnb.execution.warm import limits, wire

_prepared: Any = None
_JOIN_SECONDS = 0.5
_HISTORY_DELAY = 0.1  # seconds after the start; its first write waits for the disk


class WarmKernelApp(IPKernelApp):
    """The kernel's application, initialized in two steps."""

    def prepare(self) -> None:
        """Do what needs no socket, no thread and nothing of the user's."""
        app: Any = self  # traitlets' applications are partly untyped
        whole: Any = super(IPKernelApp, self)
        whole.initialize([])  # configuration and profile only
        app.init_pdb()
        kernel: Any = self.kernel_class
        self.kernel = kernel(
            parent=self,
            log=self.log,
            profile_dir=self.profile_dir,
            user_ns=self.user_ns,
        )

    def complete(self, connection_file: str, ready: int) -> None:
        """Do the rest, in the child."""
        self.connection_file = connection_file
        self.parent_handle = os.getppid()  # nothing polls it: the connection is watched instead
        self.session = Session(parent=self)
        app: Any = self
        app.init_blackhole()
        app.init_connection_file()
        app.init_sockets()
        app.init_heartbeat()
        app.write_connection_file()
        app.log_connection_info()
        _say_ready(ready)
        app.init_io()
        app.init_signal()
        self._connect()
        app.init_path()
        app.init_shell()
        app.init_gui_pylab()
        app.init_extensions()
        self._run_code()
        sys.stdout.flush()
        sys.stderr.flush()

    def _run_code(self) -> None:
        """Do as `init_code`, but for its list of all modules.

        `note_modules` has made it: to touch every name costs each child four megabytes.
        """
        app: Any = self
        app._run_startup_files()
        app._run_exec_lines()
        app._run_exec_files()
        if app.hide_initial_ns:
            app.shell.user_ns_hidden.update(app.shell.user_ns)
        app._run_cmd_line_code()
        app._run_module()

    def _connect(self) -> None:
        """Give the kernel that was built before the fork its sockets and threads."""
        kernel = self.kernel
        shell_stream = ZMQStream(self.shell_socket, self.shell_channel_thread.io_loop)
        self.shell_channel_thread.shell_stream = shell_stream
        self.control_thread.start()
        self.shell_channel_thread.start()
        loop = self.control_thread.io_loop
        kernel.ident = str(uuid4())
        kernel.session = self.session
        kernel.control_stream = ZMQStream(self.control_socket, loop)
        kernel.debugpy_stream = ZMQStream(self.debugpy_socket, loop)
        kernel.debug_shell_socket = self.debug_shell_socket
        kernel.shell_stream = shell_stream
        kernel.control_thread = self.control_thread
        kernel.shell_channel_thread = self.shell_channel_thread
        kernel.iopub_thread = self.iopub_thread
        kernel.iopub_socket = self.iopub_socket
        kernel.stdin_socket = self.stdin_socket
        kernel._stdout, kernel._stderr = sys.stdout, sys.stderr
        kernel.record_ports({f"{name}_port": port for name, port in self._ports.items()})
        if getattr(kernel, "debugger", None) is not None:
            kernel.debugger = kernel.debugger_class(
                self.log,
                kernel.debugpy_stream,
                kernel._publish_debug_event,
                self.debug_shell_socket,
                self.session,
                kernel._kernel_modules,
                kernel.debug_just_my_code,
                kernel.filter_internal_frames,
            )
        self._connect_shell(kernel)

    def _connect_shell(self, kernel: Any) -> None:
        shell = kernel.shell
        shell.starting_dir = os.getcwd()
        if name := os.environ.get("JPY_SESSION_NAME"):
            shell.user_ns["__session__"] = name
        shell.displayhook.session = self.session
        shell.displayhook.pub_socket = self.iopub_socket
        shell.displayhook.topic = kernel._topic("execute_result")
        shell.display_pub.session = self.session
        shell.display_pub.pub_socket = self.iopub_socket
        self.displayhook.get_execution_count = lambda: kernel.execution_count


WarmKernelApp.__name__ = "IPKernelApp"  # what it logs under, as every kernel does


def prepare() -> None:
    """Build the first half, once; the singletons are left free for whoever else builds a shell."""
    global _prepared  # of this process, to be found after the fork
    if _prepared is not None:
        return
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    from jupyter_client import localinterfaces

    localinterfaces.LOCALHOST  # noqa: B018  (asks the system for its addresses, once)
    displayhook, excepthook, main = sys.displayhook, sys.excepthook, sys.modules["__main__"]
    app: Any = WarmKernelApp()  # type: ignore[no-untyped-call]  # traitlets is partly untyped
    with _no_history():
        app.prepare()
    sys.displayhook, sys.excepthook, sys.modules["__main__"] = displayhook, excepthook, main
    for one in _singletons(app):
        type(one).clear_instance()
    _prepared = app


@contextmanager
def _no_history() -> Iterator[None]:
    """Have a shell built with a history that is kept nowhere: no database and no thread."""
    whole = InteractiveShell.init_history

    def init_history(shell: Any) -> None:
        shell.history_manager = HistoryManager(shell=shell, parent=shell, enabled=False)
        shell.configurables.append(shell.history_manager)

    shells: Any = InteractiveShell
    shells.init_history = init_history
    try:
        yield
    finally:
        shells.init_history = whole


def prepared() -> Any:
    """Return the application as it was built before the fork, or None."""
    return _prepared


def note_modules() -> None:
    """Tell the shell which modules are there before the first cell."""
    if _prepared is not None:
        _prepared.kernel.shell._sys_modules_keys = set(sys.modules)


def config_files() -> list[str]:
    """Return where the configuration was looked for: a change makes the first half stale."""
    if _prepared is None:
        return []
    names = ("ipython_config", "ipython_kernel_config")
    return [
        os.path.join(folder, name + ending)
        for folder in _prepared.config_file_paths
        for name in names
        for ending in (".py", ".json")
        if folder != os.getcwd()
    ]


def _singletons(app: Any) -> list[Any]:
    return [app, app.kernel, app.kernel.shell]


def run(request: dict[str, Any], connection: int, lifeline: int, memory: int) -> int:
    """Be a kernel until it is shut down; returns the exit code."""
    arguments = list(request.get("arguments", ()))
    if lifeline >= 0:
        _end_with_owner(lifeline)
    if _prepared is None or not _known(arguments):
        return _run_whole(request["connection_file"], arguments, connection, memory)
    app = _prepared
    for one in _singletons(app):
        for kind in type(one)._walk_mro():
            kind._instance = one
    app.kernel.shell.init_sys_modules()
    app.init_crash_handler()
    if arguments:  # else nothing was told that it does not know from before the fork
        app.parse_command_line(arguments)
    app.kernel.shell.config.merge(app.cli_config)
    app.complete(request["connection_file"], connection)
    _begin_history(app.kernel.shell)
    _limit_memory(app.kernel.shell, memory)
    app.start()
    _end_threads(app)
    return 0


def _known(arguments: list[str]) -> bool:
    """Tell whether all arguments are about what is only made after the fork.

    nbclient, and so nbconvert and papermill, ask every kernel to keep its history in memory.
    """
    return all(argument.startswith("--HistoryManager.") for argument in arguments)


def _end_threads(app: IPKernelApp) -> None:
    """Let the control thread finish while there is somebody to flush its output to.

    Else it may wait for ever for a thread that the application's `close` has just ended, and
    `close` for it.
    """
    for thread in (app.control_thread, app.shell_channel_thread):
        if thread is not None and thread.is_alive():
            thread.stop()
            thread.join(_JOIN_SECONDS)


def _run_whole(connection_file: str, arguments: list[str], connection: int, memory: int) -> int:
    app: Any = IPKernelApp.instance()
    app.initialize(["-f", connection_file, *arguments])
    _say_ready(connection)
    _limit_memory(app.kernel.shell, memory)
    app.start()
    _end_threads(app)
    return 0


def _begin_history(shell: Any) -> None:
    """Open the history a moment after the start, or when the first cell comes."""
    from tornado.ioloop import IOLoop

    begun: list[bool] = []

    def begin(*_info: Any) -> None:
        if begun:
            return
        begun.append(True)
        shell.events.unregister("pre_execute", begin)
        shell.configurables.remove(shell.history_manager)
        shell.init_history()
        kept = shell.history_manager
        names = {
            "_ih": kept.input_hist_parsed,
            "In": kept.input_hist_parsed,
            "_oh": kept.output_hist,
            "Out": kept.output_hist,
            "_dh": kept.dir_hist,
        }
        shell.user_ns.update(names)
        shell.user_ns_hidden.update(names)

    shell.events.register("pre_execute", begin)
    IOLoop.current().call_later(_HISTORY_DELAY, begin)


def _limit_memory(shell: Any, memory: int) -> None:
    """Limit memory, now that the stacks of the kernel's threads are there.

    A cell that has run out of it is let say so, which takes some memory.
    """

    def handler(self: Any, kind: Any, value: Any, trace: Any, tb_offset: Any = None) -> None:
        limits.give_headroom()
        self.showtraceback((kind, value, trace), tb_offset=tb_offset)

    if memory:
        shell.set_custom_exc((MemoryError,), handler)
        limits.limit_memory(memory)


def _say_ready(connection: int) -> None:
    with socket.socket(fileno=connection) as owner:
        try:
            wire.send(owner, {"ready": True})
        except wire.Closed:
            os._exit(1)


def _end_with_owner(lifeline: int) -> None:
    """End at once when nobody holds the other end of a pipe, even without a zygote."""

    def watch() -> None:
        watched = select.poll()
        watched.register(lifeline, 0)  # the hang-up is always told of
        while not watched.poll():
            pass
        os._exit(1)

    threading.Thread(target=watch, name="mlnb-owner", daemon=True).start()
