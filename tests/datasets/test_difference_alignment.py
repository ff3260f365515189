"""Alignment, hashes and cells agree with plain Python, on every type."""

import datetime as dt
import math
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlnb.datasets import tables
from mlnb.datasets.difference import alignment, arrays
from mlnb.datasets.difference.alignment import align, align_content, is_unique, repeated
from mlnb.datasets.difference.cells import changed_cells, changed_columns
from mlnb.datasets.difference.hashes import row_hashes, value_hashes

from .test_tables import ARRAYS

INT64 = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(width=64) | st.sampled_from([0.0, -0.0, math.nan, math.inf])
WHOLE = st.integers(-5, 5) | INT64
TEXT = st.text(max_size=20) | st.sampled_from(["", "\0", "\0\0", "a" * 8, "a" * 16, "é" * 40])
VALUES: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "int64": (pa.int64(), WHOLE),
    "int8": (pa.int8(), st.integers(-128, 127)),
    "uint64": (pa.uint64(), st.integers(0, 2**64 - 1)),
    "double": (pa.float64(), FLOATS),
    "half": (pa.float16(), st.floats(width=16).map(np.float16)),
    "bool": (pa.bool_(), st.booleans()),
    "text": (pa.large_string(), TEXT),
    "string": (pa.string(), TEXT),
    "view": (pa.string_view(), TEXT),
    "bytes": (pa.large_binary(), st.binary(max_size=20)),
    "fixed": (pa.binary(3), st.binary(min_size=3, max_size=3)),
    "decimal": (
        pa.decimal128(30, 2),
        st.integers(-(10**28), 10**28).map(lambda number: Decimal(number).scaleb(-2)),
    ),
    "date": (pa.date32(), st.dates()),
    "time zone": (pa.timestamp("ns", "Europe/Rome"), INT64),
    "duration": (pa.duration("us"), INT64),
    "list": (pa.large_list(pa.float64()), st.lists(st.none() | FLOATS, max_size=4)),
    "pair": (
        pa.list_(pa.int64(), 2),
        st.lists(st.none() | st.integers(0, 3), min_size=2, max_size=2),
    ),
    "struct": (
        pa.struct([("a", pa.int64()), ("b", pa.large_string())]),
        st.fixed_dictionaries({"a": st.none() | WHOLE, "b": st.none() | TEXT}),
    ),
    "deep": (
        pa.large_list(pa.struct([("a", pa.list_(pa.int64()))])),
        st.lists(
            st.none() | st.fixed_dictionaries({"a": st.none() | st.lists(WHOLE, max_size=2)}),
            max_size=3,
        ),
    ),
    "map": (
        pa.map_(pa.string(), pa.int64()),
        st.lists(st.tuples(st.sampled_from("ab"), st.none() | WHOLE), max_size=2),
    ),
    "category": (pa.dictionary(pa.int8(), pa.string()), st.sampled_from(["x", "y", ""])),
}


@st.composite
def columns(draw: st.DrawFn, *, edited: bool = False) -> tuple[pa.Array, pa.Array]:
    """Draw two columns of one type, the second either independent or an edit of the first."""
    kind, values = VALUES[draw(st.sampled_from(sorted(VALUES)))]
    before = draw(st.lists(st.none() | values, max_size=30))
    if edited:
        after = [draw(st.none() | values) if draw(st.booleans()) else one for one in before]
    else:
        pool = st.sampled_from(before) if before else st.nothing()
        after = draw(st.lists(pool | st.none() | values, max_size=30))
    return chunked(draw, before, kind), chunked(draw, after, kind)


def chunked(draw: st.DrawFn, values: Sequence[Any], kind: pa.DataType) -> Any:
    cut = draw(st.integers(0, len(values)))
    spare = values[:1] or [None]
    pieces = []
    for piece in (values[:cut], values[cut:]):  # each a slice, so that offsets are not 0
        made = made_of([*spare, *piece], kind)
        pieces.append(made.slice(1))
    return pa.chunked_array(pieces, kind)


def made_of(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind):
        return pa.array(values, kind.value_type).dictionary_encode().cast(kind)
    if pa.types.is_temporal(kind) and not pa.types.is_date(kind):
        return pa.array(values, pa.int64()).cast(kind)
    return pa.array(values, kind)


