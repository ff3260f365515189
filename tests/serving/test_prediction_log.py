import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mlnb.serving.batches import Batch
from mlnb.serving.prediction_log import SYNC, PredictionLog, lines_of, new_worker_id, worker_of
from mlnb.serving.prediction_reader import gaps, read, table_of

SCHEMA = pa.schema([("x", pa.float64())])


def batch(*values: float | None, **extra: Any) -> Batch:
    return Batch.of_table(pa.table({"x": pa.array(values, pa.float64())}), **extra)


def write(log: PredictionLog, request: str, *values: float | None, **extra: Any) -> bool:
    return log.append(request, 1_000_000, batch(*values, **extra), np.zeros(len(values)), None)


def ids(folder: Path) -> list[str]:
    return [value for table in read(folder) for value in table["id"].to_pylist()]


def test_a_request_is_one_line_in_a_private_file(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, "w", 1, "m@1", SCHEMA)
    write(log, "r1", 1.0, None)
    (file,) = tmp_path.iterdir()
    header, line = (json.loads(text) for text in lines_of(file.read_bytes()))
    assert header == {
        "format": 2,
        "release": 1,
        "model": "m@1",
        "role": "current",
        "sample": 1.0,
        "columns": [["x", "double"]],
    }
    assert line.pop("us") > 0
    assert line == {
        "request_id": "r1",
        "at": 1_000_000,
        "columns": [[1.0, None]],
        "predictions": [0.0, 0.0],
    }
    assert file.stat().st_mode & 0o777 == 0o600
    log.close()


def test_a_full_segment_is_followed_by_another(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, "w", 1, "m@1", SCHEMA, limit=300)
    for number in range(10):
        write(log, f"r{number}", 1.0)
    log.close()
    files = sorted(tmp_path.iterdir())
    assert len(files) > 2
    assert {worker_of(file) for file in files} == {"w"}
    assert ids(tmp_path) == [f"r{number}-0" for number in range(10)]


def test_threads_do_not_mix_their_lines(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, "w", 1, "m@1", SCHEMA, limit=20_000)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: write(log, f"r{n}", *[float(n)] * 50), range(200)))
    log.close()
    assert sorted({name.split("-")[0] for name in ids(tmp_path)}) == sorted(
        f"r{n}" for n in range(200)
    )
    assert len(ids(tmp_path)) == 10_000


def test_a_torn_line_is_a_gap_and_the_next_one_is_whole(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, "w", 1, "m@1", SCHEMA)
    assert write(log, "r1", 1.0)
    real, torn = os.write, [True]

    def short(descriptor: int, data: bytes) -> int:
        return real(descriptor, data[:10] if torn and torn.pop() else data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", short)
        assert not write(log, "r2", 2.0)
    assert write(log, "r3", 3.0)
    log.close()
    assert ids(tmp_path) == ["r1-0", "r3-0"]
    assert (log.lost, gaps(tmp_path)) == (1, [1])


def test_a_full_disk_stops_nothing_and_is_no_lie(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path / "away", "w", 1, "m@1", SCHEMA)  # no file can be made
    assert [write(log, f"r{number}", 1.0) for number in range(3)] == [False] * 3
    (tmp_path / "away").mkdir()
    log._retry = 0.0
    assert write(log, "r3", 1.0)
    log.close()
    assert ids(tmp_path / "away") == ["r3-0"]
    assert gaps(tmp_path / "away") == [3]


def test_a_sample_is_chosen_by_the_request_alone(tmp_path: Path) -> None:
    for worker in ("w1", "w2"):
        log = PredictionLog(tmp_path, worker, 1, "m@1", SCHEMA, sample=0.25)
        assert all(write(log, f"r{number}", 1.0) for number in range(1000))
        log.close()
    logged = ids(tmp_path)
    assert 400 < len(logged) < 600
    assert sorted(logged) == sorted([*set(logged)] * 2)


def test_excluded_inputs_are_nowhere_in_the_file(tmp_path: Path) -> None:
    table = pa.table({"x": [1.0], "email": ["somebody@example.org"]})
    log = PredictionLog(tmp_path, "w", 1, "m@1", table.schema, exclude=["email"])
    log.append("r1", 1_000_000, Batch.of_table(table), np.zeros(1), None)
    log.close()
    (file,) = tmp_path.iterdir()
    assert b"somebody" not in file.read_bytes()
    (read_again,) = read(tmp_path)
    assert "x" in read_again.column_names
    assert "email" not in read_again.column_names


def test_lines_are_brought_to_the_disk_soon_and_together(tmp_path: Path) -> None:
    synced: list[float] = []
    real = os.fdatasync

    def note(descriptor: int) -> None:
        synced.append(time.monotonic())
        real(descriptor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fdatasync", note)
        log = PredictionLog(tmp_path, "w", 1, "m@1", SCHEMA)
        begun = time.monotonic()
        for number in range(200):
            write(log, f"r{number}", 1.0)
        ended = time.monotonic()
        while not synced or synced[-1] < ended:
            assert time.monotonic() < ended + 10, "it was never synced"
            time.sleep(0.001)
        log.close()
    assert len(synced) <= 2 + (synced[-1] - begun) / (SYNC / 2)


def test_worker_ids_differ() -> None:
    assert len({new_worker_id() for _ in range(1000)}) == 1000


def test_requests_that_were_predicted_together_are_one_line_and_read_one_by_one(
    tmp_path: Path,
) -> None:
    log = PredictionLog(tmp_path, "w0", 3, "m@1", pa.schema([("x", pa.float64())]))
    asked = [("a", 1_000_000, 1), ("b", 2_000_000, 2)]
    assert log.append_all(asked, [(1.0, None, 3.0)], [0, 1, 1], [0.25, 0.5, 0.75])
    log.close()
    (segment,) = tmp_path.iterdir()
    assert len(segment.read_bytes().splitlines()) == 2
    table = table_of(segment)
    assert table is not None
    assert [
        (row["request_id"], row["id"], row["x"], row["prediction"], row["score"])
        for row in table.to_pylist()
    ] == [("a", "a-0", 1.0, 0, 0.25), ("b", "b-0", None, 1, 0.5), ("b", "b-1", 3.0, 1, 0.75)]
