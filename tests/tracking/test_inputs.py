"""Dataset versions a run reads and writes, as MLflow shows them."""

import json

import mlflow.data
import pandas as pd
import pytest

from mlnb import datasets, tracking
from mlnb.core import lineage
from mlnb.core.project import Project
from mlnb.tracking import runs, store


def test_a_version_that_is_loaded_is_an_input(project: Project) -> None:
    frame = pd.DataFrame({"delay": [1.5, 2.0], "carrier": ["AA", "UA"], "n": [1, 2]})
    with tracking.track("ingest") as ingest:
        saved = datasets.save(frame, "flights", message="first")
    with tracking.track("train") as train:
        datasets.load("flights")
        datasets.load("flights@1")
    assert runs.show(ingest.id).outputs == ["flights@1"]
    assert runs.show(train.id).inputs == ["flights@1"]
    assert runs.show(ingest.id).inputs == []

    (written,) = store.client().get_run(ingest.id).inputs.dataset_inputs
    assert (written.dataset.name, written.dataset.digest) == ("flights", saved.digest[:36])
    assert {tag.key: tag.value for tag in written.tags} == {
        "mlflow.data.context": "output",
        "mlnb.ref": "flights@1",
    }
    (item,) = store.client().get_run(train.id).inputs.dataset_inputs
    assert (item.dataset.name, item.dataset.source_type) == ("flights", "mlnb")
    assert item.dataset.digest == saved.digest[:36]
    assert json.loads(item.dataset.profile) == {"num_rows": 2}
    columns = json.loads(item.dataset.schema)["mlflow_colspec"]
    assert [(column["name"], column["type"]) for column in columns] == [
        ("delay", "double"),
        ("carrier", "string"),
        ("n", "long"),
    ]


def test_stock_mlflow_resolves_the_source(project: Project) -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    datasets.save(frame, "numbers")
    with tracking.track("train") as train:
        datasets.load("numbers")
    (item,) = store.client().get_run(train.id).inputs.dataset_inputs
    source = mlflow.data.get_source(item)
    assert source.to_dict()["ref"] == "numbers@1"
    pd.testing.assert_frame_equal(source.load(), frame)


def test_edges_go_to_the_innermost_run_and_to_none_outside(project: Project) -> None:
    lineage.record_input("dataset", "before@1")
    with tracking.track("outer") as outer:
        lineage.record_input("dataset", "a@1", "aa")
        with tracking.track("inner", nested=True) as inner:
            lineage.record_input("dataset", "b@1", "bb")
            lineage.record_input("model", "m@1", "cc")
            lineage.record_output("release", "api@2")
    assert runs.show(outer.id).inputs == ["a@1"]
    found = runs.show(inner.id)
    assert (found.inputs, found.outputs) == (["b@1"], ["api@2"])
    assert store.client().get_run(inner.id).data.tags["mlnb.inputs.models"] == '["m@1"]'
    subjects = [e.subject for e in project.events.read()[0] if e.kind == "lineage.recorded"]
    assert subjects == ["session", outer.id, inner.id, inner.id, inner.id]


def test_a_very_wide_table_is_listed_without_its_schema(project: Project) -> None:
    frame = pd.DataFrame([range(2000)], columns=[f"a_rather_long_column_{n}" for n in range(2000)])
    datasets.save(frame, "wide")
    with tracking.track("train") as train:
        datasets.load("wide")
    assert runs.show(train.id).inputs == ["wide@1"]


def test_what_a_run_has_written_is_known_although_it_was_killed(project: Project) -> None:
    with tracking.track("ingest") as run:
        datasets.save(pd.DataFrame({"a": [1]}), "numbers")
        datasets.load("numbers")
        assert runs.show(run.id).outputs == ["numbers@1"]
        assert runs.show(run.id).inputs == [], "it made it itself"


def test_datasets_are_recorded_by_choice(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets.save(pd.DataFrame({"a": [1]}), "numbers")
    monkeypatch.setenv("MLNB_CAPTURE_DATASETS", "false")
    with tracking.track("train") as run:
        datasets.load("numbers")
    assert runs.show(run.id).inputs == []
