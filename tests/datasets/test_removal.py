"""Removing versions: tombstones, who is asked, what stays."""

import os
from importlib.metadata import entry_points

import pandas as pd
import pytest

from mlnb import datasets
from mlnb.core.errors import Conflict, ObjectMissing, TrackingUnavailable, UnknownName
from mlnb.core.project import Project
from mlnb.datasets import removal, versions
from mlnb.datasets.records import DamagedVersion, RemovedVersion


def frame(value: int) -> pd.DataFrame:
    return pd.DataFrame({"a": [value]})


@pytest.fixture(autouse=True)
def three() -> None:
    for value in range(3):
        datasets.save(frame(value), "data")


def numbers() -> list[int]:
    return [version.number for version in datasets.log("data")]


def test_a_removed_version_says_who_when_and_why() -> None:
    (gone,) = datasets.remove("data@2", message="wrong units", author="ann")
    assert (gone.name, gone.number, gone.author) == ("data", 2, "ann")
    for use in (datasets.load, datasets.resolve, datasets.show, lambda r: datasets.tag(r, "gold")):
        with pytest.raises(UnknownName, match=r"data@2 was removed by ann on .*: wrong units"):
            use("data@2")
    assert numbers() == [3, 1]
    assert datasets.load("data@1")["a"].tolist() == [0]


def test_removed_versions_are_shown_on_request() -> None:
    datasets.remove("data@2", message="why")
    rows = versions.history_of("data", removed=True)
    assert [type(row).__name__ for row in rows] == [
        "DatasetVersion",
        "RemovedVersion",
        "DatasetVersion",
    ]
    assert isinstance(rows[1], RemovedVersion)
    assert rows[1].version is not None
    assert (rows[1].message, rows[1].version.rows) == ("why", 1)


def test_a_number_is_never_used_again() -> None:
    datasets.remove("data@3")
    assert datasets.resolve("data").number == 2
    assert datasets.save(frame(7), "data").number == 4
    assert datasets.resolve("data@4").parent == 2
    datasets.remove("data", every=True)
    assert datasets.names() == []
    with pytest.raises(UnknownName, match="data@4 was removed"):
        datasets.load("data")
    assert datasets.save(frame(8), "data").number == 5
    assert numbers() == [5]
    assert datasets.resolve("data@5").parent is None


def test_saving_what_the_removed_newest_held_makes_a_version() -> None:
    datasets.remove("data@3")
    again = datasets.save(frame(2), "data")
    assert (again.number, again.unchanged) == (4, False)
    datasets.remove("data@4")
    back = datasets.save(frame(1), "data")
    assert (back.number, back.unchanged) == (2, True)


def test_a_tag_holds_a_version() -> None:
    datasets.tag("data@1", "gold")
    with pytest.raises(Conflict, match=r"data@1 by tag gold"):
        datasets.remove(["data@1", "data@2"])
    assert numbers() == [3, 2, 1]
    datasets.remove(["data@1", "data@2"], force=True)
    assert numbers() == [3]
    assert datasets.tags("data").tags == {}
    assert datasets.tags("data").changes[0].previous == 1


def test_a_run_that_read_it_holds_a_version(in_project: Project) -> None:
    import mlnb

    with mlnb.track("reads") as run:
        datasets.load("data@2")
        made = datasets.save(frame(9), "data")
    with pytest.raises(Conflict, match=rf"data@2 by run reads \({run.id[:8]}\)"):
        datasets.remove("data@2", force=True)
    datasets.remove(made.ref)  # that a run has made it holds nothing
    from mlnb.tracking import store

    store.client().delete_run(run.id)
    datasets.remove("data@2")
    assert numbers() == [3, 1]


def test_a_model_trained_on_it_holds_a_version(in_project: Project) -> None:
    from sklearn.linear_model import LinearRegression

    import mlnb

    model = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    mlnb.models.register(model, "line", data="data@1")
    with pytest.raises(Conflict, match=r"data@1 by .*model line@1"):
        datasets.remove("data@1")
    assert "model line@1" in removal.holders("data")[1]


def test_a_pipeline_file_holds_a_version(in_project: Project) -> None:
    folder = in_project.root / "nightly"
    folder.mkdir()
    (folder / "pipeline.yaml").write_text("params: {old: data@22, ref: data@2}")
    (in_project.root / ".venv").mkdir()
    (in_project.root / ".venv" / "pipeline.yaml").write_text("data@3")
    with pytest.raises(Conflict, match=r"data@2 by nightly/pipeline\.yaml"):
        datasets.remove("data@2")
    datasets.remove("data@3")


