"""What a run is given that no store can keep: one clear error at once, and nothing gets stuck."""

import math
import os
import pickle
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlnb import tracking
from mlnb.core.errors import BadInput, DiskUnavailable, MlnbError
from mlnb.core.project import Project
from mlnb.tracking import delivery, flushing, journal, runs, store

endless: dict[str, Any] = {}
endless["again"] = endless

REFUSED: dict[str, dict[str, Any]] = {
    "a parameter's name is a number": {"params": {1: 1}},
    "parameters are a list": {"params": [("a", 1)]},
    "parameters without end": {"params": endless},
    "a path of two slashes": {"params": {"a//b": 1}},
    "a path with a slash at the end": {"params": {"a/": 1}},
    "a whole path": {"metrics": {"/a": 1}},
    "a path upwards": {"metrics": {"../a": 1}},
    "a dot": {"metrics": {".": 1}},
    "metrics are a number": {"metrics": 3},
    "no number": {"metrics": {"m": Decimal(1)}},
    "half a step": {"metrics": {"m": 1}, "step": 1.5},
    "a word for a step": {"metrics": {"m": 1}, "step": "a"},
    "a step of 70 bits": {"metrics": {"m": 1}, "step": 2**70},
    "text without names": {"text": "oops"},
    "a text's name is a number": {"text": {5: "x"}},
    "figures without names": {"figures": "x"},
    "tables without names": {"tables": 3},
    "a table of numbers": {"tables": {"t": {"a": 1}}},
    "columns of two lengths": {"tables": {"t": {"a": [1], "b": [1, 2]}}},
    "artifacts are a number": {"artifacts": 5},
    "an artifact is nothing": {"artifacts": [None]},
    "an artifact is a pipe": {"artifacts": "pipe"},
    "a link to nothing": {"artifacts": "dangling"},
}


@pytest.mark.parametrize("given", REFUSED.values(), ids=REFUSED)
def test_it_is_one_clear_error_and_nothing_is_written(
    project: Project, given: dict[str, Any]
) -> None:
    os.mkfifo(project.root / "pipe")
    (project.root / "dangling").symlink_to("nowhere")
    with tracking.track("bad") as run:
        with pytest.raises(BadInput):
            tracking.log(**{"params": {"also": 1}} | given)
        tracking.log(metrics={"after": 1})
    found = runs.show(run.id)
    assert (found.status, found.params, found.metrics) == ("FINISHED", {}, {"after": 1.0})


def test_numbers_of_all_kinds_are_metrics_and_steps(project: Project) -> None:
    with tracking.track("numbers") as run:
        tracking.log(metrics={"huge": 10**400, "low": -(10**400), "inf": math.inf})
        tracking.log(metrics={"a": np.int8(3)}, step=np.int64(7))
        tracking.log(metrics={"a": np.float32(1.5)}, step=8.0)  # type: ignore[arg-type]  # as read
        tracking.log(metrics={"a": True}, step=-1)
    found = runs.show(run.id)
    assert found.metrics["huge"] == found.metrics["inf"] == -found.metrics["low"] > 1e308
    points = store.client().get_metric_history(run.id, "a")
    assert {point.step: point.value for point in points} == {7: 3.0, 8: 1.5, -1: 1.0}


