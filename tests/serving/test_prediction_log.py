import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mlnb.serving.prediction_log import PredictionLog, new_worker_id, worker_of
from mlnb.serving.prediction_reader import read_segment, segments
from mlnb.serving.batches import Batch

SCHEMA = pa.schema([("x", pa.float64())])


def batch(*values: float | None, **extra: Any) -> Batch:
    return Batch.of_table(pa.table({"x": pa.array(values, pa.float64())}), **extra)


def write(log: PredictionLog, request: str, *values: float | None, **extra: Any) -> None:
    log.append(request, 1_000_000, batch(*values, **extra), np.zeros(len(values)), None)


def ids(folder: Path) -> list[str]:
    tables = [read_segment(segment) for segment in segments(folder)]
    return [value for table in tables if table is not None for value in table["id"].to_pylist()]


def test_a_request_is_one_line_in_a_private_file(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, "w", 1, "m@1", SCHEMA)
    write(log, "r1", 1.0, None)
    (file,) = tmp_path.iterdir()
    header, line = file.read_text().splitlines()
    assert json.loads(header) == {
        "format": 1,
        "release": 1,
        "model": "m@1",
        "columns": [["x", "double"]],
    }
    assert json.loads(line) == {
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


def test_a_torn_line_raises_and_the_next_one_is_whole(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, "w", 1, "m@1", SCHEMA)
    write(log, "r1", 1.0)
    (file,) = tmp_path.iterdir()
    real, torn = os.write, [True]

    def short(descriptor: int, data: bytes) -> int:
        return real(descriptor, data[:10] if torn.pop() else data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", short)
        with pytest.raises(OSError, match="only 10 of"):
            write(log, "r2", 2.0)
    write(log, "r3", 3.0)
    log.close()
    assert ids(tmp_path) == ["r1-0", "r3-0"]
    assert file.read_bytes().count(b"\n") == 4


def test_worker_ids_differ() -> None:
    assert len({new_worker_id() for _ in range(1000)}) == 1000
