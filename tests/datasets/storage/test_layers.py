"""What a version adds to its parent: only what is new, in a form that stays quick to read."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlnb import datasets
from mlnb.core.errors import BadInput, ObjectMissing, UnknownName
from mlnb.core.project import Project
from mlnb.core.store import ObjectStore
from mlnb.datasets import versions
from mlnb.datasets.storage import manifest, recent, saving, writing
from mlnb.datasets.storage.manifest import TableManifest
from mlnb.datasets.storage.stored import StoredTable

ROWS = 1000


@pytest.fixture(autouse=True)
def _small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "UNIT_ROWS", 64)
    monkeypatch.setattr(writing, "SMALL", 0)
    monkeypatch.setattr(saving, "SMALL", 0)


@pytest.fixture(params=["warm kernel", "new kernel"])
def kernel(request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.param
    recent.forget()


def frame(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "id": np.arange(rows) * 7 + 3,
            "word": pd.Series(random.choice(["a", "bb", "ccc"], rows), dtype="str"),
            "long": pd.Series([f"a text of some length {n:>9}" for n in random.permutation(rows)]),
            "kind": pd.Categorical(random.choice(["x", "y"], rows)),
            "value": np.where(random.random(rows) < 0.1, np.nan, random.normal(size=rows)),
            "flag": random.random(rows) < 0.5,
            "count": pd.array(random.integers(0, 9, rows), dtype="Int64"),
        }
    )


def stored(project: Project, ref: str = "data") -> TableManifest:
    return StoredTable(project.store, versions.find(ref)).manifest


def save(data: Any, kernel: str = "warm kernel") -> Any:
    if kernel == "new kernel":
        recent.forget()
    version = datasets.save(data, "data")
    recent.forget()
    pd.testing.assert_frame_equal(datasets.load(version.ref), data)
    recent.forget()
    datasets.load(version.ref)  # so that the next save finds it in memory
    return version


def files(found: TableManifest) -> set[str]:
    return {file.object for part in found.parts for file in part.files}


def test_appended_rows_are_a_part_of_their_own(in_project: Project, kernel: str) -> None:
    first = frame()
    save(first)
    before = stored(in_project)
    more = frame(20, seed=1).assign(id=lambda rows: rows["id"] + 10_000)
    save(pd.concat([first, more], ignore_index=True).astype(first.dtypes), kernel)
    after = stored(in_project)
    assert after.parts[: len(before.parts)] == before.parts
    assert sum(part.rows for part in after.parts[len(before.parts) :]) == 20
    assert after.is_flat


def test_edited_cells_are_patches(in_project: Project, kernel: str) -> None:
    first = frame()
    save(first)
    before = files(stored(in_project))
    edited = first.copy()
    edited.loc[[5, 700], "value"] = [1.5, np.nan]
    edited.loc[[8], "word"] = "new"
    edited.loc[[9], "count"] = pd.NA
    edited.loc[[10], "kind"] = "x" if first["kind"][10] == "y" else "y"
    save(edited, kernel)
    after = stored(in_project)
    assert files(after) == before
    assert {patch.column: patch.cells for patch in after.patches} == {1: 1, 3: 1, 4: 2, 6: 1}
    assert len({patch.object for patch in after.patches}) == 1


def test_a_new_column_is_a_file_per_part_and_a_renamed_or_dropped_one_none(
    in_project: Project, kernel: str
) -> None:
    first = frame()
    save(first)
    before = stored(in_project)
    wider = first.assign(double=first["count"] * 2)
    save(wider, kernel)
    after = stored(in_project)
    assert all(len(part.files) == 2 for part in after.parts)
    assert files(before) < files(after)
    renamed = wider.rename(columns={"double": "twice"}).drop(columns="flag")[
        ["twice", "id", "long", "word", "kind", "value", "count"]
    ]
    save(renamed, kernel)
    assert files(stored(in_project)) == files(after)


@pytest.mark.parametrize("key", [None, ["word", "id"]])
def test_rows_that_went_or_moved_are_a_selection(
    in_project: Project, kernel: str, key: list[str] | None
) -> None:
    first = frame()
    datasets.save(first, "data", key=key or ())
    save(first)
    before = files(stored(in_project))
    fewer = first.drop(index=[0, 17, 500, 999]).reset_index(drop=True)
    save(fewer, kernel)
    assert files(stored(in_project)) == before
    moved = fewer.sample(frac=1, random_state=3).reset_index(drop=True)
    moved.loc[4, "value"] = 7.25
    save(moved, kernel)
    after = stored(in_project)
    assert files(after) == before
    assert sum(patch.cells for patch in after.patches) == 1
    grown = pd.concat([moved, frame(9, seed=2).assign(id=range(-9, 0))], ignore_index=True)
    save(grown.astype(first.dtypes), kernel)
    after = stored(in_project)
    assert before < files(after)
    assert after.base_rows == ROWS + 9
    wider = grown.astype(first.dtypes).assign(more=range(len(grown)))
    save(wider, kernel)
    save(wider.iloc[:500], kernel)


def test_without_a_key_rows_are_found_by_their_content(in_project: Project, kernel: str) -> None:
    first = frame().drop(columns=["id", "long"])
    save(first)
    before = files(stored(in_project))
    save(first.drop(index=range(40, 60)).reset_index(drop=True), kernel)
    assert files(stored(in_project)) == before


def test_a_base_with_too_many_dead_rows_is_left(in_project: Project, kernel: str) -> None:
    first = frame()
    save(first)
    save(first.iloc[::2].reset_index(drop=True), kernel)
    found = stored(in_project)
    assert found.is_flat
    assert found.base_rows == ROWS // 2


def test_a_column_of_many_changes_is_written_again(in_project: Project, kernel: str) -> None:
    first = frame()
    save(first)
    before = files(stored(in_project))
    save(first.assign(value=first["value"] * 2), kernel)
    found = stored(in_project)
    assert before < files(found)
    assert not found.patches
    assert all(len(part.files) == 2 for part in found.parts)


def test_many_patches_become_one(in_project: Project, kernel: str) -> None:
    data = frame()
    save(data)
    for place in range(writing.MOST_LAYERS + 3):
        data = data.copy()
        data.loc[[place % 4], "word"] = f"edit {place}"
        save(data, kernel)
        assert len(stored(in_project).patches) <= writing.MOST_LAYERS
    assert sum(patch.cells for patch in stored(in_project).patches) < writing.MOST_LAYERS


def test_many_small_parts_become_few(in_project: Project, kernel: str) -> None:
    data = frame(200)
    save(data)
    most = 2 * (400 // 64 + 1) + 16
    for step in range(30):
        more = frame(3, seed=step).assign(id=lambda rows, at=step: rows["id"] + 10_000 + 100 * at)
        data = pd.concat([data, more], ignore_index=True).astype(data.dtypes)
        save(data, kernel)
        assert len(stored(in_project).parts) <= most


def test_memory_that_was_written_to_behind_pandas_is_not_believed(in_project: Project) -> None:
    """The kept frame shares the array: what it says of the parent is no longer so."""
    values = np.arange(ROWS)
    data = pd.DataFrame({"id": np.arange(ROWS), "value": values}, copy=False)
    datasets.save(data, "data")
    values[3] = -1
    changed = pd.DataFrame({"id": np.arange(ROWS), "value": values.copy()})
    changed.loc[7, "value"] = -2
    datasets.save(changed, "data")
    recent.forget()
    pd.testing.assert_frame_equal(datasets.load("data"), changed)
    assert datasets.load("data@1")["value"].tolist() == list(range(ROWS))


def test_what_a_damaged_parent_lost_is_not_built_upon(in_project: Project, kernel: str) -> None:
    first = frame()
    save(first)
    lost = sorted(files(stored(in_project)))[0]
    path = in_project.store.path(lost)
    assert path is not None
    path.unlink()
    save(first.assign(value=first["value"] * 2), kernel)
    recent.forget()
    with pytest.raises(ObjectMissing, match="data@1"):
        datasets.load("data@1")


def test_only_the_bytes_that_are_asked_for_are_read(
    in_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = frame()
    save(first)
    recent.forget()
    read: list[int] = []
    real = ObjectStore.get_ranges

    def counting(self: ObjectStore, digest: str, ranges: Any, **options: Any) -> Any:
        read.extend(stop - start for start, stop in ranges)
        return real(self, digest, ranges, **options)

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("a whole object was read")

    monkeypatch.setattr(ObjectStore, "get_ranges", counting)
    monkeypatch.setattr(ObjectStore, "view", never)
    found = datasets.load("data", columns=["flag"], rows=(70, 80))
    pd.testing.assert_frame_equal(found, first[["flag"]].iloc[70:80])
    whole = sum(file.size for part in stored(in_project).parts for file in part.files)
    assert 0 < sum(read) < whole / 4


def test_a_second_load_reads_nothing(in_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    first = frame()
    save(first)
    recent.forget()
    one = datasets.load("data")
    monkeypatch.setattr(ObjectStore, "view", None)
    again = datasets.load("data")
    pd.testing.assert_frame_equal(again, one)
    again.loc[0, "value"] = 99.0
    again["word"] = "gone"
    pd.testing.assert_frame_equal(one, first)
    pd.testing.assert_frame_equal(datasets.load("data"), first)


@pytest.mark.parametrize("engine", ["pandas", "polars", "arrow", "numpy"])
def test_batches_are_the_whole_in_pieces(engine: Any) -> None:
    first = frame()
    datasets.save(first, "data")
    pieces = list(datasets.batches("data", columns=["id", "flag"], size=300, engine=engine))
    as_list: Callable[[Any], list[int]] = lambda piece: [int(value) for value in piece["id"]]  # noqa: E731
    if engine == "arrow":
        as_list = lambda piece: piece["id"].to_pylist()  # noqa: E731
    assert [len(as_list(piece)) for piece in pieces] == [300, 300, 300, 100]
    assert [value for piece in pieces for value in as_list(piece)] == first["id"].tolist()


def test_a_duckdb_relation_is_saved_and_loaded() -> None:
    duckdb = pytest.importorskip("duckdb")
    connection = duckdb.connect()
    version = datasets.save(
        connection.sql("select range as n, 'x' || range as s from range(5)"), "r"
    )
    assert version.rows == 5
    found = datasets.load("r", engine="duckdb")
    assert found.filter("n > 2").fetchall() == [(3, "x3"), (4, "x4")]


@pytest.mark.parametrize(
    ("key", "error"),
    [("nothing", UnknownName), ("word", BadInput), (["word", "value"], BadInput)],
)
def test_a_key_that_is_none_is_refused(key: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        datasets.save(frame(), "data", key=key)
    assert datasets.names() == []


def test_a_key_of_lists_is_refused() -> None:
    with pytest.raises(BadInput, match="lists or structs"):
        datasets.save(pd.DataFrame({"a": [[1], [2]], "b": [1, 2]}), "data", key="a")


@pytest.mark.parametrize("rows", [(None, 5), "03", 5, slice(0, 3), (1.5, 3), (0, 1, 2), (3, 1)])
def test_rows_that_are_no_range_are_refused(rows: Any) -> None:
    datasets.save(frame(10), "data")
    with pytest.raises(BadInput):
        datasets.load("data", rows=rows)
