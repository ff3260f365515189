"""The digest follows content and nothing else."""

import subprocess
import sys
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlnb.core.store import ObjectStore
from mlnb.datasets.storage.saving import Saving

from .test_tables import ARRAYS

TABLE = pa.table({name.replace(" ", "_"): array for name, array in ARRAYS.items()})


def digest(data: Any) -> str:
    return Saving(ObjectStore("memory://"), data, []).digest


@pytest.mark.parametrize("kind", ARRAYS)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_chunks_and_offsets_do_not_count(kind: str, data: Any) -> None:
    table = pa.table({"a": ARRAYS[kind]})
    cuts = data.draw(st.lists(st.integers(0, 4), max_size=4).map(sorted))
    borders = [0, *cuts, 4]
    pieces = [table.slice(start, stop - start) for start, stop in pairwise(borders)]
    assert digest(pa.concat_tables(pieces)) == digest(table)


def test_long_tables_have_one_digest_however_they_are_chunked() -> None:
    rows = 150_001
    numbers = np.random.default_rng(0).normal(size=rows)
    words = np.char.mod("w%d", np.arange(rows) % 977)
    table = pa.table({"number": numbers, "word": words, "odd": np.arange(rows) % 2 == 1})
    cut = pa.concat_tables([table.slice(0, 65_537), table.slice(65_537, 11), table.slice(65_548)])
    assert digest(cut) == digest(table)
    changed = numbers.copy()
    changed[140_000] = np.nextafter(changed[140_000], np.inf)
    assert digest(table.set_column(0, "number", pa.array(changed))) != digest(table)


def test_bytes_under_nulls_do_not_count() -> None:
    clean = pa.array([1, None, 3])
    dirty = pa.Array.from_buffers(
        pa.int64(), 3, [clean.buffers()[0], pa.array([1, 99, 3]).buffers()[1]]
    )
    assert digest(pa.table({"a": dirty})) == digest(pa.table({"a": clean}))
    words = pa.array(["a", None, "c"], pa.large_string())
    full = pa.array(["a", "hidden", "c"], pa.large_string())
    dirty_words = pa.Array.from_buffers(
        pa.large_string(), 3, [words.buffers()[0], *full.buffers()[1:]]
    )
    assert digest(pa.table({"a": dirty_words})) == digest(pa.table({"a": words}))


def test_how_a_nan_is_written_does_not_count() -> None:
    odd = np.array([0x7FF8000000000001], np.uint64).view(np.float64)
    assert digest(pa.table({"a": odd})) == digest(pa.table({"a": [float("nan")]}))


def test_the_same_table_in_three_libraries_has_one_digest() -> None:
    values = {"whole": [1, 2, 3], "real": [1.5, None, 2.5], "text": ["a", None, "c"]}
    found = {digest(pd.DataFrame(values)), digest(pl.DataFrame(values)), digest(pa.table(values))}
    assert len(found) == 1


BASE: dict[str, Any] = {"a": [1, 2, 3], "b": ["x", "y", None]}
CHANGES = {
    "value": pa.table({"a": [1, 2, 4], "b": ["x", "y", None]}),
    "null": pa.table({"a": [1, 2, 3], "b": ["x", "y", ""]}),
    "moved text": pa.table({"a": [1, 2, 3], "b": ["xy", "", None]}),
    "row order": pa.table({"a": [2, 1, 3], "b": ["y", "x", None]}),
    "column order": pa.table({"b": ["x", "y", None], "a": [1, 2, 3]}),
    "column name": pa.table({"a": [1, 2, 3], "c": ["x", "y", None]}),
    "swapped names": pa.table({"b": [1, 2, 3], "a": ["x", "y", None]}),
    "type": pa.table({"a": pa.array([1, 2, 3], pa.int32()), "b": ["x", "y", None]}),
    "fewer rows": pa.table({"a": [1, 2], "b": ["x", "y"]}),
    "category": pa.table({"a": [1, 2, 3], "b": pa.array(["x", "y", None]).dictionary_encode()}),
    "index": pd.DataFrame(BASE, index=pd.RangeIndex(1, 4)),
    "nullable dtype": pd.DataFrame({"a": pd.array([1, 2, 3], "Int64"), "b": BASE["b"]}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_content_counts(change: str) -> None:
    assert digest(CHANGES[change]) != digest(pa.table(BASE))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["", None], ["\0", ""]),
        ([b"", None], [b"\0", b""]),
        ([["", None]], [["\0", ""]]),
    ],
)
def test_no_bytes_of_one_part_are_taken_for_those_of_another(one: Any, other: Any) -> None:
    assert digest(pa.table({"a": one})) != digest(pa.table({"a": other}))


def test_the_order_of_categories_counts() -> None:
    one, other = (
        pd.DataFrame({"a": pd.Categorical(["x", "y"], categories=order)})
        for order in (["x", "y"], ["y", "x"])
    )
    assert digest(one) != digest(other)


def test_zero_and_minus_zero_differ_as_nan_and_null_do() -> None:
    tables = [pa.table({"a": pa.array([value], pa.float64())}) for value in (0.0, -0.0, None)]
    tables.append(pa.table({"a": [float("nan")]}))
    assert len({digest(table) for table in tables}) == 4


SCRIPT = """
import pandas as pd
from mlnb.datasets.storage.saving import Saving
from mlnb.core.store import ObjectStore
frame = pd.DataFrame({"a": [1, 2], "b": pd.Categorical(["x", None]), "c": [{"k": 1}, None]})
print(Saving(ObjectStore("memory://"), frame, []).digest)
"""


def test_another_process_finds_the_same_digest() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


PINNED = "9ce7f6f5694007a9f5d30a2f93107495754b5b4a828c9af099730cdb9832f8da"


def test_the_digest_of_format_2_stays_what_it_is() -> None:
    """A change here means `DIGEST_FORMAT` must be raised."""
    table = pa.table({"a": [1, None, 3], "b": ["x", "y", None], "c": [[1.5], None, []]})
    assert digest(table) == PINNED
