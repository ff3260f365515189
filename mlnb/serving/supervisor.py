"""The process behind a local endpoint: ``python -m mlnb.serving.supervisor`` (mlnb starts it).

It outlives the notebook that deployed. It owns the listening socket and hands it to workers, so
the address stays open while releases come and go: a new generation of workers is ready before the
old one is told to drain. Workers that crash are replaced. Told what to do over `control`.
"""

import asyncio
import contextlib
import hmac
import json
import logging
import os
import secrets
import shutil
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlnb.core.extras import require
from mlnb.core.records import now
from mlnb.serving import state as states
from mlnb.serving.generation import Generation, WorkerFailed
from mlnb.serving.metrics import totals
from mlnb.serving.prediction_log import SEGMENT_BYTES, SUFFIX, worker_of
from mlnb.serving.state import LocalState

BACKLOG = 1024
COMPACT_EVERY = 30.0
_LINE = 16 * 1024 * 1024
_logger = logging.getLogger("mlnb.serving.supervisor")


class Supervisor:
    """One endpoint's processes, used by one event loop.

    Parameters
    ----------
    folder : Path
        The endpoint's own folder.
    state : LocalState
        What is known from the start: name, address, token.
    listener : socket
        Bound to the address and listening.
    """

    def __init__(self, folder: Path, state: LocalState, listener: socket.socket) -> None:
        self._folder = folder
        self._file = folder.with_name(f"{folder.name}.json")
        self._metrics = folder / "metrics"
        self._state = state
        self._listener = listener
        self._serving: Generation | None = None
        self._old: dict[asyncio.Task[None], Generation] = {}
        """Generations that drain."""
        self._preparing = False
        self._end = asyncio.Event()

    async def run(self, started: int) -> None:
        """Serve until told to stop; ``started`` is the descriptor that awaits the first word."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end.set)
        control = await asyncio.start_server(self._converse, "127.0.0.1", 0, limit=_LINE)
        own = require("psutil", "serving").Process()
        self._remember(
            control_port=control.sockets[0].getsockname()[1],
            pid=own.pid,
            created=own.create_time(),
        )
        os.write(started, b"started\n")
        os.close(started)
        compactor = asyncio.create_task(self._compact())
        await self._end.wait()
        control.close()
        compactor.cancel()
        self._listener.close()
        running = [self._serving] if self._serving is not None else []
        await asyncio.gather(*(each.stop() for each in [*running, *self._old.values()]))
        self._remember(pid=None, created=None, control_port=0, release=None, model="", since=None)

    def _remember(self, **facts: Any) -> None:
        self._state = replace(self._state, **facts)
        states.write(self._file, self._state)

    # -- the control line ------------------------------------------------------------------------

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        candidate: Generation | None = None
        try:
            while line := await reader.readline():
                message = json.loads(line)
                given = str(message.get("secret")).encode()
                if not hmac.compare_digest(given, self._state.secret.encode()):
                    break
                request = message["request"]
                if request == "prepare":
                    candidate, answer = await self._prepare(message)
                elif request == "commit" and candidate is not None:
                    chosen, candidate = candidate, None
                    answer = await self._commit(chosen, message["release"])
                elif request == "status":
                    answer = self._status()
                elif request == "stop":
                    answer = {}
                    self._end.set()
                else:
                    answer = {"refused": f"it was told to {request} out of turn"}
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError, KeyError):
            _logger.exception("a control line broke")
        except asyncio.CancelledError:
            pass  # the supervisor ends
        finally:
            if candidate is not None:
                _logger.info("%s was prepared and is given up", candidate.model)
                await candidate.discard()
                self._preparing = False
            writer.close()

    async def _prepare(self, message: dict[str, Any]) -> tuple[Generation | None, dict[str, Any]]:
        if self._preparing:
            return None, {"refused": "another release is being started"}
        self._preparing = True
        job = {**message["job"], "token": self._state.token if self._state.auth else ""}
        candidate = Generation(self._listener, str(self._metrics), job, message["workers"])
        _logger.info("starting %s", candidate.model)
        try:
            await candidate.prepare()
        except WorkerFailed as error:
            self._preparing = False
            return None, self._failure(candidate, error)
        return candidate, {}

    def _failure(self, candidate: Generation, error: WorkerFailed) -> dict[str, Any]:
        _logger.error("%s did not start: %s", candidate.model, error)
        serving = self._serving.model if self._serving is not None else ""
        return {"failed": str(error), "model": candidate.model, "serving": serving}

    async def _commit(self, candidate: Generation, release: int) -> dict[str, Any]:
        try:
            await candidate.serve(release)
        except WorkerFailed as error:
            return self._failure(candidate, error)
        finally:
            self._preparing = False
        old, self._serving = self._serving, candidate
        if old is not None:
            await old.drain()
            task = asyncio.create_task(old.gone())
            self._old[task] = old
            task.add_done_callback(self._old.pop)
        self._remember(release=release, model=candidate.model, since=now(), workers=candidate.count)
        _logger.info("release %d (%s) serves", release, candidate.model)
        return {}

    def _status(self) -> dict[str, Any]:
        requests, errors = totals(str(self._metrics))
        current = self._serving
        return {
            "requests": requests,
            "errors": errors,
            "workers": [worker.process.pid for worker in current.workers] if current else [],
            "crashes": current.crashes if current else 0,
        }

    # -- the prediction log ----------------------------------------------------------------------

    async def _compact(self) -> None:
        """Hand segments that are full and closed to a process that turns them into Parquet."""
        while True:
            await asyncio.sleep(COMPACT_EVERY)
            closed = self._closed_segments()
            if closed:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "mlnb.serving.compaction", *closed
                )
                await process.wait()

    def _closed_segments(self) -> list[str]:
        files = sorted((self._folder / "log").glob(f"*{SUFFIX}"))
        newest = {worker_of(file): file for file in files}
        running = [*self._old.values(), *([self._serving] if self._serving else [])]
        live = {worker.id for each in running for worker in each.workers}
        return [
            str(file)
            for file in files
            if file.stat().st_size >= SEGMENT_BYTES // 8
            and not (newest[worker_of(file)] == file and worker_of(file) in live)
        ]


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address; raises OSError if it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _bind_any(host: str, port: int, wanted: bool) -> socket.socket:
    """Bind to a port; a port that is only remembered gives way to a free one."""
    try:
        return bind(host, port)
    except OSError:
        if wanted or not port:
            raise
        return bind(host, 0)


def _detach() -> None:
    """Leave the parent's session and process tree, so that its end does not end this process."""
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)


def main() -> None:
    """Run a supervisor: the arguments are one JSON object and the descriptor to report on."""
    given, started = json.loads(sys.argv[1]), int(sys.argv[2])
    _detach()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s supervisor %(levelname)s: %(message)s"
    )
    folder = Path(given["folder"])
    known = states.read(folder.with_name(f"{folder.name}.json"))
    port = given["port"] or (known.port if known else 0)
    try:
        listener = _bind_any(given["host"], port, bool(given["port"]))
    except OSError as error:
        os.write(started, f"{given['host']}:{port}: {error.strerror or error}\n".encode())
        sys.exit(1)
    metrics = folder / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)
    for part in (metrics, folder / "log"):
        part.mkdir(parents=True, exist_ok=True)
    state = LocalState(
        name=given["name"],
        host=given["host"],
        port=listener.getsockname()[1],
        token=known.token if known else secrets.token_urlsafe(32),
        secret=secrets.token_urlsafe(32),
        auth=given["auth"],
    )
    with contextlib.closing(listener):
        asyncio.run(Supervisor(folder, state, listener).run(started))


if __name__ == "__main__":
    main()
