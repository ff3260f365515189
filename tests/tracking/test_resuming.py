"""Runs that are continued: found by id, prefix or name, RUNNING again, ended by who ends last."""

import subprocess
import sys
import textwrap

import pytest

from mlnb import tracking
from mlnb.core.errors import BadInput, Conflict, UnknownName
from mlnb.core.project import Project
from mlnb.tracking import runs, store


def test_a_run_is_continued_by_id_prefix_and_name(project: Project) -> None:
    with tracking.track("long", tags={"a": "1"}) as run:
        tracking.log({"lr": 0.1}, {"loss": 3.0}, step=0)
    assert runs.show(run.id).status == "FINISHED"  # it is in the store, and not in the journal
    for step, ref in enumerate((run.id, run.id[:8], "long"), start=1):
        with tracking.track(resume=ref, tags={"b": str(step)}) as again:
            assert (again.id, again.name) == (run.id, "long")
            tracking.log(metrics={"loss": 3.0 - step}, step=step)
            assert runs.show(run.id).status == "RUNNING"
    found = runs.show(run.id)
    assert (found.status, found.params) == ("FINISHED", {"lr": "0.1"})
    assert found.tags == {"a": "1", "b": "3"}
    points = store.client().get_metric_history(run.id, "loss")
    assert [point.value for point in points] == [3.0, 2.0, 1.0, 0.0]
    assert len(runs.list_runs()) == 1


def test_a_run_that_waits_for_its_store_is_continued_in_the_journal(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLNB_TRACKING_URI", "sqlite:///blocked/mlflow.db")
    (project.root / "blocked").write_text("in the way")
    with tracking.track("offline") as run:
        tracking.log({"lr": 1})
    with tracking.track(resume="offline") as again:
        with pytest.raises(BadInput, match="'lr' is '1' in this run already"):
            tracking.log({"lr": 2})
        tracking.log({"depth": 3})
    assert again.id == run.id
    (project.root / "blocked").unlink()
    found = runs.show("offline")
    assert (found.status, found.params) == ("FINISHED", {"lr": "1", "depth": "3"})


def test_the_status_is_that_of_the_last_end(project: Project) -> None:
    with pytest.raises(ZeroDivisionError), tracking.track("tried") as run:
        _ = 1 / 0
    assert runs.show(run.id).status == "FAILED"
    with tracking.track(resume="tried"):
        pass
    found = runs.show(run.id)
    assert (found.status, found.error) == ("FINISHED", "")
    with pytest.raises(KeyboardInterrupt), tracking.track(resume="tried"):
        raise KeyboardInterrupt
    assert runs.show(run.id).status == "KILLED"


def test_what_is_captured_of_each_part_stands_beside_the_other(project: Project) -> None:
    with tracking.track("parts") as run:
        pass
    with tracking.track(resume=run.id):
        pass
    kept = [path for path in runs.show(run.id).artifacts if path.endswith("requirements.txt")]
    assert len(kept) == 2
    assert "requirements.txt" in kept
    assert any(path.startswith("resumed-") for path in kept)


def test_a_run_that_is_open_in_two_processes_ends_with_the_last(project: Project) -> None:
    with tracking.track("shared") as run:
        tracking.log(metrics={"m": 1})
        other = """
            from mlnb import tracking
            with tracking.track(resume='shared'):
                tracking.log(metrics={'other': 2})
        """
        subprocess.run([sys.executable, "-c", textwrap.dedent(other)], check=True, cwd=project.root)
        found = runs.show(run.id)
        assert (found.status, found.metrics) == ("RUNNING", {"m": 1, "other": 2})
    assert runs.show(run.id).status == "FINISHED"


def test_a_process_that_dies_in_a_resumed_run_leaves_it_killed(project: Project) -> None:
    with tracking.track("shot") as run:
        pass
    assert runs.show(run.id).status == "FINISHED"
    code = """
        import os, signal
        from mlnb import tracking
        tracking.start(resume='shot')
        tracking.log(metrics={'m': 1})
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], check=False, cwd=project.root
    )
    assert done.returncode == -9
    found = runs.show(run.id)
    assert (found.status, found.metrics) == ("KILLED", {"m": 1})


def test_what_cannot_be_resumed_is_one_error(project: Project) -> None:
    with tracking.track("boosting"):
        pass
    with pytest.raises(UnknownName, match="boosting"):
        tracking.start(resume="bosting")
    with pytest.raises(BadInput, match="keeps its name"):
        tracking.start("other", resume="boosting")
    with tracking.track("open"), pytest.raises(Conflict, match="open here already"):
        tracking.start(resume="open", nested=True)
    assert tracking.active() is None
    assert len(runs.list_runs()) == 2
