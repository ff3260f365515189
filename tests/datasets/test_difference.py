"""What changed between versions."""

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlnb import datasets
from mlnb.core.errors import BadInput, UnknownName

BASE = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]})


def changes(before: Any, after: Any) -> datasets.DatasetDiff:
    old = datasets.save(before, "data").ref
    return datasets.diff(old, datasets.save(after, "data").ref)


def counts(found: datasets.DatasetDiff) -> tuple[int, int, int]:
    return found.rows_added, found.rows_removed, found.rows_kept


def by_content(before: Any, after: Any) -> datasets.DatasetDiff:
    old = datasets.save(before, "data").ref
    return datasets.diff(old, datasets.save(after, "data").ref, key=[])


def test_the_same_content_in_two_versions() -> None:
    datasets.save(BASE, "data")
    datasets.save(BASE.assign(a=0), "data")
    datasets.save(BASE, "data")
    found = datasets.diff("data@1", "data@3")
    assert found.identical
    assert counts(found) == (0, 0, 3)


def test_rows_are_matched_by_a_key() -> None:
    after = pd.DataFrame({"a": [1, 2, 4, 5], "b": ["x", "changed", None, None]})
    found = changes(BASE, after)
    assert not found.identical
    assert (counts(found), found.rows_changed, found.cells_changed) == ((2, 1, 1), 1, 1)
    assert (found.key, found.compared) == (["a"], ["a", "b"])
    [column] = [item for item in found.columns if item.cells]
    assert (column.name, column.cells) == ("b", 1)
    [sample] = column.samples
    assert (sample.place, sample.before, sample.after) == ("a=2", "y", "changed")


def test_without_a_key_a_changed_row_is_one_removed_and_one_added() -> None:
    after = pd.DataFrame({"a": [1, 2, 4, 5], "b": ["x", "changed", None, None]})
    found = by_content(BASE, after)
    assert counts(found) == (3, 2, 1)
    assert (found.key, found.rows_changed, found.cells_changed) == ([], None, None)
    with pytest.raises(BadInput, match="Without a key"):
        found.cells()


def test_order_does_not_count_but_repetition_does() -> None:
    turned = changes(BASE, BASE.iloc[::-1].reset_index(drop=True))
    assert (counts(turned), turned.order_changed) == ((0, 0, 3), True)
    twice = pd.concat([BASE, BASE.iloc[:1]], ignore_index=True)
    assert counts(changes(BASE, twice)) == (1, 0, 3)
    assert counts(changes(twice, BASE)) == (0, 1, 3)
    assert not changes(BASE.assign(c=1), twice.assign(c=1)).order_changed


def test_columns_added_removed_and_changed() -> None:
    after = BASE.drop(columns="b").assign(c=1.5, a=BASE["a"].astype("int8"), b=BASE["b"])
    found = changes(BASE.assign(d=True), after)
    assert [column.name for column in found.columns_added] == ["c"]
    assert [column.name for column in found.columns_removed] == ["d"]
    assert [(c.name, c.before, c.after) for c in found.columns_changed] == [("a", "int64", "int8")]
    assert found.compared == ["a", "b"]
    assert not found.columns_reordered
    assert counts(found) == (0, 0, 3)


def test_columns_in_another_order() -> None:
    found = changes(BASE, BASE[["b", "a"]])
    assert found.columns_reordered
    assert (counts(found), found.rows_changed) == ((0, 0, 3), 0)


def test_a_renamed_column_is_one_whose_content_is_the_same() -> None:
    renamed = BASE.rename(columns={"b": "word"})
    found = changes(BASE, renamed)
    assert [(c.before, c.after) for c in found.columns_renamed] == [("b", "word")]
    assert found.columns_added == found.columns_removed == []
    other = changes(BASE, renamed.assign(word=["x", "y", "z"]))
    assert other.columns_renamed == []
    assert [column.name for column in other.columns_added] == ["word"]
    unclear = changes(BASE.assign(c=BASE["b"]), BASE.drop(columns="b").assign(d=BASE["b"]))
    assert unclear.columns_renamed == []


