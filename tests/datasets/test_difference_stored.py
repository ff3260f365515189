"""Differences of versions that are stored over one another: right, and reading only what differs.

Units have few rows here and no table is too small to be stored over its parent.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlnb import datasets
from mlnb.datasets import versions
from mlnb.datasets.difference.columns import columns_of
from mlnb.datasets.difference.lineage import lineage_of
from mlnb.datasets.difference.sides import StoredSide, side_of
from mlnb.datasets.storage import manifest, reading, recent, saving, writing

_names = count(1)


@pytest.fixture(autouse=True)
def small_units() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest, "UNIT_ROWS", 4)
        patch.setattr(writing, "SMALL", 0)
        patch.setattr(saving, "SMALL", 0)
        yield


def start(rows: int = 20, first: int = 0) -> pd.DataFrame:
    ids = np.arange(first, first + rows) * 3
    return pd.DataFrame(
        {
            "id": ids,
            "number": pd.array([None if n % 5 == 0 else n % 7 for n in ids], "Int64"),
            "share": [np.nan if n % 4 == 0 else n / 8 for n in ids],
            "word": pd.Series([f"w{n % 3}" for n in ids], dtype="str"),
            "kind": pd.Categorical([f"k{n % 2}" for n in ids], categories=["k0", "k1", "k2"]),
        }
    )


class Edits:
    """What can be done to a frame; each returns another one."""

    def append(self, frame: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
        more = start(int(random.integers(1, 9)), first=1 + int(frame["id"].max() // 3))
        return pd.concat([frame, more], ignore_index=True)

    def cells(self, frame: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
        edited = frame.copy()
        fresh: dict[str, Any] = {"number": pd.NA, "share": -0.0, "word": "new", "kind": "k2"}
        for name in random.choice(list(fresh), 2):
            rows = random.choice(len(frame), 2)
            edited.iloc[rows, frame.columns.get_loc(name)] = fresh[name]
        return edited

    def delete(self, frame: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
        return frame[random.random(len(frame)) > 0.2].reset_index(drop=True)

    def shuffle(self, frame: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
        return frame.iloc[random.permutation(len(frame))].reset_index(drop=True)

    def again(self, frame: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
        """Append keys that may have been deleted."""
        fresh = start(12)
        fresh = fresh[~fresh["id"].isin(frame["id"])].assign(word="again")
        return pd.concat([frame, fresh], ignore_index=True)

    def identify(self, frame: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
        """Give some rows another key."""
        rows = random.choice(len(frame), min(2, len(frame)), replace=False)
        edited = frame.copy()
        edited.iloc[rows, frame.columns.get_loc("id")] = edited["id"].max() + 3 * np.arange(
            1, len(rows) + 1
        )
        return edited

    def derive(self, frame: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
        return frame.assign(double=frame["share"] * 2)

    def reorder(self, frame: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
        return frame[[str(name) for name in random.permutation(frame.columns)]]


EDITS = [name for name in vars(Edits) if not name.startswith("_")]


def shown(value: Any) -> str:
    return "missing" if pd.isna(value) else str(value)


def rows_of(frame: pd.DataFrame, names: list[str]) -> list[tuple[str, ...]]:
    plain = frame[names].astype(object)
    return [tuple(map(str, row)) for row in plain.itertuples(index=False)]


def check(found: datasets.DatasetDiff, old: pd.DataFrame, new: pd.DataFrame) -> None:
    names = [name for name in new.columns if name in old.columns]
    assert found.compared == names
    if not found.key:
        before, after = Counter(rows_of(old, names)), Counter(rows_of(new, names))
        expected = [(after - before).total(), (before - after).total(), (before & after).total()]
        assert [found.rows_added, found.rows_removed, found.rows_kept] == expected
        return
    left, right = old.set_index("id"), new.set_index("id")
    both = [key for key in right.index if key in left.index]
    cells = {
        name: [key for key in both if str(left.at[key, name]) != str(right.at[key, name])]
        for name in names
        if name != "id"
    }
    changed = set().union(*cells.values())
    assert found.rows_added == len(right) - len(both)
    assert found.rows_removed == len(left) - len(both)
    assert (found.rows_changed, found.rows_kept) == (len(changed), len(both) - len(changed))
    assert {item.name: item.cells for item in found.columns if item.cells} == {
        name: len(keys) for name, keys in cells.items() if keys
    }
    places = [left.index.get_loc(key) for key in both]
    assert found.order_changed == (places != sorted(places))
    for name, keys in cells.items():
        frame = found.cells(name)
        assert frame["id"].tolist() == keys
        assert list(map(shown, frame["before"])) == [shown(left.at[key, name]) for key in keys]
        assert list(map(shown, frame["after"])) == [shown(right.at[key, name]) for key in keys]
    assert found.rows("added")["id"].tolist() == [key for key in right.index if key not in both]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    edits=st.lists(st.sampled_from(EDITS), min_size=1, max_size=5),
    seed=st.integers(0, 1000),
    key=st.sampled_from(["recorded", "given", "none"]),
)
def test_any_two_versions_of_any_edits(edits: list[str], seed: int, key: str) -> None:
    name, random = f"data-{next(_names)}", np.random.default_rng(seed)
    frames = [start()]
    for edit in edits:
        made = getattr(Edits(), edit)(frames[-1], random)
        if not len(made):
            break
        frames.append(made)
    refs = [
        datasets.save(frame, name, key="id" if key == "recorded" else ()).ref for frame in frames
    ]
    recent.forget()
    chosen = {"recorded": None, "given": "id", "none": []}[key]
    for first, second in ((0, -1), (-1, 0), (-2, -1)):
        found = datasets.diff(refs[first], refs[second], key=chosen)
        check(found, frames[first], frames[second])


@pytest.mark.parametrize("edit", ["append", "cells", "delete", "shuffle", "derive"])
def test_versions_of_one_another_are_known_to_be(edit: str) -> None:
    """So that the test above does test what it is for."""
    frame = start(64)
    old = datasets.save(frame, "data", key="id").ref
    edited = getattr(Edits(), edit)(frame, np.random.default_rng(0))
    new = datasets.save(edited, "data", key="id").ref
    _, *sides = columns_of(*(side_of(versions.find(ref)) for ref in (old, new)))
    lineage = lineage_of(*sides)
    assert lineage is not None
    assert lineage.shares("id")
    assert (len(lineage.patched("word")) > 0) == (edit == "cells")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """Return what is read from files: column and rows."""
    found: list[tuple[str, int, int]] = []
    good = reading.read

    def watched(
        store: Any, made: Any, fields: Any, pool: Any, *, rows: Any = None, wanted_by: str = ""
    ) -> Any:
        span = rows or (0, made.rows)
        names = start().columns
        found.extend((names[place], *span) for place, *_ in fields if span[0] < span[1])
        return good(store, made, fields, pool, rows=rows, wanted_by=wanted_by)

    monkeypatch.setattr(reading, "read", watched)
    return found


def test_only_what_was_patched_is_read(read: list[tuple[str, int, int]]) -> None:
    frame = start(40)
    edited = frame.copy()
    edited.loc[[9, 30], "word"] = "new"
    datasets.save(frame, "data")
    datasets.save(edited, "data")
    read.clear()
    found = datasets.diff("data@1", "data@2")
    assert (found.rows_changed, found.key_source) == (2, "recorded")
    assert {name for name, _, _ in read} == {"word", "id"}  # and the key, to say which rows
    assert all(stop - start <= 4 for _, start, stop in read)


def test_ranges_with_one_digest_are_not_read(
    read: list[tuple[str, int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where two datasets have nothing to do with each other."""
    frame = start(40)
    edited = frame.copy()
    edited.loc[[9, 30], "word"] = "new"
    datasets.save(frame, "data", key="id")
    datasets.save(edited, "other", key="id")
    read.clear()
    found = datasets.diff("data@1", "other@1", sample=0)
    assert found.rows_changed == 2
    assert sorted(set(read)) == [("word", 8, 12), ("word", 28, 32)]


