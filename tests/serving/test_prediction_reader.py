import shutil
import zlib
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mlnb.core.errors import BadInput, UnknownName, UnreadableRecord
from mlnb.core.project import Project
from mlnb.serving import compaction, folders, predictions
from mlnb.serving.batches import Batch
from mlnb.serving.prediction_log import PredictionLog
from mlnb.serving.prediction_reader import COMPACT, OWN, gaps, read

Served = Callable[..., Path]
FORMATS = Path(__file__).parent / "formats"
KINDS = {
    "f": pa.array([1.5, None], pa.float32()),
    "i": pa.array([1, 2], pa.int32()),
    "b": pa.array([True, False]),
    "s": pa.array(["é\n", None]),
    "t": pa.array([datetime(2013, 1, 1, 5), None], pa.timestamp("ns")),
    "z": pa.array([datetime(2013, 1, 1, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
    "d": pa.array([date(2013, 1, 1), None], pa.date32()),
    "time": pa.array([1.0, 2.0]),
}


def test_every_type_comes_back_as_it_was(served: Served) -> None:
    table = pa.table(KINDS)
    file = served("a", "w", 1, table, [1, 0])
    (found,) = read(file.parent)
    inputs = found.select(["f", "i", "b", "s", "t", "z", "d", "input_time"])
    assert inputs.rename_columns(list(KINDS)).equals(table)
    compact = compaction.compact([file])
    assert compact is not None
    assert compact.suffix == COMPACT
    assert not file.exists()
    (again,) = read(file.parent)
    assert again.equals(found)


def test_lines_and_parquet_read_as_one(served: Served) -> None:
    first = served("a", "w1", 1, pa.table({"x": [1.0, 2.0]}), [1, 0])
    served("a", "w2", 2, pa.table({"x": [3.0], "y": ["new"]}), [1], ids=["id"])
    compaction.compact([first])
    frame = predictions("a")
    assert list(frame.columns) == [*OWN[:5], "x", "y", *OWN[5:]]
    assert list(frame["id"]) == ["r1-0", "r1-1", "id"]
    assert list(frame["release"]) == [1, 1, 2]
    assert list(frame["x"]) == [1.0, 2.0, 3.0]
    assert frame["y"].isna().sum() == 2
    assert frame["score"].isna().all()
    assert str(frame["time"].dtype) == "datetime64[us, UTC]"


def test_the_choice_is_by_time_and_release(served: Served) -> None:
    moments = [datetime(2013, 5, day, tzinfo=UTC) for day in (1, 2, 3, 4)]
    times = pa.array(moments, pa.timestamp("us", "UTC"))
    served(
        "a", "w", 1, pa.table({"x": [4.0, 3.0, 2.0, 1.0]}), [0] * 4, times=times.take([3, 2, 1, 0])
    )
    assert list(predictions("a")["x"]) == [1.0, 2.0, 3.0, 4.0]
    assert list(predictions("a", since="2013-05-02", until="2013-05-04")["x"]) == [2.0, 3.0]
    assert list(predictions("a", since=datetime(2013, 5, 4, tzinfo=UTC))["x"]) == [4.0]
    nothing = predictions("a", release=2)
    assert len(nothing) == 0
    assert "x" in nothing.columns
    with pytest.raises(BadInput, match="'soon' is no ISO 8601 time"):
        predictions("a", since="soon")


def test_words_and_numbers_of_different_models_are_read(served: Served) -> None:
    served("a", "w1", 1, pa.table({"x": [1.0]}), [1.0])
    served("a", "w2", 2, pa.table({"x": [1.0]}), ["late"])
    assert list(predictions("a")["prediction"]) == [1.0, "late"]


def test_a_torn_end_hides_nothing(served: Served) -> None:
    file = served("a", "w", 1, pa.table({"x": [1.0]}), [1])
    with file.open("ab") as stream:
        stream.write(b'{"request_id": "r2", "at": 1, "colu')
    assert list(predictions("a")["id"]) == ["r1-0"]
    torn = file.with_name("20991231T000000-other-0001.jsonl")
    torn.write_bytes(b'{"form')  # killed while it began
    assert compaction.compact([torn]) is None
    assert list(predictions("a")["id"]) == ["r1-0"]


def test_a_crash_between_parquet_and_removal_counts_nothing_twice(served: Served) -> None:
    file = served("a", "w", 1, pa.table({"x": [1.0]}), [1])
    lines = file.read_bytes()
    compaction.compact([file])
    file.write_bytes(lines)
    assert len(read(file.parent)) == 1
    assert len(predictions("a")) == 1
    compaction.compact([file])
    assert not file.exists()
    assert len(predictions("a")) == 1


def test_an_endpoint_that_was_not_asked_yet(project: Project) -> None:
    folders.log_folder("a").mkdir(parents=True)
    assert list(predictions("a").columns) == list(OWN)
    with pytest.raises(UnknownName, match=r"no prediction log of endpoint 'b'.* 'a'"):
        predictions("b")


def test_a_log_of_a_newer_format_is_refused(served: Served) -> None:
    file = served("a", "w", 1, pa.table({"x": [1.0]}), [1])
    text = b'{"format":3}'
    file.write_bytes(b"%08x %b\n" % (zlib.crc32(text), text))
    with pytest.raises(UnreadableRecord, match="format 3"):
        predictions("a")


def test_a_log_of_format_1_is_read(project: Project) -> None:
    folder = folders.log_folder("a")
    folder.mkdir(parents=True)
    shutil.copy(FORMATS / "20130501T000000-w1-0001.jsonl", folder)
    frame = predictions("a")
    assert list(frame["id"]) == ["r1-0", "r1-1", "id"]
    assert list(frame["x"]) == [1.5, 2.5, 3.5]
    assert list(frame["t"].dt.hour) == [5, 6, 7]
    assert frame["latency"].isna().all()
    assert frame["score"][2] == 0.75


def test_a_damaged_line_is_left_out_and_hides_no_other(served: Served) -> None:
    file = served("a", "w", 1, pa.table({"x": [1.0]}), [1])
    header, line = file.read_bytes().splitlines()
    damaged = line.replace(b"1.0", b"9.0")
    file.write_bytes(b"\n".join([header, damaged, line, b""]))
    assert list(predictions("a")["x"]) == [1.0]


def test_what_a_shadow_said_is_found_apart(served: Served) -> None:
    file = served("a", "w1", 1, pa.table({"x": [1.0]}), [1])
    shadow = PredictionLog(
        file.parent, "w2", 2, "m@2", pa.schema([("x", pa.float64())]), role="shadow"
    )
    shadow.append("r1", 1_000_000, Batch.of_table(pa.table({"x": [1.0]})), np.array([0]), None)
    shadow.close()
    for _ in range(2):
        assert list(predictions("a")["prediction"]) == [1]
        assert list(predictions("a", shadow=True)["prediction"]) == [0]
        for group in compaction.groups(sorted(file.parent.glob("*.jsonl"))):
            compaction.compact(group)


def test_small_segments_of_one_release_become_one_file(served: Served) -> None:
    files = [served("a", f"w{n}", 1, pa.table({"x": [float(n)]}), [1]) for n in range(5)]
    other = served("a", "other", 2, pa.table({"x": [9.0]}), [1])
    before = predictions("a")
    kept = files[1].read_bytes()
    for group in compaction.groups([*files, other]):
        compaction.compact(group)
    assert len(list(other.parent.glob(f"*{COMPACT}"))) == 2
    again = predictions("a")
    assert sorted(again["x"]) == sorted(before["x"])
    files[1].write_bytes(kept)  # killed before its lines were removed
    assert len(predictions("a")) == len(before)


def test_gaps_are_told_also_after_compaction(served: Served) -> None:
    file = served("a", "w", 1, pa.table({"x": [1.0]}), [1])
    text = b'{"gap":{"since":1,"requests":7,"until":2}}'
    with file.open("ab") as stream:
        stream.write(b"%08x %b\n" % (zlib.crc32(text), text))
    assert gaps(file.parent) == [7]
    compaction.compact([file])
    assert gaps(file.parent) == [7]
    assert predictions("a").attrs["unlogged"] == 7
