"""The worker processes that serve one release, kept alive."""

import asyncio
import contextlib
import json
import logging
import os
import socket
import sys
from dataclasses import dataclass, field
from typing import Any

from mlnb.core.extras import require
from mlnb.serving.metrics import SHARED
from mlnb.serving.prediction_log import new_worker_id

LOAD = 150.0
"""Seconds a model may take to load."""
LEAVE = 40.0
"""Seconds after which a worker that was told to leave is killed."""
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 30.0
STEADY = 60.0
"""Seconds of work after which earlier crashes are forgotten."""
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_logger = logging.getLogger("mlnb.serving.supervisor")


class WorkerFailed(Exception):
    """A worker that ended, or reported a failure, instead of doing what it was told."""


@dataclass
class WorkerProcess:
    """One worker: its process, and the pipe on which it reports."""

    id: str
    process: asyncio.subprocess.Process
    reports: asyncio.StreamReader
    transport: asyncio.ReadTransport

    @classmethod
    async def start(cls, listener: socket.socket, metrics: str) -> "WorkerProcess":
        """Start a process that shares the listening socket."""
        receiving, sending = os.pipe()
        environment = {**os.environ, SHARED: metrics, **dict.fromkeys(_ONE_THREAD, "1")}
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "mlnb.serving.worker",
                str(listener.fileno()),
                str(sending),
                stdin=asyncio.subprocess.PIPE,
                pass_fds=(listener.fileno(), sending),
                env=environment,
            )
        finally:
            os.close(sending)
        reports = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reports), os.fdopen(receiving, "rb")
        )
        return cls(new_worker_id(), process, reports, transport)

    def order(self, order: str, **facts: Any) -> None:
        """Send an order; one that is gone cannot hear it."""
        stdin = self.process.stdin
        if stdin is not None and not stdin.is_closing():
            with contextlib.suppress(ConnectionError):
                stdin.write(json.dumps({"order": order, **facts}).encode() + b"\n")

    async def reported(self, state: str, seconds: float) -> None:
        """Wait until the worker reports a state.

        Raises
        ------
        WorkerFailed
            If it reports a failure, ends or takes too long.
        """
        try:
            line = await asyncio.wait_for(self.reports.readline(), seconds)
        except TimeoutError:
            raise WorkerFailed(f"the worker took longer than {seconds:g} s") from None
        if not line:
            code = await self.process.wait()
            how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
            raise WorkerFailed(f"the worker process ended {how}")
        report = json.loads(line)
        if report["state"] != state:
            raise WorkerFailed(report.get("reason") or f"the worker reported {report['state']}")

    async def ended(self, seconds: float) -> None:
        """Wait for the process's end; kill it after a while."""
        try:
            await asyncio.wait_for(self.process.wait(), seconds)
        except TimeoutError:
            _logger.warning("worker %d did not leave and is killed", self.process.pid)
            self.kill()
            await self.process.wait()
        self.transport.close()

    def kill(self) -> None:
        """Kill the process."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()


@dataclass
class Generation:
    """The workers of one release, restarted when they crash until the generation retires.

    Owned by the supervisor's event loop.
    """

    listener: socket.socket
    metrics: str
    job: dict[str, Any]
    count: int
    release: int | None = None
    crashes: int = 0
    """In a row; 0 again after a while of steady work."""
    workers: list[WorkerProcess] = field(default_factory=list)
    _keepers: list["asyncio.Task[None]"] = field(default_factory=list)
    _retired: bool = False

    @property
    def model(self) -> str:
        """Return the model, ``name@number``."""
        return str(self.job["model"])

    async def prepare(self) -> None:
        """Start the workers and load the model in each; none accepts a request yet.

        Raises
        ------
        WorkerFailed
            If one fails; all are gone then.
        """
        try:
            await asyncio.gather(*(self._loaded() for _ in range(self.count)))
        except BaseException:
            await self.discard()
            raise

    async def serve(self, release: int) -> None:
        """Let the workers accept requests, and keep them alive from now on."""
        self.release = release
        try:
            await asyncio.gather(*(self._serving(worker) for worker in self.workers))
        except BaseException:
            await self.discard()
            raise
        self._keepers = [asyncio.create_task(self._keep(worker)) for worker in self.workers]

    async def drain(self) -> None:
        """Retire: when this returns the workers accept nothing more; `gone` waits for their end."""
        self._retire()
        for worker in self.workers:
            worker.order("drain")
        for worker in self.workers:
            with contextlib.suppress(WorkerFailed):
                await worker.reported("draining", 5)

    async def stop(self) -> None:
        """Retire: let running requests finish and end the workers."""
        self._retire()
        for worker in self.workers:
            worker.order("stop")
        await self.gone()

    async def gone(self) -> None:
        """Wait until every worker has ended; one that lingers is killed."""
        await asyncio.gather(*(self._gone(worker) for worker in list(self.workers)))

    async def discard(self) -> None:
        """Kill the workers at once."""
        self._retire()
        for worker in self.workers:
            worker.kill()
        await self.gone()

    def _retire(self) -> None:
        self._retired = True
        for keeper in self._keepers:
            keeper.cancel()

    async def _gone(self, worker: WorkerProcess) -> None:
        await worker.ended(LEAVE)
        self._forget(worker)

    async def _loaded(self) -> WorkerProcess:
        worker = await WorkerProcess.start(self.listener, self.metrics)
        self.workers.append(worker)
        worker.order("load", job={**self.job, "worker": worker.id})
        await self._heard(worker, "loaded")
        return worker

    async def _serving(self, worker: WorkerProcess) -> None:
        worker.order("serve", release=self.release)
        await self._heard(worker, "serving")

    async def _heard(self, worker: WorkerProcess, state: str) -> None:
        try:
            await worker.reported(state, LOAD)
        except WorkerFailed:
            worker.kill()
            await self._gone(worker)
            raise

    async def _keep(self, worker: WorkerProcess) -> None:
        """Replace a worker each time it ends, with longer and longer pauses while it keeps on."""
        clock = asyncio.get_running_loop().time
        while not self._retired:
            begun = clock()
            code = await worker.process.wait()
            self._forget(worker)
            self.crashes = 1 if clock() - begun > STEADY else self.crashes + 1
            _logger.error("worker %d ended with code %d", worker.process.pid, code)
            worker = await self._replaced()

    async def _replaced(self) -> WorkerProcess:
        while True:
            pause = min(FIRST_PAUSE * 2 ** (self.crashes - 1), LONGEST_PAUSE)
            _logger.info("starting another worker in %.1f s", pause)
            await asyncio.sleep(pause)
            try:
                worker = await self._loaded()
                await self._serving(worker)
            except WorkerFailed as error:
                _logger.error("the worker did not start: %s", error)
                self.crashes += 1
            else:
                return worker

    def _forget(self, worker: WorkerProcess) -> None:
        worker.transport.close()
        with contextlib.suppress(ValueError):
            self.workers.remove(worker)
        multiprocess = require("prometheus_client.multiprocess", "serving")
        multiprocess.mark_process_dead(worker.process.pid, path=self.metrics)
