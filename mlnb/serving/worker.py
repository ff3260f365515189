"""One worker process: forked by the loader, which has the model in memory already.

Orders come as JSON lines on the socket to the loader, and each is answered by one line::

    {"order": "serve", "release": 3, "role": "current", "route": {…}}
    {"order": "route", "route": {…}}
    {"order": "drain", "successor": "…"}   stop accepting, pass late requests on, leave when the
                                           last connection is closed
    {"order": "successor", "gate": "…"}    pass them on to another
    {"order": "stop"}                      finish what runs and leave

A worker of the current release accepts at the endpoint's own port; those of a canary or a shadow
are asked by the current ones only.
"""

import asyncio
import contextlib
import json
import logging
import os
import resource
import socket
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlnb.core.errors import BadInput, PredictionFailed
from mlnb.core.records import Column
from mlnb.serving.app import App, Service
from mlnb.serving.casting import Schema
from mlnb.serving.engines import engine
from mlnb.serving.fields import Field, fields_of
from mlnb.serving.gate import Gate
from mlnb.serving.gateway import Gateway
from mlnb.serving.http import HttpServer, Limits, event_loop
from mlnb.serving.metrics import Metrics
from mlnb.serving.package import facts_of
from mlnb.serving.prediction_log import PredictionLog
from mlnb.serving.protocols.mlflow import parse
from mlnb.serving.routing import Route
from mlnb.serving.scoring import Engine, independent

KEEP_ALIVE = 20
"""Seconds an idle connection stays open; longer than the client of mlnb keeps one."""
GRACE = 10
"""Seconds that running requests get when the endpoint stops."""
ORPHANED = 30
"""Seconds that a worker goes on serving when its loader has ended."""
SHADOW_NICE = 5
MOST_FILES = 65536
EXAMPLE = "serving_input_example.json"
"""Where MLflow keeps a model's example, as a request."""
_logger = logging.getLogger("mlnb.serving")


@dataclass(frozen=True)
class Job:
    """What a loader is told to serve."""

    endpoint: str
    model: str
    digest: str
    files: str
    trusted: list[str]
    columns: list[dict[str, Any]]
    log: str
    token: str
    body_limit: int
    python: str = ""
    """The interpreter with the model's packages; the one that runs this."""
    log_sample: float = 1.0
    log_exclude: Sequence[str] = ()
    engine: str = ""
    """Folder with what may answer in the model's place, see `mlnb.serving.engines`."""


@dataclass(frozen=True)
class Loaded:
    """A model that is in memory, checked, and what it takes."""

    job: Job
    fields: list[Field]
    scorer: Engine


def load(job: Job) -> Loaded:
    """Load a model; nothing is computed with it (see `mlnb.serving.loader`).

    Raises
    ------
    MlnbError
        If it is not what was deployed.
    """
    fields = fields_of([Column.from_dict(column) for column in job.columns])
    scorer = engine(job.engine, Path(job.files), job.model, job.digest, job.trusted)
    return Loaded(job, fields, scorer)


def service_of(loaded: Loaded, release: int, role: str, worker: str) -> Service:
    """Return what a worker's app serves."""
    job = loaded.job
    log = PredictionLog(
        Path(job.log),
        worker,
        release,
        job.model,
        [Column(name=field.name, type=field.arrow) for field in loaded.fields],
        role=role,
        sample=job.log_sample,
        exclude=job.log_exclude,
    )
    return Service(
        endpoint=job.endpoint,
        release=release,
        model=job.model,
        fields=loaded.fields,
        scorer=loaded.scorer,
        log=log,
        metrics=Metrics(str(release), job.model),
        token=job.token,
        body_limit=job.body_limit,
        facts=facts_of(Path(job.files)),
    )


