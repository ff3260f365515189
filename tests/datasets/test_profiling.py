"""The profile: exact facts, bounded work, nothing that JSON cannot hold."""

import json
import math
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlnb import datasets
from mlnb.datasets import profiling
from mlnb.datasets.profiling import estimated_distinct, profile
from mlnb.datasets.records import ColumnProfile, StoredProfile
from mlnb.datasets.sources import read
from mlnb.datasets.tables import plain

from .test_tables import ARRAYS


def profiled(table: pa.Table) -> StoredProfile:
    content = read(table)
    return profile(content, plain(content.table))


def column(values: object, kind: pa.DataType | None = None) -> ColumnProfile:
    return profiled(pa.table({"a": pa.array(values, kind)})).columns[0]


def test_numbers() -> None:
    found = column([*range(1, 100), None])
    assert (found.nulls, found.distinct, found.minimum, found.maximum) == (1, 99, 1, 99)
    assert (found.mean, found.deviation) == (50.0, pytest.approx(math.sqrt((99**2 - 1) / 12)))
    assert found.quantiles["0.5"] == 50
    assert found.histogram is not None
    assert sum(found.histogram.counts) == 99
    assert (found.histogram.edges[0], found.histogram.edges[-1]) == (1.0, 99.0)


def test_text() -> None:
    found = column(["b", "a", "b", None, "<b>"])
    assert [(top.value, top.count) for top in found.top] == [("b", 2), ("a", 1), ("<b>", 1)]
    assert (found.nulls, found.distinct, found.minimum, found.histogram) == (1, 3, None, None)


def test_unique_values_are_not_called_common() -> None:
    assert column([f"id-{number}" for number in range(100)]).top == []


def test_long_values_are_cut() -> None:
    assert len(column(["x" * 10_000] * 2).top[0].value) == 80


def test_times_are_text_without_needless_zeros() -> None:
    found = column([0, 1_500_000, 10**15], pa.timestamp("us", "UTC"))
    assert (found.minimum, found.maximum) == ("1970-01-01 00:00:00Z", "2001-09-09 01:46:40Z")
    assert found.quantiles["0.5"] == "1970-01-01 00:00:01.5Z"
    assert column([1], pa.timestamp("ns")).minimum == "1970-01-01 00:00:00.000000001"
    assert column([90_000_000], pa.duration("ms")).minimum == "1 day, 1:00:00"
    assert column([18_262], pa.date32()).minimum == "2020-01-01"


def test_infinite_and_missing_numbers() -> None:
    found = column([1.0, float("inf"), float("nan"), None])
    assert (found.maximum, found.mean, found.nulls) == ("inf", 1.0, 1)


@pytest.mark.parametrize("kind", ARRAYS)
def test_every_type_has_a_profile_that_json_holds(kind: str) -> None:
    found = profiled(pa.table({"a": ARRAYS[kind]}))
    text = json.dumps(found.to_dict(), allow_nan=False)
    assert StoredProfile.from_dict(json.loads(text)) == found
    empty = profiled(pa.table({"a": ARRAYS[kind]}).slice(0, 0)).columns[0]
    assert (empty.nulls, empty.minimum, empty.histogram) == (0, None, None)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.none() | st.floats(width=64) | st.integers(-(2**53), 2**53).map(float)))
def test_any_numbers_have_a_true_profile(values: list[float | None]) -> None:
    found = column(values, pa.float64())
    json.dumps(found.to_dict(), allow_nan=False)
    present = [value for value in values if value is not None]
    finite = [value for value in present if math.isfinite(value)]
    assert found.nulls == len(values) - len(present)
    if found.histogram:
        assert sum(found.histogram.counts) == len(finite)
    for value in found.quantiles.values():
        assert value in finite


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_any_integers_have_exact_extremes(values: list[int]) -> None:
    found = column(values, pa.int64())
    assert (found.minimum, found.maximum) == (min(values), max(values))
    assert found.distinct == len(set(values))
    assert found.quantiles["0.5"] == sorted(values)[len(values) // 2]


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiling, "SAMPLE", 1000)


@pytest.mark.usefixtures("sampled")
def test_a_long_table_is_sampled_evenly_and_says_so() -> None:
    values = np.arange(50_000)
    found = profiled(pa.table({"a": values, "b": pa.nulls(50_000, pa.int64())}))
    assert found.sampled == 1000
    assert (found.columns[0].minimum, found.columns[0].maximum) == (0, 49_999)
    assert found.columns[0].mean == pytest.approx(values.mean())
    assert found.columns[0].quantiles["0.5"] == pytest.approx(25_000, abs=100)
    assert found.columns[1].nulls == 50_000


