"""The process behind a release: loads its model once, checks it, and forks workers that share it.

``python -m mlnb.serving.loader LISTENER CONTROL GATE`` (the supervisor starts it) with three
inherited sockets: the endpoint's listening socket, a Unix socket for orders, and one on which this
release's workers answer other releases' workers. It has one thread and never computes, so that
forking it is safe; OpenMP and BLAS get one thread for the same reason.

Orders are JSON lines, each answered by one::

    {"order": "adopt"}                  the connection is the supervisor's
    {"order": "load", "job": …, "count": 2}
    {"order": "serve", "release": 3, "role": "current", "route": {…}}   fork workers
    {"order": "route", "route": {…}}
    {"order": "drain", "successor": "…"}  workers leave; the model stays, ready to serve again
    {"order": "successor", "gate": "…"}   workers that still leave pass requests on to another
    {"order": "listener"}               send the listening socket along
    {"order": "status"}, {"order": "stop"}

When its supervisor ends without a word, what serves goes on serving, and starts another one.
"""

import contextlib
import gc
import json
import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlnb.core.errors import MlnbError
from mlnb.serving import metrics
from mlnb.serving.crew import Child, Crew, WorkerLost, all_told
from mlnb.serving.prediction_log import new_worker_id
from mlnb.serving.resident import give_back_code
from mlnb.serving.trying import threads_of_libraries, tried
from mlnb.serving.worker import (
    Job,
    Loaded,
    check_writable,
    in_words,
    load,
    work,
)

ORPHANED = 0.3
"""Seconds after which another supervisor is started, then with growing pauses."""
LONGEST_WAIT = 30.0
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 30.0
STEADY = 5.0
"""Seconds of work after which earlier crashes are forgotten."""
HEED = 5.0
"""Seconds that workers may be too busy to hear that they are to leave."""
LEAVE = 40.0
"""Seconds after which a worker that was told to leave is killed."""
_logger = logging.getLogger("mlnb.serving.loader")


