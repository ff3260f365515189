"""Loaders that are forked, and not started: everything they need is imported already.

Only in the first minute of a supervisor that was a `mlnb.serving.standby`, and only while it has no
threads: later on, packages on the disk may be others than those in memory, and a fork may be
unsafe.
"""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from typing import Any

from mlnb.core.extras import require
from mlnb.serving import compiled, loader, supervisor  # noqa: F401  (for those that are forked)
from mlnb.serving.metrics import SHARED

for _module in ("orjson", "psutil", "uvloop", "yaml"):
    require(_module, "serving")

YOUNG = 60.0
"""Seconds for which what is imported is what is installed."""
_HEARD = 0.02
_born: float | None = None


class Forked:
    """A child, with what is used of `asyncio.subprocess.Process`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    async def wait(self) -> int:
        """Wait for its end, which is near when this is asked."""
        while self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                self.returncode = 0
                break
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
            else:
                await asyncio.sleep(_HEARD)
        return self.returncode


def may_fork(python: str) -> bool:
    """Tell whether a loader for this interpreter can be forked from this process."""
    young = _born is not None and time.monotonic() - _born < YOUNG
    return young and python in ("", sys.executable) and threading.active_count() == 1


def forked(
    sockets: tuple[socket.socket, socket.socket, socket.socket], given: dict[str, Any]
) -> Forked:
    """Fork a loader: it gets the listening socket and those for orders and visitors.

    The child never returns from here, so nothing of this process's event loop is ever collected
    there and closes a descriptor that is another's by then.
    """
    pid = os.fork()
    if pid:
        return Forked(pid)
    code = 1
    try:
        _forget(each.fileno() for each in sockets)
        os.environ[SHARED] = given["metrics"]
        loader.begin(*sockets, given)
        code = 0
    except BaseException:
        logging.getLogger("mlnb.serving.loader").exception("the loader failed")
    finally:
        logging.shutdown()
        os._exit(code)


def _forget(kept: Any) -> None:
    """Close what is the parent's, or its end would not be seen."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    last = 2
    for number in sorted(kept):
        os.closerange(last + 1, number)
        last = number
    os.closerange(last + 1, os.sysconf("SC_OPEN_MAX"))


def supervise(given: dict[str, Any], folder: str, log: str, env: dict[str, str]) -> None:
    """Be a supervisor; reports on what was standard output."""
    global _born
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    report = os.dup(1)
    written = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for ours, theirs in ((nothing, 0), (written, 1), (written, 2)):
        os.dup2(ours, theirs)
        os.set_inheritable(theirs, True)
    os.close(written)
    os.close(nothing)
    gc.collect()
    gc.freeze()  # what is there now is not looked at again, so its pages stay shared
    _born = time.monotonic()
    supervisor.begin(given, report)