@pytest.mark.usefixtures("sampled")
@pytest.mark.parametrize("kind", ARRAYS)
def test_every_type_is_sampled_from_any_chunks(kind: str) -> None:
    chunks = [ARRAYS[kind].slice(start, 3) for start in (0, 1)] * 400
    whole = pa.table({"a": pa.chunked_array(chunks)})
    column = profiled(whole).columns[0]
    few = profiled(whole.slice(0, 6)).columns[0]
    assert (column.nulls, column.minimum, column.maximum) == (
        few.nulls * 400,
        few.minimum,
        few.maximum,
    )
    assert column.distinct == few.distinct
    assert {top.value for top in column.top} == {top.value for top in few.top}


@pytest.mark.usefixtures("sampled")
def test_distinct_values_of_a_sample_are_counted_or_called_an_estimate() -> None:
    rng = np.random.default_rng(0)
    table = pa.table(
        {
            "key": np.arange(100_000) * 10**9,
            "small": rng.integers(-3, 97, 100_000),
            "wide": rng.integers(0, 400, 100_000) * 10**9,
            "unique": rng.permutation(100_000) * 10**9,
            "word": pa.array([f"w{n}" for n in rng.integers(0, 400, 100_000)]),
        }
    )
    found = {item.name: item for item in profiled(table).columns}
    assert (found["key"].distinct, found["key"].estimated) == (100_000, False)
    assert (found["small"].distinct, found["small"].estimated) == (100, False)
    for name, truth in (("wide", 400), ("unique", 100_000), ("word", 400)):
        assert found[name].estimated
        assert found[name].distinct == pytest.approx(truth, rel=0.1)


def test_the_estimate_of_distinct_values() -> None:
    assert estimated_distinct(rows=10_000, sampled=100, seen=100, once=100) == 10_000
    assert estimated_distinct(rows=10_000, sampled=100, seen=7, once=0) == 7
    assert estimated_distinct(rows=100, sampled=100, seen=42, once=5) == 42
    assert estimated_distinct(rows=0, sampled=0, seen=0, once=0) == 0


@pytest.mark.usefixtures("sampled")
def test_a_value_that_the_sample_misses_still_counts_as_extreme() -> None:
    values = np.zeros(50_000)
    values[[7, 11]] = -5, 9
    found = column(values)
    assert (found.minimum, found.maximum) == (-5, 9)


def test_dictionaries_may_be_kept() -> None:
    words = pa.array(["b", "a", "b", None]).dictionary_encode()
    numbers = pa.array([3, 1, 3, None]).dictionary_encode()
    table = pa.table({"word": words, "number": numbers})
    kept = profile(read(table), table).columns
    assert kept == profiled(table).columns
    assert [(top.value, top.count) for top in kept[0].top] == [("b", 2), ("a", 1)]
    assert (kept[1].maximum, kept[1].mean) == (3, pytest.approx(7 / 3))


def test_decimals_keep_their_digits() -> None:
    values = [Decimal("12.30"), Decimal("-0.05"), None]
    for kind in (pa.decimal128(12, 2), pa.decimal128(38, 2), pa.decimal256(60, 2)):
        found = column(values, kind)
        assert (found.minimum, found.maximum) == ("-0.05", "12.30")
        assert found.mean == pytest.approx(6.125)
    wide = column([Decimal(10**30), Decimal(1)], pa.decimal128(38, 0))
    assert (wide.minimum, wide.maximum) == ("1", str(10**30))
    assert wide.histogram is not None
    assert wide.histogram.edges[-1] == 1e30
    assert column([None], pa.decimal256(60, 2)).minimum is None


def test_flags() -> None:
    found = column([True, None, False, True])
    assert [(top.value, top.count) for top in found.top] == [("True", 2), ("False", 1)]
    assert (found.distinct, found.nulls) == (2, 1)


def test_show_gives_what_was_computed_at_save() -> None:
    datasets.save(pa.table({"a": [1, 2]}), "data", tag="gold")
    shown = datasets.show("data@gold")
    assert shown.version.tags == ["gold"]
    assert [(item.name, item.type, item.maximum) for item in shown.columns] == [("a", "int64", 2)]
    assert shown.sampled is None
