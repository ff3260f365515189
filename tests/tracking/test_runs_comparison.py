"""Runs side by side, and a run's work restored into a new folder."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from mlnb import datasets, tracking
from mlnb.core.errors import BadInput, Conflict, UnknownName
from mlnb.core.project import Project
from mlnb.tracking import journal, runs, store
from mlnb.tracking.reading import code
from mlnb.tracking.reading.curves import thinned


def notebook(*sources: str) -> bytes:
    cells = [{"cell_type": "code", "source": text.splitlines(keepends=True)} for text in sources]
    return json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5}).encode()


@pytest.fixture
def two(project: Project) -> list[str]:
    """Make two runs that differ in everything that is compared."""
    made = []
    for number in (1, 2):
        datasets.save(pd.DataFrame({"x": range(number)}), "flights")
        with tracking.track(f"run-{number}") as run:
            datasets.load("flights")
            tracking.log({"rate": number, "seed": 1}, {"auc": 0.5 + number / 10, "same": 1.0})
            for step in range(500):
                tracking.log(metrics={"loss": number / (step + 1)}, step=step)
            tracking.log(metrics={"odd": float("nan")})
            tracking.flush()  # with the packages there really are; these come after them
            run.log_files(
                {
                    "notebook.ipynb": notebook("import mlnb", f"fit({number})"),
                    "requirements.txt": f"numpy==2.{number}\npandas==3.0\n".encode(),
                }
            )
        made.append(run.id)
    return made


def test_what_differs_comes_first(two: list[str]) -> None:
    found = runs.compare(two)
    assert list(found.params) == ["rate", "seed"]
    assert list(found.metrics) == ["auc", "loss", "odd", "same"]
    assert found.different == ["rate", "auc", "loss"]
    assert found.inputs == [["flights@1"], ["flights@2"]]
    assert found.packages == {"numpy": ["2.1", "2.2"]}
    assert found.packages_same == 1
    (difference,) = found.code
    assert difference.lines[1:] == [" import mlnb", " ", "-fit(1)", "+fit(2)"]
    assert found.facts["Python"][0] == found.facts["Python"][1] != ""
    assert runs.RunComparison.from_dict(json.loads(json.dumps(found.to_dict()))).code == found.code


def test_through_mlflow_the_comparison_is_the_same(two: list[str], project: Project) -> None:
    """A store that is no SQLite database known here: a server, or a later MLflow's tables."""
    before = runs.compare([two[0][:8], "run-2"])
    path = store.sqlite_file(project.tracking_uri)
    assert path is not None
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("ALTER TABLE params ADD COLUMN later INTEGER")
    after = runs.compare([two[0][:8], "run-2"])
    assert repr(after) == repr(before)
    assert runs.restore("run-1", "again").datasets == ["flights@1"]
    with pytest.raises(UnknownName, match="Did you mean 'run-1'"):
        runs.show("run-11")


def test_curves_are_thinned_and_keep_their_ends(two: list[str]) -> None:
    found = runs.compare(two)
    (first, second) = [one for one in found.curves if one.metric == "loss"]
    assert {one.metric for one in found.curves} == {"loss"}, "what was logged once is no curve"
    assert (first.run, second.run) == (0, 1)
    assert (first.steps[0], first.steps[-1], first.values[0]) == (0, 499, 1.0)
    assert len(first.steps) == len(first.values) <= 240


def test_thinning_keeps_extremes() -> None:
    points = [(step, 1.0, 0) for step in range(10_000)]
    points[4321] = (4321, 99.0, 0)
    points[8765] = (8765, -99.0, 0)
    kept = thinned(points, 100)
    assert len(kept) <= 100
    assert {(4321, 99.0, 0), (8765, -99.0, 0)} <= set(kept)
    assert kept == sorted(kept)
    assert thinned([(n, None, 0) for n in range(1000)], 100)[0] == (0, None, 0)


def test_as_frames(two: list[str]) -> None:
    found = runs.compare(two).frame()
    assert list(found.columns[:4]) == ["run_id", "metrics.auc", "metrics.loss", "params.rate"]
    assert list(found["params.rate"]) == ["1", "2"]
    assert list(found.index) == ["run-1", "run-2"]
    everything = runs.frame(order_by="metrics.auc DESC")
    assert list(everything["name"]) == ["run-2", "run-1"]
    assert everything["metrics.auc"].dtype == "float64"
    assert list(everything["inputs"]) == [["flights@2"], ["flights@1"]]
    assert everything["started"].dt.tz is not None
    assert everything["seconds"].notna().all()
    assert list(runs.frame(filter="metrics.auc > 9")["run_id"]) == []


