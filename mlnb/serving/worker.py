"""One worker process: ``python -m mlnb.serving.worker SOCKET REPORTS``.

Started by the supervisor with two inherited descriptors, the listening socket and a pipe to
report on. Orders come as JSON lines on standard input, and its end means that the supervisor is
gone::

    {"order": "load", …}               → {"state": "loaded"} or {"state": "failed", "reason": …}
    {"order": "serve", "release": 3}   → {"state": "serving"}
    {"order": "drain"}                 → {"state": "draining"}: stop accepting, pass late requests
                                         on, leave when the last connection is closed
    {"order": "stop"}                  : finish what runs and leave
"""

import asyncio
import json
import logging
import os
import socket
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from mlnb.core.errors import BadInput, MlnbError, PredictionFailed
from mlnb.core.records import Column
from mlnb.serving.app import App, Service
from mlnb.serving.casting import Field, fields_of
from mlnb.serving.forwarding import Forwarder
from mlnb.serving.metrics import Metrics
from mlnb.serving.package import load_model
from mlnb.serving.prediction_log import PredictionLog
from mlnb.serving.protocol import parse
from mlnb.serving.scoring import Scorer

KEEP_ALIVE = 20
"""Seconds an idle connection stays open; longer than the client of mlnb keeps one."""
GRACE = 10
"""Seconds that running requests get when the endpoint stops."""
EXAMPLE = "serving_input_example.json"
"""Where MLflow keeps a model's example, as a request."""
_logger = logging.getLogger("mlnb.serving")


@dataclass(frozen=True)
class Job:
    """What a worker is told to serve."""

    endpoint: str
    model: str
    digest: str
    files: str
    trusted: list[str]
    columns: list[dict[str, Any]]
    log: str
    worker: str
    token: str
    body_limit: int


class Server(uvicorn.Server):
    """Uvicorn, with a listening socket that it can leave while connections go on."""

    def leave_socket(self) -> None:
        """Stop accepting in this process; the socket stays open in the others."""
        for server in self.servers:
            server.close()

    async def connections_closed(self, seconds: float) -> None:
        """Wait until every connection is closed, or the time is up."""
        end = asyncio.get_running_loop().time() + seconds
        while self.server_state.connections and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.05)


class Worker:
    """Follows the supervisor's orders.

    Parameters
    ----------
    listener : socket
        Bound and listening; shared with the other workers.
    reports : int
        Descriptor to report on.
    """

    def __init__(self, listener: socket.socket, reports: int) -> None:
        self._listener = listener
        self._reports = reports
        self._orders = asyncio.StreamReader(limit=16 * 1024 * 1024)
        self._job: Job | None = None
        self._fields: list[Field] = []
        self._scorer: Scorer | None = None
        self._app: App | None = None
        self._server: Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Follow orders until told to leave."""
        orders = self._orders
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
        while line := await orders.readline():
            order = json.loads(line)
            if order["order"] == "load":
                if not self._load(Job(**order["job"])):
                    return
            elif order["order"] == "serve":
                await self._serve(order["release"])
            elif order["order"] == "drain":
                await self._drain()
                return
            else:
                break
        await self._stop()

    def _report(self, state: str, **facts: Any) -> None:
        os.write(self._reports, json.dumps({"state": state, **facts}).encode() + b"\n")

    def _load(self, job: Job) -> bool:
        try:
            self._job = job
            self._fields = fields_of([Column.from_dict(column) for column in job.columns])
            model = load_model(Path(job.files), job.model, job.digest, job.trusted)
            self._scorer = Scorer(model)
            try_out(self._scorer, self._fields, Path(job.files) / EXAMPLE)
            check_writable(Path(job.log))
        except Exception as error:
            _logger.exception("%s could not be loaded", job.model)
            reason = error.message if isinstance(error, MlnbError) else _in_words(error)
            self._report("failed", reason=reason.rstrip("."))
            return False
        self._report("loaded")
        return True

    async def _serve(self, release: int) -> None:
        import pyarrow as pa

        job, scorer = self._job, self._scorer
        if job is None or scorer is None:
            raise RuntimeError("told to serve before a model was loaded")
        schema = pa.schema([(field.name, field.type) for field in self._fields])
        service = Service(
            endpoint=job.endpoint,
            release=release,
            model=job.model,
            fields=self._fields,
            scorer=scorer,
            log=PredictionLog(Path(job.log), job.worker, release, job.model, schema),
            metrics=Metrics(str(release), job.model),
            token=job.token,
            body_limit=job.body_limit,
        )
        self._app = App(service)
        config = uvicorn.Config(
            self._app,
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=GRACE,
        )
        self._server = Server(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._listener]))
        while not self._server.started and not self._serving.done():
            await asyncio.sleep(0.01)
        if self._serving.done():
            self._serving.result()
        self._serving.add_done_callback(lambda _: self._orders.feed_eof())
        self._report("serving")

    async def _drain(self) -> None:
        if self._server is not None and self._app is not None:
            self._app.forward = Forwarder(_address(self._listener))
            self._server.leave_socket()
            self._report("draining")
            waits = [
                asyncio.create_task(self._server.connections_closed(KEEP_ALIVE)),
                asyncio.create_task(self._orders.readline()),  # "stop", or the supervisor's end
            ]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for task in waits:
                task.cancel()
        await self._stop()

    async def _stop(self) -> None:
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving


def try_out(scorer: Scorer, fields: Sequence[Field], example: Path) -> None:
    """Let a model answer the example it was registered with, before anybody else asks.

    Raises
    ------
    PredictionFailed
        If it cannot.
    """
    if not example.is_file():
        return
    try:
        batch = parse(example.read_bytes(), "application/json", fields)
    except BadInput as error:
        _logger.warning("the model's example is no request, so it was not tried: %s", error)
        return
    try:
        scorer(batch.table.to_pandas())
    except Exception as error:
        raise PredictionFailed(f"it fails on its own example: {_in_words(error)}") from error


def check_writable(folder: Path) -> None:
    """Raise OSError if no prediction could be logged."""
    with tempfile.TemporaryFile(dir=folder) as probe:
        probe.write(b"\n")


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    own = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  (compared with)
    return f"http://[{own}]:{port}" if ":" in own else f"http://{own}:{port}"


def _in_words(error: Exception) -> str:
    text = (str(error).strip() or "no message").splitlines()[0]
    return f"{type(error).__name__}: {text}"


def main() -> None:
    """Run a worker."""
    listener, reports = int(sys.argv[1]), int(sys.argv[2])
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s worker %(process)d %(levelname)s %(name)s: %(message)s",
    )
    asyncio.run(_run(socket.socket(fileno=listener), reports))


async def _run(listener: socket.socket, reports: int) -> None:
    await Worker(listener, reports).run()


if __name__ == "__main__":
    main()
