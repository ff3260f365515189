import asyncio
from pathlib import Path

import pytest

from mlnb.serving.generation import Generation, WorkerProcess
from mlnb.serving.prediction_log import SEGMENT_BYTES
from mlnb.serving.state import LocalState
from mlnb.serving.supervisor import Supervisor, bind


def segment(folder: Path, worker: str, number: int, size: int = SEGMENT_BYTES) -> str:
    file = folder / f"20130101T000000-{worker}-{number:04d}.jsonl"
    with file.open("wb") as stream:
        stream.truncate(size)  # sparse: only its size counts
    return str(file)


def test_segments_are_compacted_when_they_are_large_and_closed(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    log = folder / "log"
    log.mkdir(parents=True)
    full = segment(log, "live", 1)
    segment(log, "live", 2)  # being written
    left = segment(log, "dead", 1)
    segment(log, "dead", 2, size=1000)  # not worth it

    async def closed() -> list[str]:
        state = LocalState(name="a", host="127.0.0.1", port=0, token="t", secret="s")  # noqa: S106
        with bind("127.0.0.1", 0) as listener:
            supervisor = Supervisor(folder, state, listener)
            serving = Generation(listener, str(folder), {"model": "m@1"}, 1)
            worker = WorkerProcess("live", None, None, None)  # type: ignore[arg-type]
            serving.workers.append(worker)
            supervisor._serving = serving
            return supervisor._closed_segments()

    assert asyncio.run(closed()) == sorted([full, left])


def test_an_address_is_bound_once() -> None:
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            bind("127.0.0.1", port)
