import os
from pathlib import Path

import pytest

from mlnb.serving.prediction_log import SEGMENT_BYTES, PredictionLog
from mlnb.serving.sockets import bind, sockets_folder
from mlnb.serving.state import LocalState
from mlnb.serving.supervisor import SETTLED, Supervisor


def segment(folder: Path, worker: str, number: int, size: int = SEGMENT_BYTES) -> str:
    file = folder / f"20130101T000000-{worker}-{number:04d}.jsonl"
    with file.open("wb") as stream:
        stream.truncate(size)  # sparse: only its size counts
    os.utime(file, (0, file.stat().st_mtime - 2 * SETTLED))
    return str(file)


@pytest.fixture
def supervisor(tmp_path: Path) -> Supervisor:
    (tmp_path / "a" / "log").mkdir(parents=True)
    state = LocalState(name="a", host="127.0.0.1", port=0, token="t", secret="s")  # noqa: S106
    return Supervisor(tmp_path / "a", state, {})


def test_segments_are_compacted_when_nobody_writes_to_them(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    import pyarrow as pa

    log = tmp_path / "a" / "log"
    full = segment(log, "live", 1)
    left = segment(log, "dead", 1)
    small = segment(log, "dead", 2, size=1000)
    writing = PredictionLog(log, "open", 1, "m@1", pa.schema([]))
    (own,) = log.glob("*-open-*")
    os.utime(own, (0, 0))
    assert supervisor._closed_segments() == sorted([full, left, small])
    writing.close()
    assert str(own) in supervisor._closed_segments()


def test_a_few_small_segments_are_not_worth_it(supervisor: Supervisor, tmp_path: Path) -> None:
    log = tmp_path / "a" / "log"
    few = [segment(log, f"w{number}", 1, size=1000) for number in range(7)]
    assert supervisor._closed_segments() == []
    few.append(segment(log, "w7", 1, size=1000))
    assert supervisor._closed_segments() == few


def test_an_address_is_bound_once() -> None:
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            bind("127.0.0.1", port)


def test_sockets_have_short_paths_however_deep_the_project_is(tmp_path: Path) -> None:
    near = tmp_path / "near"
    deep = tmp_path.joinpath(*["deep" * 10] * 4)
    for folder in (near, deep):
        folder.mkdir(parents=True)
        sockets = sockets_folder(folder)
        assert len(str(sockets)) < 90 or sockets.parent == folder
        assert sockets == sockets_folder(folder)
        assert sockets.stat().st_mode & 0o077 == 0
    sockets.rmdir()
