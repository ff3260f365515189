import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema

from mlnb.core import redaction
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun, StepResult, now
from mlnb.pipelines.reading import gathering, junit
from mlnb.pipelines.reading.gathering import Reading

from .shown_runs import PLANTED, Runs

SCHEMA = xmlschema.XMLSchema(Path(__file__).with_name("junit.xsd"))


def written(reading: Reading, path: Path) -> ElementTree.Element:
    junit.write(reading, path)
    SCHEMA.validate(path)
    return ElementTree.parse(path).getroot()  # noqa: S314  (our own file)


def cases(root: ElementTree.Element) -> dict[tuple[str, str], str]:
    """Return what became of each cell, by step and name."""
    return {
        (suite.attrib["name"], case.attrib["name"]): next(
            (child.tag for child in case if child.tag != "system-out"), "passed"
        )
        for suite in root
        for case in suite.iter("testcase")
    }


def test_every_cell_is_a_case_and_the_failed_one_says_why(runs: Runs, tmp_path: Path) -> None:
    root = written(runs.reading, tmp_path / "new" / "junit.xml")
    assert cases(root) == {
        ("make", "cell 1"): "passed",
        ("make", "cell 3"): "passed",
        ("plot", "cell 1"): "passed",
        ("plot", "cell 3"): "passed",
        ("bad", "cell 1"): "passed",
        ("bad", "cell 2"): "passed",
        ("bad", "cell 3"): "failure",
        ("bad", "cell 4"): "skipped",
        ("after", "step"): "skipped",
        ("gated", "step"): "skipped",
    }
    assert {key: root.attrib[key] for key in ("name", "tests", "failures", "errors")} == {
        "name": "shown",
        "tests": "10",
        "failures": "1",
        "errors": "0",
    }
    [failure] = root.iter("failure")
    assert failure.attrib["type"] == "ValueError"
    assert failure.attrib["message"].startswith("bad.ipynb, cell 3: ValueError: <script>")
    assert "if fails:" in str(failure.text)
    assert "\x1b" not in str(failure.text)
    [shown] = root.iter("system-out")
    assert "before it fails" in str(shown.text)
    assert float(root.attrib["time"]) > 0


def test_no_secret_is_in_it(runs: Runs, tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    junit.write(runs.reading, path)
    text = path.read_text(encoding="utf-8")
    assert PLANTED not in text
    assert redaction.MARK in text


@pytest.mark.parametrize(
    ("status", "error", "tag"),
    [
        ("FAILED", "a.ipynb took longer than 3 s.\nIt was stopped before its first cell.", "error"),
        ("KILLED", "stopped", "error"),
        ("SKIPPED", "b failed.", "skipped"),
        ("FINISHED", "", "passed"),
    ],
)
def test_a_step_without_a_notebook_is_a_case_of_its_own(
    project: Project, tmp_path: Path, status: str, error: str, tag: str
) -> None:
    step = StepResult(name="a", notebook="a.py", status=status, error=error, started=now())  # type: ignore[arg-type]  # a literal
    run = PipelineRun(id="p-1", pipeline="p", status="FAILED", started=now(), steps=[step])
    root = written(gathering.gather(project, run), tmp_path / "junit.xml")
    assert cases(root) == {("a", "step"): tag}
    assert root.attrib["errors"] == str(int(tag == "error"))


def test_characters_that_xml_has_not_are_replaced(project: Project, tmp_path: Path) -> None:
    name = "a[\x00\x1b[31m\ud800\uffff]"
    output = {"output_type": "stream", "name": "stdout", "text": "\x08\x1b[1mbold\x1b[0m " * 9000}
    told = {"status": "failed", "duration": 1.0}
    cell = {
        "cell_type": "code",
        "source": "1\x0c",
        "metadata": {"papermill": told},
        "outputs": [output],
    }
    (project.root / "a.ipynb").write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    step = StepResult(
        name=name, notebook="a.ipynb", status="FAILED", error=name, output="a.ipynb", started=now()
    )
    run = PipelineRun(id="p-1", pipeline="p", status="FAILED", started=now(), steps=[step])
    path = tmp_path / "junit.xml"
    root = written(gathering.gather(project, run), path)
    assert cases(root) == {("a[���]", "cell 1"): "failure"}
    assert path.stat().st_size < 100_000


def test_the_schema_refuses_what_jenkins_refuses(runs: Runs, tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    junit.write(runs.reading, path)
    text = path.read_text(encoding="utf-8")
    for good, bad in (
        ("<testcase ", '<testcase file="a" '),
        ("<testsuites ", '<testsuites skipped="1" '),
        ("<failure ", "<broken "),
    ):
        path.write_text(text.replace(good, bad).replace("</failure>", "</failure>"), "utf-8")
        with pytest.raises((xmlschema.XMLSchemaException, ElementTree.ParseError)):
            SCHEMA.validate(path)
