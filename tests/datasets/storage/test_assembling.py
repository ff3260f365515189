"""Columns put together from pieces are what one gets by doing it all at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mlnb.datasets.storage import assembling
from mlnb.datasets.storage.assembling import Rooms
from mlnb.datasets.storage.picked import Rows

COUNT = 1_000
BORDERS = (0, 1, 300, 555, COUNT)


def _values(make: Callable[[int], Any], kind: Any, *, nulls: bool, start: int = 0) -> Any:
    return pa.array(
        [None if nulls and n % 7 == 3 else make(n) for n in range(start, start + COUNT)], kind
    )


KINDS: dict[str, tuple[Callable[[int], Any], Any]] = {
    "int64": (lambda n: n * 31 % 97, pa.int64()),
    "uint8": (lambda n: n % 251, pa.uint8()),
    "double": (lambda n: n / 7, pa.float64()),
    "bool": (lambda n: n % 3 == 0, pa.bool_()),
    "timestamp": (lambda n: n * 10**6, pa.timestamp("us", "Europe/Berlin")),
    "decimal": (lambda n: Decimal(n) / 100, pa.decimal128(20, 2)),
    "short text": (lambda n: f"t{n}", pa.large_string()),
    "long text": (lambda n: f"a text of more than twelve bytes {n}" * (n % 3), pa.large_string()),
    "bytes": (lambda n: bytes([n % 256]) * (n % 30), pa.large_binary()),
    "lists": (lambda n: list(range(n % 4)), pa.large_list(pa.int64())),
    "fixed bytes": (lambda n: bytes([n % 256, 1, 2]), pa.binary(3)),
    "null": (lambda _n: None, pa.null()),
}

random = np.random.default_rng(0)
PICKED: dict[str, Any] = {
    "all": None,
    "a range": np.arange(200, 700),
    "some in order": np.sort(random.choice(COUNT, 800, replace=False)),
    "few in order": np.array([299, 300, 998]),
    "in another order": random.permutation(COUNT),
    "some in another order": random.permutation(COUNT)[:600],
    "one": np.array([554]),
    "none": np.zeros(0, np.int64),
}


def _put_together(
    values: Any, picked: Any, patches: list[tuple[Any, Any]], *, words: bool = False
) -> Any:
    rows = Rows(picked, 0, COUNT)
    column = assembling.column(values.type, None, rows, patches, Rooms(), words=words)

    def put(start: int, stop: int) -> None:
        piece = values.slice(start, stop - start)
        column.put(piece.dictionary_encode() if words else piece, start)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(put, BORDERS[-2::-1], BORDERS[:0:-1]))
    found = column.finish()
    found.validate(full=True)
    return found


@pytest.mark.parametrize("picked", PICKED)
@pytest.mark.parametrize("patched", [False, True])
@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_values_patches_and_rows(kind: str, nulls: bool, patched: bool, picked: str) -> None:
    make, type_ = KINDS[kind]
    values = _values(make, type_, nulls=nulls)
    cells = _values(make, type_, nulls=not nulls, start=5_000)
    every = [(np.arange(0, COUNT, 9), 0), (np.arange(0, COUNT, 27), 200)] if patched else []
    patches = [(rows, cells.slice(start, len(rows))) for rows, start in every]
    expected = values.to_pylist()
    for rows, new in patches:
        for row, cell in zip(rows.tolist(), new.to_pylist(), strict=True):
            expected[row] = cell
    chosen = PICKED[picked]
    if chosen is not None:
        expected = [expected[row] for row in chosen]
    assert _put_together(values, chosen, patches).to_pylist() == expected
    if kind in ("short text", "long text", "bytes"):
        assert _put_together(values, chosen, patches, words=True).to_pylist() == expected


@pytest.mark.parametrize("picked", PICKED)
def test_indices_into_one_dictionary(picked: str) -> None:
    dictionary = pa.array([f"k{n}" for n in range(50)], pa.large_string())
    values = pa.array([None if n % 7 == 3 else f"k{n * 13 % 50}" for n in range(COUNT)])
    patches = [(np.array([3, 299, 998]), pa.array([1, None, 7], pa.int32()))]
    chosen = PICKED[picked]
    kind = pa.dictionary(pa.int32(), pa.large_string())
    rows = Rows(chosen, 0, COUNT)
    column = assembling.column(kind, dictionary, rows, patches, Rooms(), words=True)
    for start, stop in pairwise(BORDERS):
        column.put(values.slice(start, stop - start).dictionary_encode(), start)
    expected = values.to_pylist()
    expected[3], expected[299], expected[998] = "k1", None, "k7"
    if chosen is not None:
        expected = [expected[row] for row in chosen]
    found = column.finish()
    assert found.to_pylist() == expected
    assert all(chunk.dictionary.equals(dictionary) for chunk in found.chunks)


def test_a_range_of_rows() -> None:
    values = _values(lambda n: n, pa.int64(), nulls=False)
    column = assembling.column(
        values.type, None, Rows(None, 250, 560), [(np.array([0, 250, 560]), values[:3])], Rooms(),
        words=False,
    )  # fmt: skip
    for start, stop in pairwise(BORDERS):
        column.put(values.slice(start, stop - start), start)
    assert column.finish().to_pylist() == [1, *range(251, 560)]
