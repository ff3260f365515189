import os
from pathlib import Path

import pyarrow as pa

from mlnb.serving.prediction_log import SEGMENT_BYTES, PredictionLog
from mlnb.serving.segments import SETTLED, closed_segments


def segment(folder: Path, worker: str, number: int, size: int = SEGMENT_BYTES) -> str:
    file = folder / f"20130101T000000-{worker}-{number:04d}.jsonl"
    with file.open("wb") as stream:
        stream.truncate(size)  # sparse: only its size counts
    os.utime(file, (0, file.stat().st_mtime - 2 * SETTLED))
    return str(file)


def test_segments_are_compacted_when_nobody_writes_to_them(tmp_path: Path) -> None:
    log = tmp_path
    full = segment(log, "live", 1)
    left = segment(log, "dead", 1)
    small = segment(log, "dead", 2, size=1000)
    writing = PredictionLog(log, "open", 1, "m@1", pa.schema([]))
    (own,) = log.glob("*-open-*")
    os.utime(own, (0, 0))
    assert closed_segments(log) == sorted([full, left, small])
    writing.close()
    assert str(own) in closed_segments(log)


def test_a_few_small_segments_are_not_worth_it(tmp_path: Path) -> None:
    log = tmp_path
    few = [segment(log, f"w{number}", 1, size=1000) for number in range(7)]
    assert closed_segments(log) == []
    few.append(segment(log, "w7", 1, size=1000))
    assert closed_segments(log) == few
