"""The verbs for pipeline files: import, schema, and a plan with what is known late."""

import json
from pathlib import Path

import pytest

from mlnb.core.project import Project
from mlnb.pipelines.spec import schema
from mlnb.testing.notebooks import write_notebook
from mlnb.ui.cli import main


def test_the_schema_is_printed_or_written(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pipeline", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema.schema()
    assert main(["pipeline", "schema", "-o", "pipeline.schema.json"]) == 0
    shown = capsys.readouterr().out
    assert shown == "# yaml-language-server: $schema=pipeline.schema.json\n"
    assert json.loads(Path("pipeline.schema.json").read_text()) == schema.schema()


def test_a_pipeline_of_elyra_is_imported_once(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notebook(project.root / "load.ipynb", "1")
    node = {
        "id": "a",
        "type": "execution_node",
        "op": "execute-notebook-node",
        "app_data": {"component_parameters": {"filename": "load.ipynb"}},
    }
    body = {"primary_pipeline": "p", "pipelines": [{"id": "p", "nodes": [node]}]}
    Path("weather.pipeline").write_text(json.dumps(body))
    assert main(["pipeline", "import", "weather.pipeline"]) == 0
    assert "Plan of weather" in capsys.readouterr().out
    assert main(["pipeline", "import", "weather.pipeline"]) == 4
    assert "Replace it with --force" in capsys.readouterr().err
    assert main(["pipeline", "import", "weather.pipeline", "-o", "other.yaml"]) == 0
    assert Path("other.yaml").read_text() == Path("pipeline.yaml").read_text()


def test_a_plan_shows_what_a_late_list_is_for(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    write_notebook(project.root / "a.ipynb", "1", parameters="month: int = 1\nlabel = ''")
    Path("pipeline.yaml").write_text(
        "name: late\nparams: {label: {type: str}}\nsteps:\n"
        "  list: {notebook: a.ipynb, params: {label: '${{ params.label }}'}}\n"
        "  s: {notebook: a.ipynb, needs: list, foreach: {month: '${{ steps.list.months }}'}}\n"
    )
    assert main(["pipeline", "plan", "."]) == 4
    assert "Add -p label VALUE" in capsys.readouterr().err
    assert main(["pipeline", "plan", ".", "-p", "label", "2013"]) == 0
    shown = capsys.readouterr().out
    assert "month=each of steps.list.months" in shown
    assert "label=2013" in shown
