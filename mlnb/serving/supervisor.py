"""The process behind a local endpoint: ``python -m mlnb.serving.supervisor`` (mlnb starts it).

It outlives the notebook that deployed. It owns the listening socket and hands it to the loaders of
releases, so the address stays open while releases come and go. Told what to do over `control`.
When it is killed, releases go on serving, and the next supervisor (a loader starts one) takes them
over. A loader that ends is replaced.
"""

import asyncio
import contextlib
import fcntl
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
from mlnb.serving import metrics
from mlnb.serving import state as states
from mlnb.serving.generation import Generation, Place, WorkerFailed
from mlnb.serving.routing import Split
from mlnb.serving.segments import closed_segments
from mlnb.serving.sockets import answers, bind_any, sockets_folder
from mlnb.serving.state import LocalState
from mlnb.serving.traffic import Traffic

COMPACT_EVERY = 30.0
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 30.0
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
    given : dict
        What this process was started with, to start another one.
    """

    def __init__(self, folder: Path, state: LocalState, given: dict[str, Any]) -> None:
        self._folder = folder
        self._file = folder.with_name(f"{folder.name}.json")
        self._metrics = folder / "metrics"
        self._state = state
        self._given = given
        self._listener: socket.socket | None = None
        self._sockets = sockets_folder(folder)
        self._traffic = Traffic(self._changed, bool(given.get("warm", True)))
        self._changing = asyncio.Lock()
        self._preparing = False
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._judges: dict[int, asyncio.subprocess.Process] = {}
        self._end = asyncio.Event()

    async def run(self, started: int, listener: socket.socket | None) -> None:
        """Serve until told to stop; ``started`` is the descriptor that awaits the first word."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end.set)
        await self._adopt()
        self._listener = listener or self._found_listener()
        control = await asyncio.start_server(self._converse, "127.0.0.1", 0, limit=_LINE)
        own = require("psutil", "serving").Process()
        self._remember(
            control_port=control.sockets[0].getsockname()[1],
            pid=own.pid,
            created=own.create_time(),
        )
        if started >= 0:
            os.write(started, b"started\n")
            os.close(started)
        chores = [asyncio.create_task(self._compact()), asyncio.create_task(self._judge())]
        await self._end.wait()
        control.close()
        for task in [*chores, *self._keepers.values()]:
            task.cancel()
        for judge in self._judges.values():
            with contextlib.suppress(ProcessLookupError):
                judge.kill()
        self._listener.close()
        await self._traffic.stop()
        gone: dict[str, Any] = {"pid": None, "created": None, "control_port": 0, "since": None}
        self._remember(release=None, model="", generations=[], **gone)

    def _remember(self, **facts: Any) -> None:
        self._state = replace(self._state, **facts)
        states.write(self._file, self._state)

    def _changed(self) -> None:
        current = self._traffic.current
        places = [each.remembered().to_dict() for each in self._traffic]
        for each in self._traffic:
            if each.place.id not in self._keepers:
                self._keepers[each.place.id] = asyncio.create_task(self._keep(each))
        release = current.release if current else None
        since = self._state.since if release == self._state.release else now()
        self._remember(
            generations=places,
            release=release,
            model=current.model if current else "",
            since=since,
            workers=current.place.count if current else self._state.workers,
        )

    # -- generations that another supervisor started ----------------------------------------------

    async def _adopt(self) -> None:
        for known in self._state.generations:
            place = Place.from_dict(known)
            found = await Generation.adopt(place, self._job_of(place))
            if found is None:
                _logger.warning("%s is gone", place.model)
                continue
            _logger.info("%s was found again, process %d", place.model, place.pid)
            role = found.split.role if found.release is not None else "standby"
            setattr(self._traffic, role, found)
        if self._traffic.current is None:
            for each in list(self._traffic):
                await each.stop()
                self._traffic.forget(each)
        elif list(self._traffic):
            await self._traffic.current.follow(self._traffic.route)
        self._changed()

    def _found_listener(self) -> socket.socket:
        if self._traffic.current is None:
            raise RuntimeError("there is nothing to take over, and no address was given")
        return self._traffic.current.listener()

    def _job_of(self, place: Place) -> dict[str, Any]:
        file = self._folder / f"{place.id}.job"
        with contextlib.suppress(OSError, ValueError):
            job: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            return {**job, "token": self._state.token if self._state.auth else ""}
        return {}

    def _keep_job(self, generation: Generation) -> None:
        """Write down what a generation serves, without secrets, for whoever takes it over."""
        for file in self._folder.glob("*.job"):
            if file.stem not in {each.place.id for each in self._traffic}:
                file.unlink()
        job = {key: value for key, value in generation.job.items() if key != "token"}
        file = self._folder / f"{generation.place.id}.job"
        file.write_text(json.dumps(job), encoding="utf-8")

    async def _keep(self, generation: Generation) -> None:
        """When a loader ends without having been told to, start another one in its place."""
        await generation.gone.wait()
        pause = FIRST_PAUSE
        while any(each is generation for each in self._traffic) and not self._end.is_set():
            if generation.release is None or not generation.job:
                self._traffic.forget(generation)
                return
            _logger.error("the loader of %s ended; starting another", generation.model)
            try:
                new = await self._started(generation.job, generation.place.count)
                async with self._changing:
                    await self._traffic.replace(generation, new)
                self._keep_job(new)
            except (WorkerFailed, OSError) as error:
                _logger.error("%s did not start again: %s", generation.model, error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                await generation.stop()

    async def _started(self, job: dict[str, Any], count: int) -> Generation:
        if self._listener is None:
            raise WorkerFailed("the endpoint has no address yet")
        given = {**self._given, "port": self._state.port}
        new = await Generation.start(
            self._listener, self._sockets, self._metrics, job, count, given
        )
        _logger.info("starting %s, process %d", new.model, new.place.pid)
        await new.prepare()
        return new

    # -- the control line ------------------------------------------------------------------------

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        candidates: list[Generation] = []
        try:
            while line := await reader.readline():
                message = json.loads(line)
                given = str(message.pop("secret", None)).encode()
                if not hmac.compare_digest(given, self._state.secret.encode()):
                    break
                answer = await self._answer(message.pop("request"), message, candidates)
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError, KeyError):
            _logger.exception("a control line broke")
        except asyncio.CancelledError:
            pass  # the supervisor ends
        finally:
            for candidate in candidates:
                self._preparing = False
                if candidate is not self._traffic.standby:
                    _logger.info("%s was prepared and is given up", candidate.model)
                    await candidate.discard()
            writer.close()

    async def _answer(
        self, request: str, message: dict[str, Any], candidates: list[Generation]
    ) -> dict[str, Any]:
        if request == "status":
            return await self._status()
        if request == "stop":
            self._end.set()
            return {}
        if request in ("prepare", "recall"):
            return await self._prepare(request, message, candidates)
        try:
            async with self._changing:
                if request == "commit" and candidates:
                    await self._commit(candidates, message)
                elif request == "shift":
                    await self._traffic.shift(message["share"])
                elif request == "promote":
                    await self._traffic.promote(message["role"])
                elif request == "withdraw":
                    await self._traffic.withdraw(message["role"])
                else:
                    return {"refused": f"it was told to {request} out of turn"}
        except WorkerFailed as error:
            return self._failure(message.get("model", ""), error)
        _logger.info("%s: %s", request, json.dumps(message))
        return {}

    async def _prepare(
        self, request: str, message: dict[str, Any], candidates: list[Generation]
    ) -> dict[str, Any]:
        if self._preparing:
            return {"refused": "another release is being started"}
        standby = self._traffic.standby
        if request == "recall":
            wanted = (message["model"], message["digest"])
            if standby is None or (standby.model, standby.place.digest) != wanted:
                return {"found": False}
            self._preparing = True
            candidates.append(standby)
            return {"found": True}
        self._preparing = True
        job = {**message["job"], "token": self._state.token if self._state.auth else ""}
        try:
            candidates.append(await self._started(job, message["workers"]))
        except WorkerFailed as error:
            self._preparing = False
            return self._failure(job["model"], error)
        return {}

    async def _commit(self, candidates: list[Generation], message: dict[str, Any]) -> None:
        candidate = candidates[0]
        split = Split.from_dict(message["split"]) if message.get("split") else Split()
        try:
            await self._traffic.take(candidate, message["release"], split)
        except WorkerFailed:
            if candidate is not self._traffic.standby:
                await candidate.discard()
            raise
        finally:
            candidates.clear()
            self._preparing = False
        self._keep_job(candidate)

    def _failure(self, model: str, error: WorkerFailed) -> dict[str, Any]:
        _logger.error("%s: %s", model, error)
        serving = self._traffic.current.model if self._traffic.current is not None else ""
        return {"failed": str(error), "model": model, "serving": serving}

    async def _status(self) -> dict[str, Any]:
        requests, errors = metrics.totals(self._metrics)
        found = []
        for each in self._traffic:
            with contextlib.suppress(WorkerFailed):
                facts = await each.ask("status", seconds=5)
                found.append({**facts, "split": each.split.to_dict()})
        serving = found[0] if found and self._traffic.current is not None else {}
        return {
            "requests": requests,
            "errors": errors,
            "workers": serving.get("workers", []),
            "crashes": serving.get("crashes", 0),
            "releases": found,
        }

    # -- chores ----------------------------------------------------------------------------------

    async def _judge(self) -> None:
        """Keep a process for each release that is tried by rules (`mlnb.serving.judging`)."""
        while True:
            await asyncio.sleep(0.5)
            for each in (self._traffic.canary, self._traffic.shadow):
                if each is None or each.release is None:
                    continue
                running = self._judges.get(each.release)
                wanted = each.split.rules or each.split.promote_after is not None
                if wanted and (running is None or running.returncode is not None):
                    arguments = [self._state.name, str(each.release)]
                    self._judges[each.release] = await asyncio.create_subprocess_exec(
                        sys.executable, "-m", "mlnb.serving.judging", *arguments
                    )

    async def _compact(self) -> None:
        """Hand segments that are closed to a process that turns them into Parquet."""
        while True:
            await asyncio.sleep(COMPACT_EVERY)
            closed = closed_segments(self._folder / "log")
            if closed:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "mlnb.serving.compaction", *closed
                )
                await process.wait()


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
    begin(given, started)


