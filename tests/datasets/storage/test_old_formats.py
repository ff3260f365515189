"""What earlier releases stored is still read: a store written by the release of format 1."""

import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from mlnb import datasets
from mlnb.core.project import Project

WRITTEN = Path(__file__).parent / "store_of_format_1"
FRAME = pd.DataFrame(
    {
        "id": [3, 1, 2],
        "price": [1.5, None, -0.0],
        "kind": pd.Categorical(["b", None, "a"], categories=["b", "a", "c"], ordered=True),
        "seen": pd.to_datetime(["2024-01-01 10:00", "2024-03-31 12:30", None]).tz_localize(
            "Europe/Berlin"
        ),
        "tags": [["x"], [], None],
        "visits": pd.array([1, None, 3], dtype="Int64"),
    },
    index=pd.Index(["r1", "r2", "r3"], name="row"),
)


@pytest.fixture(autouse=True)
def _store(in_project: Project) -> None:
    shutil.copytree(WRITTEN, in_project.store.url)


def test_a_version_of_format_1_loads_as_it_was_saved() -> None:
    pd.testing.assert_frame_equal(datasets.load("flights@gold"), FRAME)
    assert datasets.load("flights@2", engine="arrow").to_pydict() == {
        "a": ["x", "y", "x"],
        "b": [1, 2, 3],
    }
    assert pa.types.is_dictionary(datasets.load("flights@2", engine="arrow")["a"].type)


def test_some_columns_and_rows_of_it_load() -> None:
    found = datasets.load("flights@1", columns=["seen", "id"], rows=(1, 3))
    pd.testing.assert_frame_equal(found, FRAME[["seen", "id"]].iloc[1:3])


def test_its_profile_log_and_difference_are_read() -> None:
    profile = datasets.show("flights@1")
    assert [column.name for column in profile.columns] == [*FRAME.columns, "row"]
    assert [version.number for version in datasets.log("flights")] == [2, 1]
    assert not datasets.diff("flights@1", "flights@2").identical


def test_a_version_can_be_saved_over_it() -> None:
    assert datasets.save(FRAME.assign(id=[3, 1, 9]), "flights").number == 3
    assert datasets.load("flights")["id"].tolist() == [3, 1, 9]
    pd.testing.assert_frame_equal(datasets.load("flights@1"), FRAME)