def test_runs_that_kept_nothing_are_compared_too(project: Project) -> None:
    client = store.client()
    for name in ("a", "b"):
        client.create_run("0", run_name=name)
    found = runs.compare(["a", "b"])
    assert (found.packages, found.packages_same) == ({}, None)
    assert found.code[0].note == "no notebook was kept with the first run"
    with pytest.raises(BadInput, match="kept no notebook, no packages"):
        runs.restore("a")
    with pytest.raises(BadInput, match="named twice"):
        runs.compare(["a", "a"])


def test_a_notebook_that_cannot_be_read_is_no_code() -> None:
    assert code.cells(b"not json") is None
    assert code.cells(b'{"cells": 3}') is None
    assert code.cells(b'{"cells": [{"source": "x"}]}') == ["x"]
    assert code.packages(b"# c\n-e .\nA==1\nb @ git+https://x\nc\n") == {
        "a": "1",
        "b": "git+https://x",
        "c": "",
    }


def test_restored_into_a_new_folder_with_its_data(two: list[str], project: Project) -> None:
    found = runs.restore("run-1")
    folder = project.root / found.folder
    assert found.folder == f"restored/run-1-{two[0][:8]}"
    assert found.files == ["notebook.ipynb", "requirements.txt"]
    assert found.datasets == ["flights@1"]
    assert any("uv pip install" in step for step in found.steps)
    cells = json.loads((folder / "notebook.ipynb").read_text())["cells"]
    assert ["".join(cell["source"]) for cell in cells[1:]] == ["import mlnb", "fit(1)"]
    assert len(datasets.load("flights")) == 2
    try:
        exec("".join(cells[0]["source"]), {})  # noqa: S102  (the cell that restore has added)
        assert len(datasets.load("flights")) == 1
        assert len(datasets.load("flights@2")) == 2, "what is asked for by number stays"
    finally:
        datasets.unpin()
    assert len(datasets.load("flights")) == 2


def test_nothing_is_written_over(two: list[str], project: Project, tmp_path: Path) -> None:
    taken = project.root / "taken"
    taken.write_text("mine")
    with pytest.raises(Conflict, match="nothing is written over"):
        runs.restore("run-1", taken)
    assert taken.read_text() == "mine"
    (project.root / "folder").mkdir()
    with pytest.raises(Conflict):
        runs.restore("run-1", project.root / "folder")
    assert list((project.root / "folder").iterdir()) == []
    with pytest.raises(UnknownName):
        runs.restore("nobody")


def test_a_hostile_name_stays_in_its_folder(project: Project) -> None:
    with tracking.track("../../etc/x y") as run:
        tracking.log({"a": 1})
    found = runs.restore(run.id)
    assert found.folder == f"restored/etc-x-y-{run.id[:8]}"


def test_pins_are_checked(project: Project) -> None:
    datasets.save(pd.DataFrame({"x": [1]}), "flights")
    with pytest.raises(UnknownName):
        datasets.pin("flights@7")
    with pytest.raises(BadInput, match="one version only"):
        datasets.pin("flights@1", "flights")


# -- what no store has yet -----------------------------------------------------------------------


def test_runs_are_listed_while_the_store_is_down(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLNB_TRACKING_URI", "http://127.0.0.1:9")  # nobody answers there
    for name, auc in (("first", 0.5), ("second", 0.75)):
        with tracking.track(name, experiment="x", tags={"team": "blue"}):
            tracking.log({"rate": auc}, {"auc": auc})
    found = runs.page()
    assert [run.name for run in found.runs] == ["second", "first"]
    assert all(run.waiting and run.status == "FINISHED" for run in found.runs)
    assert found.runs[0].metrics == {"auc": 0.75}
    assert found.runs[0].tags == {"team": "blue"}
    assert "wait on this machine" in found.notice
    (kept,) = runs.list_runs(filter="metrics.auc < 0.6 and tags.team = 'blue'", experiment="x")
    assert kept.name == "first"
    assert runs.list_runs(order_by="metrics.auc ASC", limit=1)[0].name == "first"
    assert runs.show("second").waiting
    assert runs.list_runs(limit=1, offset=1)[0].name == "first"


def test_what_waits_is_joined_with_what_is_delivered(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlnb.tracking import flushing

    with tracking.track("other"):
        tracking.log(metrics={"auc": 0.9})
    run = tracking.start("half")
    tracking.log({"rate": 1}, {"auc": 0.5})
    tracking.flush()
    assert not runs.show("half").waiting
    tracking.log(metrics={"auc": 0.6})
    tracking.end()
    monkeypatch.setattr(flushing, "_deliver", lambda project: 0)  # another process is at it
    found = runs.page()
    assert [(one.name, one.waiting) for one in found.runs] == [("half", True), ("other", False)]
    assert found.total == 2
    assert (found.runs[0].metrics, found.runs[0].params) == ({"auc": 0.6}, {"rate": "1"})
    assert found.runs[0].status == "FINISHED"
    assert runs.list_runs(order_by="metrics.auc DESC")[0].name == "other"
    assert runs.show(run.id[:8]).metrics == {"auc": 0.6}
    assert journal.files(project)
