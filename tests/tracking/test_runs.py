"""Runs read back: list, show, compare; notebooks attached to them."""

from pathlib import Path

import pytest

from mlnb import models, tracking
from mlnb.core.errors import BadInput, MissingNotebook, UnknownName
from mlnb.core.project import Project
from mlnb.tracking import runs, store


@pytest.fixture
def three(project: Project) -> list[str]:
    """Make three runs; two of one experiment."""
    made = []
    for name, experiment, rate in (("a", "x", 0.1), ("b", "x", 0.2), ("a", "y", 0.1)):
        with tracking.track(name, experiment=experiment, tags={"k": name}) as run:
            tracking.log({"rate": rate, "seed": 1}, {"auc": rate + 0.5})
        made.append(run.id)
    return made


def test_newest_first_filtered_ordered_limited(three: list[str]) -> None:
    assert [run.id for run in runs.list_runs()] == three[::-1]
    assert [run.id for run in runs.list_runs(experiment="x")] == three[1::-1]
    assert [run.id for run in runs.list_runs(filter="metrics.auc > 0.65")] == [three[1]]
    assert runs.list_runs(order_by="metrics.auc DESC")[0].id == three[1]
    assert len(runs.list_runs(limit=2)) == 2
    (first,) = runs.list_runs(filter="params.rate = '0.2'")
    assert (first.experiment, first.tags, first.status) == ("x", {"k": "b"}, "FINISHED")
    assert first.ended is not None
    assert first.ended >= first.started


def test_one_by_id_prefix_or_name(three: list[str]) -> None:
    assert runs.show(three[0]).id == three[0]
    assert runs.show(three[0][:8]).id == three[0]
    assert runs.show("a").id == three[2], "the newest of that name"
    assert "requirements.txt" in runs.show("b").artifacts


def test_a_comparison_names_what_differs(three: list[str]) -> None:
    found = runs.compare([three[0], "b"])
    assert found.params == {"rate": ["0.1", "0.2"], "seed": ["1", "1"]}
    assert found.metrics == {"auc": [0.6, 0.7]}
    assert found.different == ["rate", "auc"]
    assert runs.RunComparison.from_dict(found.to_dict()) == found


def test_bad_input(three: list[str]) -> None:
    with pytest.raises(UnknownName, match="no experiment 'z'"):
        runs.list_runs(experiment="z")
    with pytest.raises(BadInput):
        runs.list_runs(filter="metrics.auc >")
    with pytest.raises(BadInput):
        runs.list_runs(order_by="auc sideways")
    with pytest.raises(BadInput, match="limit"):
        runs.list_runs(limit=0)
    with pytest.raises(UnknownName, match="no run 'c'"):
        runs.show("c")
    with pytest.raises(UnknownName, match="no run"):
        runs.show('it\'s "quoted"')
    with pytest.raises(BadInput, match="two runs"):
        runs.compare([three[0]])
    with pytest.raises(UnknownName):
        runs.compare([three[0], "c"])


def test_an_ambiguous_prefix_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from uuid import UUID

    import mlflow.store.tracking.sqlalchemy_store as sqlalchemy_store

    ids = iter([UUID("abcdef" + "0" * 26), UUID("abcdef" + "1" * 26)])
    with monkeypatch.context() as patch:
        patch.setattr(sqlalchemy_store.uuid, "uuid4", lambda: next(ids))
        for _ in range(2):
            store.client().create_run("0")
    with pytest.raises(BadInput, match="Several runs begin with 'abcdef'"):
        runs.show("abcdef")


def test_the_executed_notebook_replaces_the_one_the_cell_kept(
    project: Project, tmp_path: Path
) -> None:
    with tracking.track("step") as run:
        run.log_files({"notebook.ipynb": b"{}"})
    (project.root / "out.ipynb").write_text('{"cells": []}')
    runs.attach_notebook(run.id, project.root / "out.ipynb")
    kept = store.client().download_artifacts(run.id, "notebook.ipynb", str(tmp_path))
    assert Path(kept).read_text() == '{"cells": []}'
    with pytest.raises(MissingNotebook):
        runs.attach_notebook(run.id, "gone.ipynb")


def test_runs_of_stock_mlflow_are_listed_too(project: Project) -> None:
    client = store.client()
    made = client.create_run("0", run_name="theirs")
    (found,) = runs.list_runs()
    assert (found.id, found.name, found.status) == (made.info.run_id, "theirs", "RUNNING")
    assert (found.notebook, found.inputs, found.ended) == ("", [], None)


def test_reading_where_nothing_was_recorded_creates_nothing(project: Project) -> None:
    assert runs.list_runs() == []
    assert models.list_models() == []
    for read in (lambda: runs.show("x"), lambda: runs.compare(["x", "y"])):
        with pytest.raises(UnknownName, match="no run 'x'"):
            read()
    with pytest.raises(UnknownName, match="no experiment 'x'"):
        runs.list_runs(experiment="x")
    with pytest.raises(UnknownName, match="no model 'x'"):
        models.resolve("x@champion")
    assert [path.name for path in (project.root / ".mlnb").iterdir()] == [".gitignore"]
