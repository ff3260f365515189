from typing import Any

import pandas as pd
import pytest

from mlnb import datasets
from mlnb.core.errors import BadInput, UnknownName
from mlnb.core.project import Project, using
from mlnb.ui.server.routes.datasets import COLUMNS, dataset, difference, versions
from mlnb.ui.server.sources import Source, Sources

FRAME = pd.DataFrame({"id": range(100), "carrier": ["UA", "AA"] * 50, "delay": range(100)})


@pytest.fixture
def source(project: Project) -> Source:
    with using(project):
        datasets.save(FRAME, "flights", message="first", key="id")
        changed = (
            FRAME.assign(delay=FRAME["delay"].where(FRAME["id"] != 7, 700))
            .drop(index=3)
            .reset_index(drop=True)
        )
        datasets.save(
            changed.assign(late=changed["delay"] > 15), "flights", message="second", key="id"
        )
        datasets.tag("flights@1", "gold")
    return Sources(project.root).at("")


def test_the_newest_version_comes_with_its_profile(source):
    found = dataset(source, dataset="flights")
    assert (found.version.number, found.newest, found.total) == (2, 2, 2)
    assert [column.name for column in found.columns] == ["id", "carrier", "delay", "late"]
    assert found.columns[2].histogram is not None
    assert found.tags == {"gold": 1}
    assert found.version.columns == []


def test_a_version_is_named_by_number_or_tag(source):
    for version in ("1", "gold"):
        assert dataset(source, dataset="flights", version=version).version.message == "first"
    with pytest.raises(UnknownName):
        dataset(source, dataset="flights", version="9")
    with pytest.raises(UnknownName):
        dataset(source, dataset="nothing")


def test_many_columns_are_answered_in_parts(project):
    wide = pd.DataFrame({f"c{number}": [number] for number in range(COLUMNS + 5)})
    with using(project):
        datasets.save(wide, "wide")
    source = Sources(project.root).at("")
    found = dataset(source, dataset="wide")
    rest = dataset(source, dataset="wide", skip=COLUMNS)
    assert (len(found.columns), found.columns_total) == (COLUMNS, COLUMNS + 5)
    assert [column.name for column in rest.columns][-1] == f"c{COLUMNS + 4}"


def test_versions_are_answered_in_pages(project):
    with using(project):
        for number in range(5):
            datasets.save(pd.DataFrame({"a": [number]}), "many", message=f"number {number + 1}")
        datasets.remove("many@3")
    source = Sources(project.root).at("")
    first = versions(source, dataset="many", limit=2)
    assert [one.number for one in first.versions] == [5, 4]
    assert (first.total, first.more) == (4, True)
    rest = versions(source, dataset="many", before=4, limit=2)
    assert [(one.number, one.message) for one in rest.versions] == [
        (2, "number 2"),
        (1, "number 1"),
    ]
    assert not rest.more
    with pytest.raises(BadInput):
        versions(source, dataset="many", limit=0)


def test_a_difference_has_rows_cells_and_columns(source):
    found = difference(source, dataset="flights", before="1", after="2").table
    assert found is not None
    assert (found.rows_added, found.rows_removed, found.rows_changed) == (0, 1, 1)
    assert [column.name for column in found.columns_added] == ["late"]
    [changed] = [item for item in found.columns if item.cells]
    assert changed.name == "delay"
    assert (changed.samples[0].before, changed.samples[0].after) == ("7", "700")
    assert {item.change for item in found.row_samples} == {"removed", "changed"}


def test_a_folder_is_shown_and_compared_as_files(project, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    with using(project):
        datasets.save(folder, "images")
        (folder / "b.txt").write_text("b")
        datasets.save(folder, "images")
    source = Sources(project.root).at("")
    found = dataset(source, dataset="images")
    assert found.folder is not None
    assert (found.folder.files, found.columns) == (2, [])
    changed = difference(source, dataset="images", before="1", after="2")
    assert changed.table is None
    assert [item.path for item in changed.folder.added] == ["b.txt"]  # type: ignore[union-attr]  # it is there


def test_the_same_version_twice_is_identical(source):
    found: Any = difference(source, dataset="flights", before="2", after="latest")
    assert found.table.identical
    assert found.notes == []
