"""What changed between versions."""

from collections import Counter
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlnb import datasets
from mlnb.core.errors import UnknownName

BASE = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]})


def changes(before: Any, after: Any) -> datasets.DatasetDiff:
    old = datasets.save(before, "data").ref
    return datasets.diff(old, datasets.save(after, "data").ref)


def counts(found: datasets.DatasetDiff) -> tuple[int, int, int]:
    return found.rows_added, found.rows_removed, found.rows_kept


def test_the_same_content_in_two_versions() -> None:
    datasets.save(BASE, "data")
    datasets.save(BASE.assign(a=0), "data")
    datasets.save(BASE, "data")
    found = datasets.diff("data@1", "data@3")
    assert found.identical
    assert counts(found) == (0, 0, 3)


def test_rows_added_removed_and_changed() -> None:
    after = pd.DataFrame({"a": [1, 2, 4, 5], "b": ["x", "changed", None, None]})
    found = changes(BASE, after)
    assert not found.identical
    assert counts(found) == (3, 2, 1)
    assert found.compared == ["a", "b"]


def test_order_does_not_count_but_repetition_does() -> None:
    assert counts(changes(BASE, BASE.iloc[::-1].reset_index(drop=True))) == (0, 0, 3)
    twice = pd.concat([BASE, BASE.iloc[:1]], ignore_index=True)
    assert counts(changes(BASE, twice)) == (1, 0, 3)
    assert counts(changes(twice, BASE)) == (0, 1, 3)


def test_columns_added_removed_and_changed() -> None:
    after = BASE.drop(columns="b").assign(c=1.5, a=BASE["a"].astype("int8"), b=BASE["b"])
    found = changes(BASE.assign(d=True), after)
    assert [column.name for column in found.columns_added] == ["c"]
    assert [column.name for column in found.columns_removed] == ["d"]
    assert [(c.name, c.before, c.after) for c in found.columns_changed] == [("a", "int64", "int8")]
    assert found.compared == ["b"]
    assert counts(found) == (0, 0, 3)


def test_nothing_in_common() -> None:
    assert counts(changes(pa.table({"a": [1, 2]}), pa.table({"b": [1]}))) == (1, 2, 0)


def test_text_and_categories_in_other_memory_layouts_are_the_same_values() -> None:
    words = ["x", "y", None]
    assert counts(
        changes(pa.table({"a": words, "n": [1, 2, 3]}), pl.DataFrame({"a": words, "n": [1, 2, 4]}))
    ) == (1, 1, 2)
    assert counts(
        changes(
            pd.DataFrame({"a": pd.Categorical(words)}),
            pd.DataFrame({"a": pd.Categorical(words, categories=["y", "x"])}),
        )
    ) == (0, 0, 3)


def test_nested_values() -> None:
    before = pa.table({"a": [[1, 2], None, []], "b": [{"k": 1}, {"k": 2}, None]})
    after = pa.table({"a": [[1, 2], None, [3]], "b": [{"k": 1}, {"k": 2}, None]})
    assert counts(changes(before, after)) == (1, 1, 2)


def test_nothing_to_something() -> None:
    assert counts(changes(BASE.iloc[:0], BASE)) == (3, 0, 0)
    assert counts(changes(BASE.astype(object).iloc[:0], pa.table({"a": pa.nulls(2)})))[0] == 2


def test_an_unknown_version_is_named() -> None:
    datasets.save(BASE, "data")
    with pytest.raises(UnknownName, match="data@2"):
        datasets.diff("data@1", "data@2")


ROW = st.tuples(
    st.none() | st.integers(0, 2),
    st.none() | st.sampled_from(["", "x"]),
    st.none() | st.sampled_from([0.0, 1.5]),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(before=st.lists(ROW, max_size=12), after=st.lists(ROW, max_size=12))
def test_counts_are_those_of_multisets(before: list[Any], after: list[Any]) -> None:
    schema = pa.schema([("a", pa.int64()), ("b", pa.string()), ("c", pa.float64())])

    def table(rows: list[Any]) -> pa.Table:
        return pa.Table.from_pylist([dict(zip("abc", row, strict=True)) for row in rows], schema)

    found = changes(table(before), table(after))
    old, new = Counter(before), Counter(after)
    assert counts(found) == ((new - old).total(), (old - new).total(), (new & old).total())