RECAST: dict[str, tuple[pa.Array, pa.Array, int | None]] = {
    "int to double": (pa.array([1, 2, None]), pa.array([1.0, 2.5, None]), 1),
    "too large for a double": (pa.array([2**53 + 1, 2]), pa.array([1.0, 2.0]), None),
    "narrower": (pa.array([1, 2]), pa.array([1, 3], pa.int8()), 1),
    "unsigned": (pa.array([1, 2], pa.uint8()), pa.array([1, 2], pa.uint64()), 0),
    "float to double": (pa.array([0.5, 1.5], pa.float32()), pa.array([0.5, 1.25]), 1),
    "all null": (pa.nulls(2), pa.array([None, "x"]), 1),
    "text to category": (
        pa.array(["x", "y"]),
        pa.array(["x", "z"]).dictionary_encode(),
        1,
    ),
    "other unit": (
        pa.array([1, 2], pa.timestamp("s")),
        pa.array([1000, 2001], pa.timestamp("ms")),
        1,
    ),
    "other zone": (
        pa.array([1, 2], pa.timestamp("s", "UTC")),
        pa.array([1, 3], pa.timestamp("s", "Asia/Tokyo")),
        1,
    ),
    "zone or none": (
        pa.array([1, 2], pa.timestamp("s", "UTC")),
        pa.array([1, 2], pa.timestamp("s")),
        None,
    ),
    "day to time": (pa.array([1, 2], pa.date32()), pa.array([86_400, 7], pa.timestamp("s")), 1),
    "decimal": (
        pa.array([Decimal("1.10"), Decimal("2.00")]),
        pa.array([Decimal("1.1"), Decimal("2.5")]),
        1,
    ),
    "int to decimal": (pa.array([1, 2]), pa.array([Decimal("1.0"), Decimal("2.5")]), 1),
    "number to text": (pa.array([1, 2]), pa.array(["1", "2"]), None),
}


@pytest.mark.parametrize("kind", RECAST)
def test_columns_of_another_type_are_compared_where_nothing_is_lost(kind: str) -> None:
    before, after, cells = RECAST[kind]
    key = pa.array(range(len(before)))
    found = changes(pa.table({"k": key, "v": before}), pa.table({"k": key, "v": after}))
    if cells is None:
        assert found.compared == ["k"]
        assert [change.name for change in found.columns_changed] == ["v"]
        frame = found.to_pandas()
        assert len(frame) == 0
    else:
        assert found.compared == ["k", "v"]
        assert found.cells_changed == cells
        assert len(found.cells("v")) == cells


def test_missing_values_and_the_sign_of_zero() -> None:
    nan = float("nan")
    before = pa.table({"k": range(6), "v": pa.array([nan, None, nan, 0.0, 1.0, None])})
    after = pa.table({"k": range(6), "v": pa.array([nan, None, None, -0.0, 1.0, 2.0])})
    found = changes(before, after)
    assert found.cells_changed == 3
    assert [(s.before, s.after) for s in found.columns[0].samples] == [
        ("nan", None),
        ("0.0", "-0.0"),
        (None, "2.0"),
    ]


def test_the_key_that_was_given() -> None:
    before = pd.DataFrame({"a": [1, 1, 2], "b": ["x", "y", "x"], "c": [1.0, 2.0, 3.0]})
    after = before.assign(c=[1.0, 2.5, 3.0]).iloc[[2, 1]].reset_index(drop=True)
    datasets.save(before, "data")
    datasets.save(after, "data")
    found = datasets.diff("data@1", "data@2", key=["a", "b"])
    assert (found.key_source, found.rows_removed, found.rows_changed) == ("given", 1, 1)
    assert found.order_changed
    assert found.columns[0].samples[0].place == "a=1, b=y"
    with pytest.raises(BadInput, match=r"identify the rows of data@1: 1 row .* \(a=1\)") as caught:
        datasets.diff("data@1", "data@2", key="a")
    assert "--key a,b" in caught.value.fix
    with pytest.raises(UnknownName, match="Did you mean 'b'"):
        datasets.diff("data@1", "data@2", key="bb")


def test_a_key_that_was_saved_counts_before_what_looks_like_one() -> None:
    frame = pd.DataFrame({"id": [3, 1, 2], "code": ["c", "a", "b"], "v": [1, 2, 3]})
    datasets.save(frame, "data", key="code")
    datasets.save(frame.assign(id=[7, 8, 9]), "data", key="code")
    found = datasets.diff("data@1", "data@2")
    assert (found.key, found.key_source, found.rows_changed) == (["code"], "recorded", 3)


def test_a_measurement_or_a_column_of_other_values_is_no_key() -> None:
    frame = pd.DataFrame({"x": [0.5, 0.25, 0.125], "n": [1, 1, 1]})
    assert changes(frame, frame.assign(n=2)).key == []
    words = pd.DataFrame({"id": ["b", "a", "c"], "n": [1, 1, 1]})
    assert changes(words, words.assign(id=["z", "y", "x"])).key == []


