"""Runs: opened, logged to, closed; MLflow's own functions land in them."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlnb import tracking
from mlnb.core.errors import BadInput, Conflict, UnsupportedData
from mlnb.core.project import Project
from mlnb.tracking import runs, store, writing


def artifact(run_id: str, path: str, folder: Path) -> bytes:
    return Path(store.client().download_artifacts(run_id, path, str(folder))).read_bytes()


def test_what_is_logged_is_in_mlflow(project: Project, tmp_path: Path) -> None:
    (project.root / "notes.md").write_text("hello")
    with tracking.track("first", tags={"team": "blue"}, note="**why**") as run:
        tracking.log({"lr": 0.1, "model": {"depth": 3}}, {"auc": np.float32(0.5), "n": 3})
        tracking.log(metrics={"loss": 2.0}, step=1)
        tracking.log(metrics={"loss": 1.0}, step=2)
        tracking.log(
            text={"prompt": "say x"},
            tables={"errors": pd.DataFrame({"a": [1, 2]})},
            artifacts="notes.md",
        )
    found = store.client().get_run(run.id)
    assert found.info.status == "FINISHED"
    assert found.data.params == {"lr": "0.1", "model.depth": "3"}
    assert found.data.metrics == {"auc": 0.5, "n": 3.0, "loss": 1.0}
    assert [m.value for m in store.client().get_metric_history(run.id, "loss")] == [2.0, 1.0]
    assert found.data.tags["team"] == "blue"
    assert found.data.tags["mlflow.note.content"] == "**why**"
    assert artifact(run.id, "prompt.txt", tmp_path) == b"say x"
    assert artifact(run.id, "notes.md", tmp_path) == b"hello"
    table = json.loads(artifact(run.id, "tables/errors.json", tmp_path))
    assert table == {"columns": ["a"], "data": [[1], [2]]}
    packages = artifact(run.id, "requirements.txt", tmp_path).decode()
    assert f"numpy=={np.__version__}\n" in packages
    assert Path(found.info.artifact_uri).is_relative_to(project.state / "mlartifacts")


def test_mlflow_and_autologging_land_in_the_same_run(project: Project) -> None:
    import mlflow
    from sklearn.linear_model import LogisticRegression

    mlflow.sklearn.autolog(log_models=False, silent=True)
    try:
        with tracking.track("mixed") as run:
            mlflow.log_metric("own", 1)
            LogisticRegression(C=0.5).fit(np.arange(20).reshape(-1, 1), [0] * 10 + [1] * 10)
    finally:
        mlflow.sklearn.autolog(disable=True)
    assert len(runs.list_runs()) == 1
    found = runs.show(run.id)
    assert found.metrics["own"] == 1
    assert found.params["C"] == "0.5"
    assert "training_score" in found.metrics
    assert mlflow.active_run() is None


def test_an_exception_ends_the_run_failed_and_goes_on(project: Project, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), tracking.track("broken") as run:
        _ = 1 / 0
    found = runs.show(run.id)
    assert found.status == "FAILED"
    assert found.error == "ZeroDivisionError: division by zero"
    assert b"_ = 1 / 0" in artifact(run.id, "error.txt", tmp_path)


def test_an_interrupt_ends_the_run_killed(project: Project) -> None:
    with pytest.raises(KeyboardInterrupt), tracking.track("stopped") as run:
        raise KeyboardInterrupt
    assert runs.show(run.id).status == "KILLED"


def test_runs_nest_only_when_asked(project: Project) -> None:
    with tracking.track("outer") as outer:
        with pytest.raises(Conflict, match="'outer' is open"):
            tracking.start("inner")
        with tracking.track("inner", nested=True) as inner:
            tracking.log(metrics={"inside": 1})
        assert tracking.active() is outer
    tags = store.client().get_run(inner.id).data.tags
    assert tags["mlflow.parentRunId"] == outer.id
    assert runs.show(inner.id).metrics == {"inside": 1}
    assert runs.show(outer.id).metrics == {}


def test_what_mlflow_left_open_inside_is_closed_with_the_run(project: Project) -> None:
    import mlflow

    with tracking.track("outer") as outer:
        child = mlflow.start_run(nested=True)
    assert mlflow.active_run() is None
    assert runs.show(child.info.run_id).status == "FINISHED"
    assert runs.show(outer.id).status == "FINISHED"


def test_a_run_that_the_user_ended_through_mlflow_stays_ended(project: Project) -> None:
    import mlflow

    with tracking.track("early") as run:
        mlflow.end_run("KILLED")
        tracking.log(metrics={"late": 1})
    found = runs.show(run.id)
    assert (found.status, found.metrics) == ("KILLED", {"late": 1})


def test_a_foreign_run_is_left_open(project: Project) -> None:
    import mlflow

    store.use(project.tracking_uri)
    mlflow.set_experiment("Default")
    foreign = mlflow.start_run()
    try:
        with tracking.track("ours"):
            pass
        active = mlflow.active_run()
        assert active is not None
        assert active.info.run_id == foreign.info.run_id
    finally:
        mlflow.end_run()


def test_figures_open_at_the_end_are_kept(project: Project) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    before = plt.figure()
    with tracking.track("plots") as run:
        plt.figure("a/b")
        plt.figure("a:b")
        tracking.log(figures={"given": plt.figure()})
    plt.close("all")
    del before
    found = runs.show(run.id)
    kept = [path for path in found.artifacts if path.startswith("figures/")]
    assert kept == [
        f"figures/{name}.{kind}"
        for name in ("a-b-3", "a-b", "figure-4", "given")
        for kind in ("png", "svg")
    ]


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: tracking.log(metrics={"a": "x"}), BadInput, "'x', which is no number"),
        (lambda: tracking.log(metrics={"a\n": 1}), BadInput, "cannot name a metric"),
        (lambda: tracking.log(params={"": 1}), BadInput, "cannot name a parameter"),
        (lambda: tracking.log(artifacts="gone.txt"), BadInput, "no file 'gone.txt'"),
        (lambda: tracking.log(text={"../x": "y"}), BadInput, "cannot name an artifact"),
        (lambda: tracking.log(figures={"f": object()}), UnsupportedData, "no figure"),
        (lambda: tracking.log(tables={"t": 3}), UnsupportedData, "no table"),
    ],
)
def test_bad_input_is_one_error_and_writes_nothing(
    project: Project, call: object, error: type[Exception], says: str
) -> None:
    assert callable(call)
    with tracking.track("bad") as run, pytest.raises(error, match=says):
        call()
    found = runs.show(run.id)
    assert (found.params, found.metrics) == ({}, {})
    assert found.artifacts == ["requirements.txt"]


def test_a_parameter_cannot_change(project: Project) -> None:
    with tracking.track("once") as run:
        tracking.log({"lr": 1})
        with pytest.raises(BadInput, match="lr"):
            tracking.log({"lr": 2})
    assert runs.show(run.id).params == {"lr": "1"}


def test_without_a_run_logging_and_ending_say_so(project: Project) -> None:
    with pytest.raises(BadInput, match="no open run to log to"):
        tracking.log(metrics={"a": 1})
    with pytest.raises(BadInput, match="no open run to end"):
        tracking.end()
    with pytest.raises(BadInput, match="reserved"):
        tracking.start(tags={"mlnb.step": "x"})
    assert tracking.active() is None


def test_events_tell_the_pipeline_which_run_was_whose(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLNB_STEP", "train")
    monkeypatch.setenv("MLNB_PIPELINE_RUN", "p-1")
    monkeypatch.setenv("MLNB_NOTEBOOK", "03_train.ipynb")
    with tracking.track("t") as run:
        pass
    writing.finish()
    events, _ = project.events.read()
    started, finished = (event for event in events if event.kind.startswith("run."))
    assert (started.kind, started.subject) == ("run.started", run.id)
    assert (finished.kind, finished.data["status"]) == ("run.finished", "FINISHED")
    for event in (started, finished):
        assert (event.data["step"], event.data["pipeline_run"]) == ("train", "p-1")
    found = store.client().get_run(run.id).data.tags
    assert (found["mlnb.step"], found["mlnb.pipeline_run"]) == ("train", "p-1")
    assert runs.show(run.id).notebook == "03_train.ipynb"


def test_a_script_that_never_ends_its_run_leaves_it_killed(project: Project) -> None:
    code = "from mlnb import tracking; print(tracking.start('left').id)"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=project.root
    )
    found = runs.show(done.stdout.strip())
    assert (found.status, found.error) == ("KILLED", "The process ended before the run did.")


def test_a_process_that_is_killed_leaves_its_run_killed(project: Project) -> None:
    code = """
        import os, signal
        from mlnb import tracking
        print(tracking.start('shot').id, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        check=False,
        capture_output=True,
        text=True,
        cwd=project.root,
    )
    assert done.returncode == -9
    with tracking.track("meanwhile") as open_run:
        (killed,) = (run for run in runs.list_runs() if run.id == done.stdout.strip())
        assert (killed.status, killed.error) == ("KILLED", "The process ended before the run did.")
        assert runs.show(open_run.id).status == "RUNNING"


def test_what_is_logged_after_the_end_is_kept_too(project: Project) -> None:
    with tracking.track("over") as run:
        tracking.log(metrics={"m": 1})
    assert run.stored_id() == run.id
    run.log(metrics={"late": 2})
    run.log(text={"note": "later"})
    assert run.stored_id() == run.id
    found = runs.show(run.id)
    assert (found.status, found.metrics) == ("FINISHED", {"m": 1, "late": 2})
    assert "note.txt" in found.artifacts


def test_runs_that_follow_at_once_keep_their_order(project: Project) -> None:
    names = [f"run-{number}" for number in range(20)]
    for name in names:
        with tracking.track(name):
            pass
    found = runs.list_runs()
    assert [run.name for run in found] == names[::-1]
    assert all(run.ended is not None and run.ended >= run.started for run in found)