def shown(column: Any) -> list[str]:
    """Return a text for each value that tells apart what is stored differently."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    if pa.types.is_temporal(kind) and not pa.types.is_date(kind):
        column = column.cast(pa.int64())
    return [repr(value) for value in column.to_pylist()]


@settings(max_examples=300, deadline=None)
@given(columns())
def test_equal_values_have_equal_hashes_and_others_do_not(drawn: tuple[Any, Any]) -> None:
    both = [*zip(shown(drawn[0]), value_hashes(drawn[0]), strict=True)]
    both += zip(shown(drawn[1]), value_hashes(drawn[1]), strict=True)
    assert len({text for text, _ in both}) == len(set(both)) == len({h for _, h in both})


@settings(max_examples=300, deadline=None)
@given(columns(edited=True))
def test_changed_cells_are_those_that_differ(drawn: tuple[Any, Any]) -> None:
    before, after = drawn
    differ = [a != b for a, b in zip(shown(before), shown(after), strict=True)]
    assert changed_cells(before, after).tolist() == np.flatnonzero(differ).tolist()


@settings(max_examples=300, deadline=None)
@given(columns(), st.data())
def test_changed_cells_of_other_rows(drawn: tuple[Any, Any], data: st.DataObject) -> None:
    before, after = drawn
    if not len(before):
        return
    place = st.integers(0, len(before) - 1)
    rows = np.array([data.draw(place) for _ in range(len(after))], np.int64)
    old, new = shown(before), shown(after)
    differ = [old[row] != text for row, text in zip(rows, new, strict=True)]
    assert changed_cells(before, after, rows).tolist() == np.flatnonzero(differ).tolist()


@settings(max_examples=300, deadline=None)
@given(columns())
def test_keys_are_aligned(drawn: tuple[Any, Any]) -> None:
    before, after = (unique(column) for column in drawn)
    places = {text: place for place, text in enumerate(shown(before))}
    assert align(before, after).tolist() == [places.get(text, -1) for text in shown(after)]


@settings(max_examples=200, deadline=None)
@given(columns(), columns(), st.booleans())
def test_keys_of_two_columns_are_aligned(
    first: tuple[Any, Any], second: tuple[Any, Any], small: bool
) -> None:
    found = []
    for side in (0, 1):
        rows = min(len(first[side]), len(second[side]))
        left, right = first[side].slice(0, rows), second[side].slice(0, rows)
        if small:
            left = right = pa.chunked_array([pa.array(range(rows), pa.int16())])
        pairs = zip(shown(left), shown(right), strict=True)
        kept = list({pair: row for row, pair in enumerate(pairs)}.values())
        found.append([taken(left, kept), taken(right, kept)])
    keys = [list(zip(shown(left), shown(right), strict=True)) for left, right in found]
    places = {key: place for place, key in enumerate(keys[0])}
    assert align(*found).tolist() == [places.get(key, -1) for key in keys[1]]


def unique(column: Any) -> Any:
    kept = sorted({text: row for row, text in reversed(list(enumerate(shown(column))))}.values())
    return taken(column, kept)


def taken(column: Any, rows: list[int]) -> Any:
    if pa.types.is_string_view(column.type):  # which Arrow cannot take
        column = column.cast(pa.string())
    return column.take(pa.array(rows, pa.int64()))


@settings(max_examples=200, deadline=None)
@given(columns())
def test_repeated_keys_are_found(drawn: tuple[Any, Any]) -> None:
    texts = shown(drawn[0])
    expected = [row for row, text in enumerate(texts) if text in texts[:row]]
    assert repeated(drawn[0]).tolist() == expected
    assert is_unique(drawn[0]) == (not expected)


@settings(max_examples=200, deadline=None)
@given(columns(), columns())
def test_rows_are_aligned_by_content(first: tuple[Any, Any], second: tuple[Any, Any]) -> None:
    check_content(*(two(first[side], second[side]) for side in (0, 1)))


def two(left: Any, right: Any) -> pa.Table:
    rows = min(len(left), len(right))
    return pa.table({"a": left.slice(0, rows), "b": right.slice(0, rows)})


def check_content(before: pa.Table, after: pa.Table) -> None:
    old, new = (list(zip(*map(shown, side.columns), strict=True)) for side in (before, after))
    rows = align_content(before, after)
    matched = rows[rows >= 0].tolist()
    assert len(set(matched)) == len(matched) == (Counter(old) & Counter(new)).total()
    assert all(old[row] == new[place] for place, row in enumerate(rows) if row >= 0)


@pytest.fixture
def colliding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every other row have the hash of another."""
    good = alignment.row_hashes
    monkeypatch.setattr(alignment, "row_hashes", lambda table: good(table) % np.uint64(3))


@pytest.mark.usefixtures("colliding")
def test_colliding_hashes_do_no_harm() -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        before = pa.array([f"key-{n}" for n in rng.permutation(40)[:20]])
        after = pa.array([f"key-{n}" for n in rng.permutation(40)[:20]])
        places = {text: row for row, text in enumerate(before.to_pylist())}
        expected = [places.get(text, -1) for text in after.to_pylist()]
        assert align(before, after).tolist() == expected
        assert is_unique(before)
        assert repeated(pa.array(["a", "b", "a", "c", "b"])).tolist() == [2, 4]
        check_content(
            *(pa.table({"a": rng.integers(0, 4, 12), "b": rng.integers(0, 3, 12)}) for _ in "ab")
        )