class Loader:
    """Follows the supervisor's orders; one thread."""

    def __init__(
        self, listener: socket.socket, control: socket.socket, gate: socket.socket, given: Any
    ) -> None:
        self._listener, self._control, self._gate = listener, control, gate
        self._given = given
        self._selector = selectors.DefaultSelector()
        self._supervisor: socket.socket | None = None
        self._orphaned: float | None = None
        self._wait = ORPHANED
        self._buffers: dict[socket.socket, bytes] = {}
        self._loaded: Loaded | None = None
        self._count = 1
        self._crew: Crew | None = None
        self._leaving: list[Child] = []
        self._restarts: list[float] = []
        """When workers that crashed are to be replaced."""
        self._crashes = 0
        self._stopping = False

    def run(self) -> None:
        """Follow orders until told to stop."""
        self._selector.register(self._control, selectors.EVENT_READ, self._accept)
        while not (self._stopping and not self._leaving):
            for key, _ in self._selector.select(self._pause()):
                key.data()
            self._tend()

    # -- the lines of supervisors ------------------------------------------------------------------

    def _accept(self) -> None:
        line, _ = self._control.accept()
        line.setblocking(True)
        self._buffers[line] = b""
        self._selector.register(line, selectors.EVENT_READ, lambda: self._read(line))

    def _read(self, line: socket.socket) -> None:
        try:
            part = line.recv(1 << 20)
        except OSError:
            part = b""
        if not part:
            self._hung_up(line)
            return
        self._buffers[line] += part
        while line in self._buffers and b"\n" in self._buffers[line]:
            text, _, self._buffers[line] = self._buffers[line].partition(b"\n")
            self._obey(line, json.loads(text))

    def _hung_up(self, line: socket.socket) -> None:
        self._selector.unregister(line)
        self._buffers.pop(line, None)
        line.close()
        if line is not self._supervisor:
            return
        self._supervisor = None
        if self._stopping:
            return
        if self._crew is None:  # nothing of it serves: what it waited for will not come
            self._stop()
            return
        _logger.warning("the supervisor is gone; what serves goes on serving")
        self._orphaned = time.monotonic()

    def _obey(self, line: socket.socket, order: dict[str, Any]) -> None:
        name = order.pop("order")
        if name == "listener":
            socket.send_fds(line, [b"x"], [self._listener.fileno()])
            return
        if name == "adopt":
            self._supervisor, self._orphaned, self._wait = line, None, ORPHANED
        work: dict[str, Callable[..., dict[str, Any]]] = {
            "adopt": self._status,
            "load": self._load,
            "serve": self._serve,
            "route": self._route,
            "drain": self._drain,
            "successor": self._succeed,
            "status": self._status,
            "stop": self._stop,
        }
        try:
            answer = work[name](**order)
        except Exception as error:
            _logger.exception("the order to %s failed", name)
            answer = {"failed": in_words(error)}
        with contextlib.suppress(OSError):
            line.sendall(json.dumps(answer).encode() + b"\n")

    # -- orders ------------------------------------------------------------------------------------

    def _load(self, job: dict[str, Any], count: int) -> dict[str, Any]:
        self._count = count
        try:
            chosen = Job(**job)
            check_writable(Path(chosen.log))
            loaded = load(chosen)
            tried(loaded)
            self._loaded = loaded
        except Exception as error:
            _logger.exception("%s could not be loaded", job["model"])
            reason = error.message if isinstance(error, MlnbError) else in_words(error)
            return {"failed": reason.rstrip(".")}
        gc.collect()
        gc.freeze()  # what is there now is not looked at again, so its pages stay shared
        give_back_code()
        found = ", ".join(threads_of_libraries())
        if found:
            _logger.info("threads of libraries, which workers do without: %s", found)
        return {}

    def _serve(self, release: int, role: str, route: dict[str, Any]) -> dict[str, Any]:
        old, order = self._crew, {"release": release, "role": role, "route": route}
        crew = Crew(order)
        try:
            for _ in range(self._count):
                crew.children.append(self._fork())
            for child in crew.children:
                child.tell(order="serve", **order)
            for child in crew.children:
                child.heard()
        except WorkerLost:
            for child in crew.children:
                self._kill(child)
            raise
        self._crew, self._restarts, self._crashes = crew, [], 0
        for child in crew.children:
            self._watch(child)
        if old is not None:
            self._dismiss(old, "")
        return self._status()

    def _route(self, route: dict[str, Any]) -> dict[str, Any]:
        if self._crew is not None:
            self._crew.order["route"] = route
            all_told(self._crew.children, order="route", route=route)
        return {}

    def _drain(self, successor: str) -> dict[str, Any]:
        crew, self._crew = self._crew, None
        self._restarts = []
        if crew is not None:
            self._dismiss(crew, successor)
        return {}

    def _dismiss(self, crew: Crew, successor: str) -> None:
        """Let workers leave; an empty successor is this release's own next workers."""
        for child in crew.children:
            child.leaves_by = time.monotonic() + LEAVE
            self._leaving.append(child)
        gate = successor or self._given["gate"]
        all_told(crew.children, HEED, order="drain", successor=gate)

    def _succeed(self, gate: str) -> dict[str, Any]:
        all_told(self._leaving, HEED, order="successor", gate=gate)
        return {}

    def _status(self) -> dict[str, Any]:
        crew = self._crew
        return {
            "pid": os.getpid(),
            "loaded": self._loaded is not None,
            "model": self._loaded.job.model if self._loaded else "",
            "release": crew.order["release"] if crew else None,
            "role": crew.order["role"] if crew else None,
            "workers": [child.pid for child in crew.children] if crew else [],
            "leaving": [child.pid for child in self._leaving],
            "crashes": self._crashes,
            "count": self._count,
        }

    def _stop(self) -> dict[str, Any]:
        self._stopping = True
        crew, self._crew = self._crew, None
        self._restarts = []
        children = [*self._leaving, *(crew.children if crew else [])]
        self._leaving = children
        for child in children:
            child.leaves_by = child.leaves_by or time.monotonic() + LEAVE
            child.tell(order="stop")
        return {}

    # -- workers -----------------------------------------------------------------------------------

    def _fork(self) -> Child:
        if self._loaded is None:
            raise WorkerLost("told to serve before a model was loaded")
        ours, theirs = socket.socketpair()
        identity = new_worker_id()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            theirs.close()
            return Child(pid, ours, time.monotonic())
        code = 1
        try:
            self._forget_everything(ours)
            work(theirs, self._listener, self._gate, self._loaded, identity)
            code = 0
        except BaseException:
            _logger.exception("the worker failed")
        finally:
            logging.shutdown()
            os._exit(code)

    def _forget_everything(self, ours: socket.socket) -> None:
        """In a child: close what is the parent's, or its end would not be seen."""
        self._selector.close()
        children = [*self._leaving, *(self._crew.children if self._crew else [])]
        for line in [ours, self._control, *self._buffers, *(child.line for child in children)]:
            line.close()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)

    def _watch(self, child: Child) -> None:
        self._selector.register(child.line, selectors.EVENT_READ, lambda: self._ended(child))

    def _ended(self, child: Child) -> None:
        with contextlib.suppress(OSError):
            child.line.settimeout(0)
            if child.line.recv(65536):
                return
        code = self._buried(child)
        if child in self._leaving:
            self._leaving.remove(child)
            return
        if self._crew is None or child not in self._crew.children:
            return
        self._crew.children.remove(child)
        steady = time.monotonic() - child.begun > STEADY
        self._crashes = 1 if steady else self._crashes + 1
        _logger.error("worker %d ended with code %d", child.pid, code)
        self._plan_restart()

    def _plan_restart(self) -> None:
        pause = 0.0
        if self._crashes > 1:
            pause = min(FIRST_PAUSE * 2.0 ** (self._crashes - 2), LONGEST_PAUSE)
        self._restarts.append(time.monotonic() + pause)

    def _buried(self, child: Child) -> int:
        """Take note of a worker's end."""
        self._selector.unregister(child.line)
        child.line.close()
        code = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])
        metrics.retire(self._given["metrics"], child.pid)
        return code

    def _kill(self, child: Child) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)
        child.line.close()
        os.waitpid(child.pid, 0)

    def _restart(self) -> None:
        crew = self._crew
        if crew is None:
            return
        child = self._fork()
        try:
            child.tell(order="serve", **crew.order)
            child.heard()
        except WorkerLost as error:
            _logger.error("the worker did not start: %s", error)
            self._kill(child)
            self._crashes += 1
            self._plan_restart()
        else:
            crew.children.append(child)
            self._watch(child)

    # -- what is due -------------------------------------------------------------------------------

    def _pause(self) -> float | None:
        """Return how long nothing has to be done."""
        due = [*self._restarts, *(child.leaves_by for child in self._leaving)]
        if self._orphaned is not None:
            due.append(self._orphaned + self._wait)
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _tend(self) -> None:
        now = time.monotonic()
        for moment in [each for each in self._restarts if each <= now]:
            self._restarts.remove(moment)
            self._restart()
        for child in self._leaving:
            if child.leaves_by <= now:
                _logger.warning("worker %d did not leave and is killed", child.pid)
                child.leaves_by = now + LEAVE
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGKILL)
        if self._orphaned is not None and self._orphaned + self._wait <= now:
            self._orphaned, self._wait = now, min(2 * self._wait + 1, LONGEST_WAIT)
            self._revive()

    def _revive(self) -> None:
        """Start another supervisor; of several loaders that do, one succeeds."""
        _logger.warning("starting another supervisor")
        arguments = [sys.executable, "-m", "mlnb.serving.supervisor"]
        subprocess.Popen(  # noqa: S603  (our own module; it detaches itself and returns at once)
            [*arguments, json.dumps(self._given["supervisor"]), "-1"],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        ).wait()


def main() -> None:
    """Run a loader: three descriptors, then what it is given as JSON."""
    listener, control, gate = (socket.socket(fileno=int(number)) for number in sys.argv[1:4])
    begin(listener, control, gate, json.loads(sys.argv[4]))


def begin(listener: socket.socket, control: socket.socket, gate: socket.socket, given: Any) -> None:
    """Be a loader."""
    logging.basicConfig(
        force=True,  # one that was forked has the supervisor's
        level=logging.INFO,
        format="%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s",
    )
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the supervisor's affair
    Loader(listener, control, gate, given).run()


if __name__ == "__main__":
    main()