def test_an_entry_of_any_log_holds_a_version(in_project: Project) -> None:
    in_project.store.append("validations/m", lambda _n: {"data": "data@1", "model": "data@2"})
    in_project.store.append("of/a/plugin", lambda _n: {"deep": [{"refs": ["data@3", "data@33"]}]})
    with pytest.raises(Conflict, match="data@1 by validations/m/1"):
        datasets.remove("data@1")
    with pytest.raises(Conflict, match="data@3 by of/a/plugin/1"):
        datasets.remove("data@3")
    datasets.remove("data@2")  # a model called like the dataset is another thing


def test_nobody_removes_while_the_runs_cannot_be_asked(
    in_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLNB_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(TrackingUnavailable):
        datasets.remove("data@1")
    assert numbers() == [3, 2, 1]


def test_the_packages_that_hold_versions_are_registered() -> None:
    points = {point.name for point in entry_points(group=removal.HOLDERS)}
    assert points == {"pipelines", "tracking"}


@pytest.mark.parametrize("ref", ["data@9", "dta@1", "data@gold"])
def test_what_is_not_there_is_not_removed(ref: str) -> None:
    with pytest.raises(UnknownName):
        datasets.remove(["data@1", ref])
    assert numbers() == [3, 2, 1]


def test_a_bare_name_is_no_version() -> None:
    with pytest.raises(Conflict, match="which version"):
        datasets.remove("data")
    with pytest.raises(Conflict, match="one version"):
        datasets.remove("data@1", every=True)


def test_removing_twice_is_said() -> None:
    datasets.remove("data@1")
    with pytest.raises(UnknownName, match="was removed"):
        datasets.remove("data@1")


def test_a_version_whose_entry_is_damaged_can_be_removed(in_project: Project) -> None:
    path = in_project.root / ".mlnb/store/logs/datasets/data/versions/00000002.json"
    path.write_bytes(b"{")
    assert any(isinstance(item, DamagedVersion) for item in versions.history_of("data"))
    (gone,) = datasets.remove("data@2")
    assert gone.version is None
    assert [type(row).__name__ for row in versions.history_of("data")] == ["DatasetVersion"] * 2


# -- restore


def test_restoring_makes_the_old_content_the_newest() -> None:
    before = datasets.resolve("data@1")
    made = datasets.restore("data@1", message="the old one was right")
    assert (made.number, made.parent, made.digest) == (4, 3, before.digest)
    assert made.message == "the old one was right (restored from data@1)"
    pd.testing.assert_frame_equal(datasets.load("data"), frame(0))
    assert datasets.show("data").columns == datasets.show("data@1").columns


def test_restoring_moves_no_data(in_project: Project) -> None:
    before = {item.digest for item in in_project.store.objects()}
    datasets.restore("data@1")
    assert {item.digest for item in in_project.store.objects()} == before


def test_restoring_the_newest_content_changes_nothing() -> None:
    assert datasets.restore("data@3").unchanged
    datasets.restore("data@1")
    assert datasets.restore("data@1").unchanged
    assert numbers() == [4, 3, 2, 1]


def test_a_removed_version_is_restored_while_its_data_is_there(in_project: Project) -> None:
    datasets.remove("data@2")
    made = datasets.restore("data@2", tag="back")
    assert (made.number, made.tags) == (4, ["back"])
    pd.testing.assert_frame_equal(datasets.load("data@back"), frame(1))


def test_what_was_collected_cannot_be_restored(in_project: Project) -> None:
    datasets.remove("data@2")
    for file in (in_project.root / ".mlnb/store/objects").rglob("*"):
        if file.is_file():
            os.utime(file, (1e9, 1e9))
    datasets.collect(older_than=0)
    with pytest.raises(ObjectMissing, match="data@2"):
        datasets.restore("data@2")
    assert numbers() == [3, 1]


def test_who_asks_for_a_dataset_without_versions_is_told_where_they_are() -> None:
    datasets.save(pd.DataFrame({"a": [1]}), "gone")
    datasets.remove("gone@1")
    with pytest.raises(UnknownName) as refused:
        versions.history_of("gone")
    assert "dataset log gone --all" in (refused.value.fix or "")
