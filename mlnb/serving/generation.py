"""The processes of one release as the supervisor sees them: a loader, and the workers it forks.

A generation can be found again: its loader listens on a Unix socket, so a supervisor that is
started after another one was killed takes it over while it serves.
"""

import asyncio
import contextlib
import json
import logging
import os
import secrets
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlnb.core.extras import require
from mlnb.core.records import Record
from mlnb.serving.metrics import SHARED
from mlnb.serving.routing import Route, Split, Way
from mlnb.serving.standby import ONE_THREAD

LOAD = 150.0
"""Seconds a model may take to load."""
ORDER = 45.0
"""Seconds the loader may take to follow any other order."""
LEAVE = 45.0
"""Seconds after which processes that were told to leave are killed."""
_LINE = 16 * 1024 * 1024
_logger = logging.getLogger("mlnb.serving.supervisor")


class WorkerFailed(Exception):
    """A loader that ended, or reported a failure, instead of doing what it was told."""


@dataclass(frozen=True, kw_only=True)
class Place(Record):
    """Where a generation is found again: what the endpoint's state remembers of it."""

    id: str
    pid: int
    created: float
    """When the loader's process was created."""
    control: str
    """Path of the Unix socket for orders."""
    gate: str
    model: str
    digest: str
    count: int
    release: int | None = None
    split: dict[str, Any] | None = None