def begin(given: dict[str, Any], started: int) -> None:
    """Be a supervisor; ``started`` is the descriptor to report on, or -1."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s supervisor %(levelname)s: %(message)s"
    )
    folder = Path(given["folder"])
    known = states.read(folder.with_name(f"{folder.name}.json"))
    with (folder / "supervisor.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _logger.info("there is a supervisor already")
            sys.exit(0 if started < 0 else 1)
        _supervise(folder, known, given, started)


def _supervise(folder: Path, known: LocalState | None, given: dict[str, Any], started: int) -> None:
    alive = known is not None and any(
        Path(place["control"]).exists() and answers(place["control"])
        for place in known.generations
        if place.get("release") is not None
    )
    listener = None
    if not alive:
        port = given["port"] or (known.port if known else 0)
        try:
            listener = bind_any(given["host"], port, bool(given["port"]))
        except OSError as error:
            if started >= 0:
                text = f"{given['host']}:{port}: {error.strerror or error}\n"
                os.write(started, text.encode())
            sys.exit(1)
        shutil.rmtree(folder / "metrics", ignore_errors=True)
    for part in (folder / "metrics", folder / "log"):
        part.mkdir(parents=True, exist_ok=True)
    if alive and known is not None:
        state = replace(known, secret=secrets.token_urlsafe(32))
    else:
        state = LocalState(
            name=given["name"],
            host=given["host"],
            port=listener.getsockname()[1] if listener else 0,
            token=known.token if known else secrets.token_urlsafe(32),
            secret=secrets.token_urlsafe(32),
            auth=given["auth"],
        )
    asyncio.run(Supervisor(folder, state, given).run(started, listener))


if __name__ == "__main__":
    main()
