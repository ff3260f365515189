from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from mlnb.pipelines import spec
from mlnb.pipelines.spec import Pipeline, writing

from .strategies import bodies, pipelines

SLOW = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])


@SLOW
@given(pipelines())
def test_what_is_written_reads_back_as_the_same(pipeline: Pipeline) -> None:
    assert spec.parse(writing.to_yaml(pipeline), "p.yaml") == pipeline


@pytest.mark.parametrize("text", ["\x85", "a\x85b", "a\nb\x85c\nd", "a\u2028b", "\u2029\n"])
def test_line_ends_of_unicode_come_back(text: str) -> None:
    pipeline = Pipeline(name="a", description=text, steps={"a": {"notebook": "a.ipynb"}})
    assert spec.parse(writing.to_yaml(pipeline), "p.yaml") == pipeline


@SLOW
@given(bodies())
def test_what_another_tool_writes_reads_as_what_it_meant(body: dict[str, Any]) -> None:
    assert spec.parse(yaml.safe_dump(body), "p.yaml") == spec.reading.made(body, "p.yaml")


def test_a_file_is_written_as_one_would_write_it(tmp_path: Path) -> None:
    text = """\
# yaml-language-server: $schema=pipeline.schema.json
# Every morning.
name: flights
description: |-
  What it is for.
  And how.
schedule: 0 6 * * *
params:
  year: 2013
  floor:
    type: float
    min: 0
    default: 0.6
  region:
    type: str
notify:
- webhook: TEAM_HOOK
steps:
  ingest:
    notebook: ingest.ipynb
    outputs: ['dataset:raw']
    params:
      year: ${{ params.year }}
  train:
    notebook: train.ipynb
    inputs: ['dataset:raw']
    matrix:
      family: [logistic, boosting]
      max_parallel: 1
    retries: 2
"""
    pipeline = spec.parse(text, "p.yaml")
    file = writing.write(
        pipeline, tmp_path / "new" / "p.yaml", schema="pipeline.schema.json", about="Every morning."
    )
    assert file.read_text(encoding="utf-8").replace("    default: 0.6\n", "") == text.replace(
        "    default: 0.6\n", ""
    )
    assert spec.load(file) == pipeline
    assert [item.name for item in file.parent.iterdir()] == ["p.yaml"]