class Generation:
    """One release's processes; used by the supervisor's event loop.

    Parameters
    ----------
    place : Place
        Where it is.
    job : dict
        What it serves, to start it again; empty when another supervisor started it.
    """

    def __init__(self, place: Place, job: dict[str, Any]) -> None:
        self.place = place
        self.job = job
        self.release: int | None = place.release
        self.split = Split.from_dict(place.split) if place.split else Split()
        self.gone = asyncio.Event()
        """Set when the loader has ended."""
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._lock = asyncio.Lock()
        self._watcher: asyncio.Task[None] | None = None
        self._process: Any = None
        self._answers: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()

    @property
    def model(self) -> str:
        """Return the model, ``name@number``."""
        return self.place.model

    @property
    def way(self) -> Way:
        """Return how the current release's workers reach these."""
        return Way(
            release=self.release or 0,
            gate=self.place.gate,
            lanes=self.place.count,
            share=self.split.share,
            sticky_by=self.split.sticky_by,
        )

    def remembered(self) -> Place:
        """Return what to write down."""
        facts = {**self.place.to_dict(), "release": self.release, "split": self.split.to_dict()}
        return Place.from_dict(facts)

    @classmethod
    async def start(
        cls,
        listener: socket.socket,
        folder: Path,
        metrics: Path,
        job: dict[str, Any],
        count: int,
        supervisor: dict[str, Any],
    ) -> "Generation":
        """Start a loader process; it loads nothing yet."""
        identity = secrets.token_hex(4)
        control, gate = folder / f"{identity}.control", folder / f"{identity}.gate"
        environment = {**os.environ, SHARED: str(metrics), **dict.fromkeys(ONE_THREAD, "1")}
        forks = sys.modules.get("mlnb.serving.nursery")  # there if this process was a standby
        given = {"gate": str(gate), "metrics": str(metrics), "supervisor": supervisor}
        python = job.get("python") or sys.executable
        with _listening(control) as orders, _listening(gate) as visitors:
            sockets = (listener, orders, visitors)
            if forks is not None and forks.may_fork(python):
                process = forks.forked(sockets, given)
            else:
                numbers = [each.fileno() for each in sockets]
                process = await asyncio.create_subprocess_exec(
                    *(python, "-m", "mlnb.serving.loader", *map(str, numbers), json.dumps(given)),
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=numbers,
                    env=environment,
                )
        created = require("psutil", "serving").Process(process.pid).create_time()
        place = Place(
            id=identity,
            pid=process.pid,
            created=created,
            control=str(control),
            gate=str(gate),
            model=str(job["model"]),
            digest=str(job["digest"]),
            count=count,
        )
        made = cls(place, job)
        made._process = process
        await made._connect()
        return made

    @classmethod
    async def adopt(cls, place: Place, job: dict[str, Any]) -> "Generation | None":
        """Take over a generation that runs; None when it does not any more."""
        found = cls(place, job)
        try:
            await found._connect()
        except (OSError, WorkerFailed):
            return None
        return found

    async def _connect(self) -> None:
        self._reader, self._writer = await asyncio.open_unix_connection(
            self.place.control, limit=_LINE
        )
        self._watcher = asyncio.create_task(self._listen(self._reader))
        await self.ask("adopt")

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError, ValueError):
            while line := await reader.readline():
                await self._answers.put(json.loads(line))
        if self._process is not None:
            await self._process.wait()
        self.gone.set()
        await self._answers.put(None)

    async def ask(self, order: str, *, seconds: float = ORDER, **facts: Any) -> dict[str, Any]:
        """Give the loader an order and return its answer.

        Raises
        ------
        WorkerFailed
            If it cannot follow, has ended or takes too long.
        """
        async with self._lock:
            if self._writer is None or self.gone.is_set():
                raise WorkerFailed(f"the worker process ended {self._how()}")
            self._writer.write(json.dumps({"order": order, **facts}).encode() + b"\n")
            try:
                answer = await asyncio.wait_for(self._answers.get(), seconds)
            except TimeoutError:
                raise WorkerFailed(f"the worker took longer than {seconds:g} s") from None
        if answer is None:
            raise WorkerFailed(f"the worker process ended {self._how()}")
        if answer.get("failed"):
            raise WorkerFailed(str(answer["failed"]))
        return answer

    def _how(self) -> str:
        code = self._process.returncode if self._process is not None else None
        if code is None:
            return "of itself"
        return f"by signal {-code}" if code < 0 else f"with exit code {code}"

    async def prepare(self) -> None:
        """Load the model; nothing is served yet.

        Raises
        ------
        WorkerFailed
            If it does not load; the processes are gone then.
        """
        try:
            await self.ask("load", seconds=LOAD, job=self.job, count=self.place.count)
        except BaseException:
            await self.discard()
            raise

    async def serve(self, release: int, split: Split, route: Route) -> None:
        """Let fresh workers answer; those of before, if any, leave."""
        await self.ask("serve", release=release, role=split.role, route=route.to_dict())
        self.release, self.split = release, split

    async def follow(self, route: Route) -> None:
        """Tell the workers where requests go."""
        await self.ask("route", route=route.to_dict())

    async def drain(self, successor: str) -> None:
        """Let the workers leave; when this returns they accept nothing more. The model stays."""
        await self.ask("drain", successor=successor)

    async def succeed(self, gate: str) -> None:
        """Tell workers that still leave to whom late requests go."""
        with contextlib.suppress(WorkerFailed):
            await self.ask("successor", gate=gate)

    async def stop(self) -> None:
        """Let running requests finish and end everything."""
        with contextlib.suppress(WorkerFailed):
            await self.ask("stop")
        await self._end(LEAVE)

    async def discard(self) -> None:
        """End everything at once."""
        self._signal(signal.SIGKILL)
        await self._end(5)

    async def _end(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.gone.wait(), seconds)
        except TimeoutError:
            _logger.warning("loader %d did not leave and is killed", self.place.pid)
            self._signal(signal.SIGKILL)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.gone.wait(), 5)
        if self._writer is not None:
            self._writer.close()
        if self._watcher is not None:
            self._watcher.cancel()
        for path in (self.place.control, self.place.gate):
            Path(path).unlink(missing_ok=True)

    def _signal(self, number: int) -> None:
        psutil = require("psutil", "serving")
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.place.pid)
            if abs(process.create_time() - self.place.created) < 1:
                children = process.children()
                for each in [process, *children]:
                    with contextlib.suppress(psutil.Error):
                        each.send_signal(number)

    def listener(self) -> socket.socket:
        """Return the endpoint's listening socket, which every loader has, too.

        Raises
        ------
        OSError
            If the loader is gone.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(ORDER)
            line.connect(self.place.control)
            line.sendall(b'{"order": "listener"}\n')
            _, descriptors, _, _ = socket.recv_fds(line, 1, 1)
        if not descriptors:
            raise OSError("the loader sent no socket")
        return socket.socket(fileno=descriptors[0])


@contextlib.contextmanager
def _listening(path: Path) -> Any:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as made:
        made.bind(str(path))
        made.listen(128)
        yield made