def test_a_value_that_the_store_cannot_keep_keeps_back_nothing_else(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an earlier version wrote it, before steps were checked."""
    from mlnb.tracking import content

    with monkeypatch.context() as patch:
        patch.setattr(content, "step", int)
        with tracking.track("stuck") as run:
            tracking.log(metrics={"before": 1, "huge": 1}, step=2**70)
            tracking.log(metrics={"after": 1})
    with tracking.track("next") as other:
        tracking.log(metrics={"m": 1})
    flushing.writing.finish()
    assert delivery.deliver(project)
    assert journal.files(project) == []
    found = runs.show(run.id)
    assert (found.status, found.metrics) == ("FINISHED", {"after": 1.0})
    tags = store.client().get_run(run.id).data.tags
    assert tags["mlnb.journal.damaged"] == "2"
    assert runs.show(other.id).metrics == {"m": 1.0}


def test_a_folder_is_kept_whatever_its_links_say(project: Project) -> None:
    folder = project.root / "out"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.txt").write_text("a")
    (folder / "loop").symlink_to(".")
    (folder / "deep" / "up").symlink_to("..")
    (folder / "same").symlink_to("deep")
    (folder / "dangling").symlink_to("nowhere")
    os.mkfifo(folder / "pipe")
    with tracking.track("links") as run:
        tracking.log(artifacts="out")
        assert run.kept != "nowhere"
    assert {"out/deep/a.txt", "out/same/a.txt"} == {
        name for name in runs.show(run.id).artifacts if name.startswith("out/")
    }


def test_the_project_s_own_folder_can_be_kept(project: Project) -> None:
    (project.root / "a.py").write_text("1")
    with tracking.track("whole") as run:
        tracking.log(artifacts=".")
    kept = runs.show(run.id).artifacts
    assert "a.py" in kept
    assert not [name for name in kept if name.startswith(".mlnb")]


def test_a_file_can_go_to_two_folders(project: Project) -> None:
    (project.root / "f.txt").write_text("f")
    with tracking.track("twice") as run:
        tracking.log(artifacts={"one": "f.txt", "two": "f.txt"})
    assert {"one/f.txt", "two/f.txt"} <= set(runs.show(run.id).artifacts)


def test_a_text_that_has_no_encoding_is_kept_as_far_as_it_goes(project: Project) -> None:
    with tracking.track("surrogate") as run:
        tracking.log({"p": "a\ud800"}, text={"t": "a\ud800"})
    assert runs.show(run.id).params == {"p": "a?"}
    assert "t.txt" in runs.show(run.id).artifacts


def test_secrets_inside_the_text_of_a_parameter_are_taken_out(project: Project) -> None:
    with tracking.track("inner") as run:
        tracking.log({"services": [{"password": "Hunter2x!z", "user": "ann"}]})
    assert runs.show(run.id).params == {"services": "[{'password': '(redacted)', 'user': 'ann'}]"}


def test_names_and_messages_hold_no_secret(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pandas as pd

    from mlnb import datasets

    monkeypatch.setenv("PLANTED_TOKEN", "Pl4ntedZq9x7")
    (project.root / "file-Pl4ntedZq9x7.txt").write_text("")
    with tracking.track("names") as run:
        tracking.log(text={"t-Pl4ntedZq9x7": ""}, artifacts="file-Pl4ntedZq9x7.txt")
        made = datasets.save(pd.DataFrame({"a": [1]}), "d", message="with Pl4ntedZq9x7")
    kept = runs.show(run.id).artifacts
    assert {"t-redacted.txt", "file-redacted.txt"} <= set(kept)
    assert made.message == "with (redacted)"
    assert datasets.log("d")[0].message == "with (redacted)"


def test_a_binary_file_stays_readable_without_its_secret_and_that_is_said(
    project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PLANTED_TOKEN", "Pl4ntedZq9x7")
    value = {"token": "Pl4ntedZq9x7", "weights": list(range(300))}
    (project.root / "model.pkl").write_bytes(pickle.dumps(value))
    (project.root / "other.pkl").write_bytes(pickle.dumps(value["weights"]))
    with tracking.track("binary") as run:
        tracking.log(artifacts=["model.pkl", "other.pkl"])
    said = [record.getMessage() for record in caplog.records]
    assert said == ["mlnb: a secret was taken out of what is kept of 'model.pkl'."]
    kept = Path(store.client().download_artifacts(run.id, "model.pkl")).read_bytes()
    assert pickle.loads(kept) == value | {"token": "*" * 12}  # noqa: S301  (made here)
    kept = Path(store.client().download_artifacts(run.id, "other.pkl")).read_bytes()
    assert kept == (project.root / "other.pkl").read_bytes()


def test_what_cannot_be_read_as_a_filter_or_an_order_says_so(project: Project) -> None:
    with tracking.track("one"):
        pass
    for given in ({"order_by": 'metrics.`a"b` DESC'}, {"filter": "metrics.`a > 1"}):
        with pytest.raises(MlnbError) as caught:
            runs.list_runs(**given)
        assert isinstance(caught.value, BadInput), caught.value


def test_a_run_is_restored_where_a_folder_can_be_made(project: Project) -> None:
    with tracking.track("one") as run:
        pass
    (project.root / "file").write_text("")
    for place in (Path("file") / "below", Path("/proc/mlnb")):
        with pytest.raises(DiskUnavailable, match="cannot be made"):
            runs.restore(run.id, place)