def test_all_rows_and_cells_can_be_had() -> None:
    before = pd.DataFrame({"id": range(100), "v": range(100), "w": ["x"] * 100, "gone": 1})
    after = before.drop(columns="gone").drop(index=[3, 4]).assign(come=2.5)
    after["v"] = after["v"].where(after["id"] % 10 > 0, -1)
    after = pd.concat([after, after.tail(1).assign(id=1000)], ignore_index=True)
    found = changes(before, after)
    assert found.rows("removed")["id"].tolist() == [3, 4]
    assert found.rows("removed").index.tolist() == [3, 4]
    assert found.rows("added")["id"].tolist() == [1000]
    assert found.rows("changed")["id"].tolist() == list(range(0, 100, 10))
    cells = found.cells("v")
    assert cells.columns.tolist() == ["row_before", "row_after", "id", "before", "after"]
    assert cells["before"].tolist() == list(range(0, 100, 10))
    assert set(cells["after"]) == {-1}
    assert cells["row_after"].tolist() == [0, 8, *range(18, 98, 10)]
    everything = found.cells()
    assert everything["column"].tolist() == ["v"] * 10
    assert everything["before"].tolist() == [str(n) for n in range(0, 100, 10)]
    frame = found.to_pandas()
    assert frame["change"].value_counts().to_dict() == {
        "before": 10,
        "after": 10,
        "removed": 2,
        "added": 1,
    }
    assert frame["gone"].isna().tolist() == [
        change in ("added", "after") for change in frame.change
    ]
    with pytest.raises(BadInput, match="no kind of rows"):
        found.rows("new")  # type: ignore[arg-type]  # what a user may type
    with pytest.raises(UnknownName, match="compared column"):
        found.cells("come")


def test_a_record_that_was_stored_gives_its_rows_again() -> None:
    found = changes(BASE, BASE.assign(b=["x", "z", None]))
    again = datasets.DatasetDiff.from_dict(found.to_dict())
    assert again == found
    assert again.cells("b").equals(found.cells("b"))


def test_columns_called_like_ours_keep_their_names() -> None:
    before = pd.DataFrame({"row": [1, 2], "change": ["a", "b"], "before": [1.5, 2.5]})
    found = changes(before, before.assign(before=[1.5, 3.5]))
    assert found.to_pandas().columns.tolist() == ["_change", "_row", "row", "change", "before"]
    assert found.cells("before").columns.tolist()[-2:] == ["before", "after"]


def test_some_rows_are_shown_when_asked_for() -> None:
    before = pd.DataFrame({"id": range(50), "v": 0, "w": 1})
    after = before.assign(w=[*range(25), *([1] * 25)]).drop(index=[7, 8, 9])
    datasets.save(before, "data")
    datasets.save(after.reset_index(drop=True), "data")
    assert datasets.diff("data@1", "data@2").row_samples == []
    found = datasets.diff("data@1", "data@2", rows=2)
    assert found.sample_columns == ["id", "w", "v"]
    assert [(s.change, s.row, s.values) for s in found.row_samples] == [
        ("removed", 7, ["7", "1", "0"]),
        ("removed", 9, ["9", "1", "0"]),
        ("changed", 0, ["0", "0", "0"]),
        ("changed", 21, ["24", "24", "0"]),
    ]


def test_the_columns_with_the_most_changes_are_first_and_say_how_far_they_moved() -> None:
    rng = np.random.default_rng(0)
    before = pd.DataFrame(
        {"id": range(1000), "a": rng.normal(size=1000), "b": rng.normal(size=1000)}
    )
    after = before.assign(a=before["a"].where(before["id"] > 10, 0.0), b=before["b"] + 3)
    found = changes(before, after)
    assert [(item.name, item.cells) for item in found.columns] == [("b", 1000), ("a", 11)]
    assert found.columns[0].psi is not None
    assert found.columns[0].psi > 1
    assert found.columns[1].psi == pytest.approx(0, abs=0.01)
    assert found.columns[0].before is not None
    assert found.columns[0].after is not None
    assert found.columns[0].after.mean == pytest.approx(found.columns[0].before.mean + 3)


def test_nothing_in_common() -> None:
    assert counts(changes(pa.table({"a": [1, 2]}), pa.table({"b": [1]}))) == (1, 2, 0)


def test_text_and_categories_in_other_memory_layouts_are_the_same_values() -> None:
    words = ["x", "y", None]
    assert counts(
        changes(pa.table({"a": words, "n": [1, 2, 2]}), pl.DataFrame({"a": words, "n": [1, 2, 4]}))
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

    found = by_content(table(before), table(after))
    old, new = Counter(before), Counter(after)
    assert counts(found) == ((new - old).total(), (old - new).total(), (new & old).total())


def test_a_linked_table_is_compared_with_a_saved_one(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [1, 2, 3], "v": ["a", "b", "c"]}), tmp_path / "v.parquet")
    datasets.link(str(tmp_path / "v.parquet"), "linked")
    datasets.save(pa.table({"id": [3, 2, 4], "v": ["c", "x", "d"]}), "data")
    found = datasets.diff("linked", "data")
    assert (found.key, found.key_source) == (["id"], "detected")
    assert (counts(found), found.rows_changed) == ((1, 1, 1), 1)
    assert found.cells("v")["after"].tolist() == ["x"]