@pytest.mark.parametrize("kind", ARRAYS)
def test_every_type_that_can_be_stored(kind: str) -> None:
    column = ARRAYS[kind]
    assert changed_cells(column, column).tolist() == []
    plain = tables.plain(pa.table({"a": column}))["a"].combine_chunks()
    assert changed_cells(column, plain).tolist() == []
    column, backwards = plain, plain[::-1]
    pairs = zip(column.to_pylist(), backwards.to_pylist(), strict=True)
    differ = [repr(a) != repr(b) for a, b in pairs]
    assert changed_cells(column, backwards).tolist() == np.flatnonzero(differ).tolist()
    assert changed_cells(column, backwards, np.arange(len(column))[::-1]).tolist() == []
    table = pa.table({"a": column, "b": [0, 1, 2, 3]})
    assert row_hashes(table).tolist() == row_hashes(table.slice(0)).tolist()
    assert len(set(row_hashes(table).tolist())) == 4


PATHS = {
    "appended": (range(2000), range(2100)),
    "deleted": (range(0, 6000, 3), [n for n in range(0, 6000, 3) if n % 7]),
    "shuffled": (range(2000), range(2500, -300, -1)),
    "sparse": (range(0, 10**12, 10**9), range(10**9, 2 * 10**12, 2 * 10**9)),
    "sparse, no order": ([n * 7919**3 % 10**15 for n in range(1000)],
                         [n * 7919**3 % 10**15 for n in range(1500, 300, -1)]),
    "the ends of what int64 holds": ([-(2**63), 2**63 - 1, 0], [2**63 - 1, 1, -(2**63)]),
    "nothing before": ([], [1]),
    "nothing after": ([1], []),
    "the middle replaced": (range(100), [*range(30), 1000, *range(40, 100)]),
}  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_every_way_of_aligning_numbers(path: str) -> None:
    before, after = (list(side) for side in PATHS[path])
    places = {value: row for row, value in enumerate(before)}
    expected = [places.get(value, -1) for value in after]
    assert align(pa.array(before, pa.int64()), pa.array(after, pa.int64())).tolist() == expected
    for kind in (pa.timestamp("us"), pa.duration("ns")):
        left, right = (pa.array(side, pa.int64()).cast(kind) for side in (before, after))
        assert align(left, right).tolist() == expected
    texts = [pa.array([str(value) for value in side], pa.string()) for side in (before, after)]
    assert align(*texts).tolist() == expected


def test_blocks_and_threads_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    rows = 3 * arrays.BLOCK + 17
    table = pa.table(
        {
            "key": rng.permutation(rows),
            "text": pa.array([f"row {n}" * (n % 5) for n in range(rows)]),
            "number": pa.array(rng.random(rows), mask=rng.random(rows) < 0.1),
            "flag": pa.array(rng.random(rows) < 0.5),
            "word": pa.array(["a", "b"] * (rows // 2) + ["c"]).dictionary_encode(),
            **{f"n{place}": rng.integers(0, 9, rows) for place in range(6)},
        }
    )
    order = rng.permutation(rows)
    shuffled = table.take(pa.array(order))
    assert (row_hashes(table)[order] == row_hashes(shuffled)).all()
    assert align(table["key"], shuffled["key"]).tolist() == order.tolist()
    edited = shuffled.set_column(1, "text", pa.array(["new"] * rows))
    found = changed_columns(table, edited, order)
    assert {name: len(places) for name, places in found.items()} == {
        name: rows if name == "text" else 0 for name in table.schema.names
    }


def test_a_few_very_long_texts_among_short_ones_hash_as_they_do_alone() -> None:
    texts = ["x", "y" * 100_000, "", "z" * 777, "y" * 99_999 + "!", "ab"] * 2
    together = value_hashes(pa.array(texts))
    alone = [value_hashes(pa.array([text]))[0] for text in texts]
    assert together.tolist() == alone
    assert len(set(alone)) == 6
    many = pa.array([*texts, *(f"{n}" * 300 for n in range(100))])
    assert value_hashes(many)[:12].tolist() == alone


def test_dates_and_what_python_cannot_show_are_compared() -> None:
    year = pa.array([2**62, 5], pa.int64()).cast(pa.timestamp("s"))
    assert changed_cells(year, year[::-1]).tolist() == [0, 1]
    day = pa.array([dt.date(2020, 1, 1), None], pa.date64())
    assert changed_cells(day, day).tolist() == []


def test_columns_of_different_length_are_not_compared_in_place() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        changed_cells(pa.array([1]), pa.array([1, 2]))