def test_a_version_and_itself_read_nothing(read: list[tuple[str, int, int]]) -> None:
    datasets.save(start(), "data")
    read.clear()
    assert datasets.diff("data@1", "data@1").identical
    assert read == []


def edited_again_and_again(times: int) -> list[pd.DataFrame]:
    """Return versions of 600 rows, each with two cells of the one before edited or put back."""
    random = np.random.default_rng(3)
    frames = [start(600)]
    for turn in range(times):
        edited = frames[-1].copy()
        rows = random.choice(600, 2, replace=False)
        column = edited.columns.get_loc("share")
        edited.iloc[rows, column] = -1.0 - turn
        if turn % 2:  # what the version before has edited is as it was
            back = np.flatnonzero(edited["share"] == float(-turn))
            edited.iloc[back, column] = frames[0]["share"].iloc[back]
        frames.append(edited)
    return frames


def test_cells_that_come_back_are_no_change_between_versions() -> None:
    frames = edited_again_and_again(writing.MOST_LAYERS + 2)
    refs = [datasets.save(frame, "data", key="id").ref for frame in frames]
    sides = [StoredSide(versions.find(ref)) for ref in refs]
    layers = [len(side.layers("share")) for side in sides]
    assert layers[writing.MOST_LAYERS] == writing.MOST_LAYERS
    assert layers[writing.MOST_LAYERS + 1] == 1, "the layers were put together"
    for one in range(1, len(frames)):
        for other in (0, 1, one - 1):
            for first, second in ((one, other), (other, one)):
                recent.forget()
                found = datasets.diff(refs[first], refs[second])
                assert isinstance(found, datasets.DatasetDiff)
                check(found, frames[first], frames[second])


def test_what_was_patched_once_is_not_read_to_know_that_it_changed(
    read: list[tuple[str, int, int]],
) -> None:
    frame = start(200)
    edited = frame.copy()
    edited.loc[::20, "share"] = -7.5
    for version in (frame, edited):
        datasets.save(version, "data", key="id")
    read.clear()
    recent.forget()
    found = datasets.diff("data@1", "data@2")
    assert isinstance(found, datasets.DatasetDiff)
    (share,) = [column for column in found.columns if column.name == "share"]
    assert share.cells == 10
    assert {sample.after for sample in share.samples} == {"-7.5"}
    assert [stop - start for name, start, stop in read if name == "share"] == [4]
    read.clear()
    assert list(found.cells("share")["after"]) == [-7.5] * 10
    assert len([name for name, *_ in read if name == "share"]) == 10, "now all units are"
