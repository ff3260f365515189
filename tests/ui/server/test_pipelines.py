import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlnb import pipelines as running
from mlnb.core import project as projects
from mlnb.core.errors import BadInput, UnknownName
from mlnb.core.project import Project
from mlnb.pipelines import elsewhere
from mlnb.ui.server import definitions, pipelines
from mlnb.ui.server.sources import Source, Sources


def notebook(folder: Path, name: str, *cells: str) -> None:
    made = [
        {
            "cell_type": "code",
            "id": str(number),
            "metadata": {"tags": ["parameters"]} if number == 0 else {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(cells)
    ]
    body = {
        "cells": made,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (folder / name).write_text(json.dumps(body))


PIPELINE = """
name: nightly
description: Delays of the night
params:
  day: {type: int, default: 3, min: 1, max: 31, help: Which day}
  mode: {choices: [fast, exact], default: fast}
steps:
  ingest: {notebook: ingest.ipynb, params: {day: "${{ params.day }}"}}
  train:
    notebook: train.ipynb
    needs: [ingest]
    matrix: {depth: [1, 2]}
"""


@pytest.fixture
def source(project: Project) -> Source:
    notebook(project.root, "ingest.ipynb", "day: int = 3", "import mlnb\nmlnb.glue('rows', 10)")
    notebook(
        project.root,
        "train.ipynb",
        "depth: int = 1",
        "print('trains', depth)",
        "if depth == 2:\n    raise ValueError('too <deep>')",
    )
    (project.root / "pipeline.yaml").write_text(PIPELINE)
    return Sources(project.root).at("")


@pytest.fixture
def ended(source: Source) -> Any:
    return running.run(source.project.root / "pipeline.yaml")


def test_a_run_is_told_with_what_went_wrong_first(source, ended):
    found = pipelines.document(source, ended.id)
    assert (found.told_by, found.path) == ("events", "pipeline.yaml")
    assert found.failure.step == "train[2]"
    assert "too <deep>" in found.failure.traceback
    assert found.failure.cell == 3
    assert found.failures == 1
    details = {item.name: item for item in found.details}
    assert details["ingest"].values == {"rows": 10}
    assert details["train[2]"].executed
    assert [step.needs for step in found.run.steps] == [[], ["ingest"], ["ingest"]]
    log = pipelines.step_log(source, ended.id, "train[2]").text
    assert "trains 2" in log
    assert "ValueError" in log
    content = pipelines.executed(source, ended.id, "train[2]").content
    assert any("too <deep>" in str(cell.get("outputs")) for cell in content["cells"])
    assert "<html" in pipelines.report(source, ended.id).html


def test_the_store_alone_tells_the_same_on_another_machine(source, ended):
    project = source.project
    (project.root / ".mlnb" / "events.jsonl").unlink()
    other = Sources(project.root).at("")
    (found,) = pipelines.listed(other)
    assert (found.id, found.status, len(found.steps)) == (ended.id, "FAILED", 3)
    told = pipelines.document(other, ended.id)
    assert told.told_by == "store"
    assert told.failure.step == "train[2]"
    assert [step.needs for step in told.run.steps] == [[], ["ingest"], ["ingest"]]
    folder = project.root / ".mlnb" / "runs" / ended.id
    for file in folder.glob("*.ipynb"):
        file.unlink()
    assert pipelines.executed(other, ended.id, "train[2]").content["nbformat"] == 4
    assert "trains 2" in pipelines.step_log(other, ended.id, "train[2]").text


def test_a_run_of_ci_is_followed_step_by_step(source):
    """`pipeline step` of another machine: no driver, no record, and no event here."""
    project = source.project
    root = {"MLNB_PROJECT": str(project.root)}
    command = [sys.executable, "-m", "mlnb", "pipeline", "step", "pipeline.yaml", "ingest"]
    subprocess.run(
        [*command, "--run", "ci-4711"], cwd=project.root, check=True, env=os.environ | root
    )
    (project.root / ".mlnb" / "events.jsonl").unlink()
    other = Sources(project.root).at("")
    (found,) = pipelines.listed(other)
    assert (found.id, found.status) == ("ci-4711", "RUNNING")
    told = pipelines.document(other, "ci-4711").run
    assert [(step.name, step.status) for step in told.steps] == [
        ("ingest", "FINISHED"),
        ("train[1]", "PENDING"),
        ("train[2]", "PENDING"),
    ]


def test_a_driver_that_was_killed_elsewhere_is_not_said_to_run(source, ended, monkeypatch):
    monkeypatch.setattr(elsewhere, "SILENT", elsewhere.timedelta(0))
    project = source.project
    project.store.remove_log("pipelines/nightly")
    (found,) = elsewhere.going(project, [])
    assert found.status == "KILLED"


def test_hostile_ids_and_steps_reach_no_file(source, ended):
    for run in ("../../etc", "..", "a/b", "", "%2e%2e"):
        with pytest.raises((UnknownName, BadInput)):
            pipelines.document(source, run)
        with pytest.raises((UnknownName, BadInput)):
            pipelines.executed(source, run, "ingest")
    with pytest.raises(UnknownName):
        pipelines.executed(source, ended.id, "../../pipeline")
    with pytest.raises(UnknownName):
        definitions.document(source, "../pipeline.yaml", {})


def test_pipeline_files_are_listed_before_they_have_run(source):
    (source.project.root / "broken.yml").write_text("name: x\nsteps:\n  a: {nothing: 1}\n")
    (source.project.root / "other.yaml").write_text("a: 1\n")
    found = definitions.listed(source)
    assert [item.path for item in found.definitions] == ["broken.yml", "pipeline.yaml"]
    broken, nightly = found.definitions
    assert broken.problem is not None
    assert (nightly.name, nightly.steps, nightly.latest) == ("nightly", 2, None)


def test_a_pipeline_file_says_what_a_run_would_do(source, ended):
    found = definitions.document(source, "pipeline.yaml", {})
    types = {item.name: item.type for item in found.parameters}
    assert types == {"day": "int", "mode": "str"}
    fresh = {step.name: step.fresh for step in found.plan.steps}
    assert fresh == {"ingest": True, "train[1]": True, "train[2]": False}
    changed = definitions.document(source, "pipeline.yaml", {"day": 5})
    (ingest, *_) = changed.plan.steps
    assert ingest.fresh is False
    assert "day" in ingest.why
    wrong = definitions.document(source, "pipeline.yaml", {"day": 77})
    assert wrong.plan is None
    assert "day" in wrong.problem.message
    assert [run.id for run in found.runs] == [ended.id]


async def test_over_http(source, jp_fetch, project):
    body = json.loads((await jp_fetch("mlnb", "api", "definitions")).body)
    assert [item["name"] for item in body["definitions"]] == ["nightly"]
    query = {"path": "pipeline.yaml", "parameters": '{"day": 4}'}
    answer = await jp_fetch("mlnb", "api", "definitions", "plan", params=query)
    assert json.loads(answer.body)["plan"]["parameters"]["day"] == 4


def test_projects_do_not_share_what_was_looked_up(source, ended, tmp_path):
    assert len(pipelines.listed(source)) == 1
    inner = projects.init(tmp_path / "another", "another")
    assert pipelines.listed(Sources(inner.root).at("")) == []