class Worker:
    """Follows the loader's orders; used by one event loop.

    Parameters
    ----------
    line : socket
        To the loader.
    listener : socket
        The endpoint's own.
    gate : socket
        Where this release's workers answer those of other releases.
    loaded : Loaded
        The model.
    identity : str
        Unique for all time.
    """

    def __init__(
        self,
        line: socket.socket,
        listener: socket.socket,
        gate: socket.socket,
        loaded: Loaded,
        identity: str,
    ) -> None:
        self._line, self._listener, self._socket = line, listener, gate
        self._loaded, self._identity = loaded, identity
        self._service: Service | None = None
        self._gateway: Gateway | None = None
        self._gate: Gate | None = None
        self._server: HttpServer | None = None
        self._leaving: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Follow orders until told to leave."""
        reader, writer = await asyncio.open_connection(sock=self._line)
        while True:
            orders = asyncio.create_task(reader.readline())
            ends = [self._leaving] if self._leaving is not None else []
            await asyncio.wait([orders, *ends], return_when=asyncio.FIRST_COMPLETED)
            if any(each.done() for each in ends):
                orders.cancel()
                break
            if not (line := orders.result()):
                await self._orphaned()
                break
            order = json.loads(line)
            name = order.pop("order")
            if name == "stop":
                break
            writer.write(json.dumps(await self._obey(name, order)).encode() + b"\n")
        await self._stop()

    async def _obey(self, name: str, order: dict[str, Any]) -> dict[str, Any]:
        try:
            if name == "serve":
                await self._serve(**order)
            elif name == "drain":
                self._drain(order["successor"])
            elif name == "successor" and self._gateway is not None:
                self._gateway.succeed(order["gate"])
            elif name == "route" and self._gateway is not None:
                self._gateway.follow(Route.from_dict(order["route"]))
        except Exception as error:
            _logger.exception("the order to %s failed", name)
            return {"failed": in_words(error)}
        return {"done": name}

    async def _serve(self, release: int, role: str, route: dict[str, Any]) -> None:
        service = self._service = service_of(self._loaded, release, role, self._identity)
        app = App(service)
        self._gateway = Gateway(app, service.log.failed)
        self._gateway.follow(Route.from_dict(route))
        self._gate = Gate(app)
        await self._gate.open(self._socket)
        if role == "shadow":
            os.nice(SHADOW_NICE)
        if role == "current":
            await self._listen(app)

    async def _listen(self, app: Any) -> None:
        limits = Limits(body=self._loaded.job.body_limit, idle=KEEP_ALIVE)
        self._server = HttpServer(app.handle, app.own_headers, limits)
        await self._server.start(self._listener)

    def _drain(self, successor: str) -> None:
        if self._gateway is None or self._gate is None:
            raise RuntimeError("told to leave before it served")
        self._gateway.succeed(successor)
        self._gate.leave()
        if self._server is not None:
            self._server.leave_socket()
        self._leaving = asyncio.create_task(self._left())

    async def _left(self) -> None:
        """Wait until nobody needs this worker any more."""
        if self._server is not None:
            await self._server.connections_closed(KEEP_ALIVE)
        end = asyncio.get_running_loop().time() + KEEP_ALIVE
        while self._gate and self._gate.busy and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.02)

    async def _orphaned(self) -> None:
        """Serve on for a while: another loader is being started."""
        _logger.warning("the loader is gone; leaving in %d s", ORPHANED)
        ends = [self._leaving] if self._leaving is not None else []
        pause = asyncio.create_task(asyncio.sleep(ORPHANED))
        await asyncio.wait([pause, *ends], return_when=asyncio.FIRST_COMPLETED)

    async def _stop(self) -> None:
        if self._gate is not None:
            self._gate.close()
        if self._server is not None:
            await self._server.stop(GRACE)
        if self._service is not None:
            self._service.log.close()


def try_out(scorer: Engine, fields: Sequence[Field], example: Path) -> None:
    """Let a model answer the example it was registered with, before anybody else asks.

    Whether requests may be predicted together is found out by it, too.

    Raises
    ------
    PredictionFailed
        If it cannot.
    """
    if not example.is_file():
        return
    schema = Schema(fields)
    try:
        batch = parse(example.read_bytes(), "application/json", schema)
    except BadInput as error:
        _logger.warning("the model's example is no request, so it was not tried: %s", error)
        return
    try:
        scorer.answer(schema, batch.columns)
        scorer.merges = independent(scorer, schema, [batch])
    except Exception as error:
        raise PredictionFailed(f"it fails on its own example: {in_words(error)}") from error


def check_writable(folder: Path) -> None:
    """Raise OSError if no prediction could be logged."""
    with tempfile.TemporaryFile(dir=folder) as probe:
        probe.write(b"\n")


def in_words(error: Exception) -> str:
    """Return an error's kind and the first line of what it says."""
    text = (str(error).strip() or "no message").splitlines()[0]
    return f"{type(error).__name__}: {text}"


def _open_files() -> None:
    """Let this process have as many connections as it may: 1,024 would be fewer than can wait."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):  # a system with a limit of its own
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def work(
    line: socket.socket,
    listener: socket.socket,
    gate: socket.socket,
    loaded: Loaded,
    identity: str,
) -> None:
    """Be a worker, in a process that was just forked, until told to leave."""
    _open_files()
    with (
        contextlib.suppress(KeyboardInterrupt),
        asyncio.Runner(loop_factory=event_loop()) as runner,
    ):
        runner.run(Worker(line, listener, gate, loaded, identity).run())
