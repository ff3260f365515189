import json

import pytest

from mlnb.core.project import Project
from mlnb.testing.notebooks import write_notebook
from mlnb.testing.shell import raising_shell
from mlnb.ui import cli

CELL = 'year: int = 2013  # first year\ntoken: Secret = "x"\n'


def test_params_are_shown_without_running_anything(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notebook(project.root / "a.ipynb", "raise SystemExit", parameters=CELL)
    assert cli.main(["notebook", "params", "a.ipynb"]) == 0
    shown = capsys.readouterr().out
    assert "first year" in shown
    assert "(secret)" in shown
    assert cli.main(["notebook", "params", "a.ipynb", "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert [item["name"] for item in body["parameters"]] == ["year", "token"]
    assert cli.main(["notebook", "params", "a.ipynb", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out)["properties"]["year"]["type"] == "integer"


def test_a_broken_cell_is_shown_with_the_reason(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notebook(project.root / "a.ipynb", parameters="a = 1\n= 2")
    assert cli.main(["notebook", "params", "a.ipynb"]) == 0
    assert "is no valid Python" in capsys.readouterr().out
    assert cli.main(["notebook", "params", "b.ipynb"]) == 4


def test_params_in_a_cell(project: Project) -> None:
    write_notebook(project.root / "a.ipynb", parameters=CELL)
    with raising_shell() as shell:
        result = shell.run_line_magic("notebook", "params a.ipynb")
    assert result.parameters[0].name == "year"
