"""Planted secrets, through every door: none reaches a file of the project or MLflow."""

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from mlnb.core import redaction
from mlnb.core.project import Project
from mlnb.tracking import runs

ENVIRONMENT = "Pl4nted.value/of+the:environment"
LITERAL = "Pl4nted-literal-of-the-code"
REGISTERED = "Pl4nted registered parameter"
SIGNED = "Pl4ntedSignature0123456789abcdef"
PASSWORD = "Pl4nted!password"  # noqa: S105  (planted)
MARKER = "Pl4nted"

CELLS = (
    "%load_ext mlnb\nimport os\ntoken = os.environ['SERVICE_TOKEN']",
    "%%track doors --params auto --tag note=$SERVICE_TOKEN --note 'see {token}'\n"
    "import logging, os, sys, warnings\n"
    "import mlnb, pandas as pd\n"
    f"service_password = '{LITERAL}'\n"
    "from mlnb.core import redaction; redaction.register('P' + 'l4nted registered parameter')\n"
    "token = os.environ['SERVICE_TOKEN']\n"
    "print('printed', token, service_password)\n"
    "sys.stdout.write(token[:9]); sys.stdout.write(token[9:]); print()\n"
    "sys.stderr.write(token)\n"
    "warnings.warn(token)\n"
    "frame = pd.DataFrame({'a': [token, 'b'], 'b': [1, 2]})\n"
    "mlnb.log({'token': token, 'url': f'https://me:{token}@host/x', 'nested': {'k': token}})\n"
    "mlnb.log(metrics={'fine': 1}, tables={'frame': frame}, text={'prompt': f'use {token}'})\n"
    "open('settings.ini', 'w').write(f'password={token}')\n"
    "mlnb.log(artifacts='settings.ini')\n"
    f"mlnb.log(text={{'signed': 'https://h/x?X-Amz-Signature={SIGNED}&a=1'}})\n"
    "mlnb.log(params={'registered': 'is Pl4nted registered parameter'})\n"
    "display(frame)\n"
    "display({'text/html': f'<a href=\"/?t={token}\">x</a>'}, raw=True)\n"
    "frame.head(1)",
    "%%track by_mlflow\n"
    "import mlflow, os\n"
    "token = os.environ['SERVICE_TOKEN']\n"
    "mlflow.log_param('x', token); mlflow.log_params({'api_key': 'short1', 'y': token})\n"
    "mlflow.set_tag('t', token); mlflow.log_text(f'a {token}', 'said.txt')\n"
    "mlflow.log_metric('m', 2)",
    "%%track fails\nimport os\nraise ValueError('cannot reach ' + os.environ['DATABASE_URL'])",
    "%%track cut\nimport os\n{os.environ['SERVICE_TOKEN']: 1}['x']",
    "import mlnb; mlnb.tracking.flush()",
)


@pytest.fixture
def planted(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Make a repository whose environment, code and changes hold secrets."""
    monkeypatch.setenv("SERVICE_TOKEN", ENVIRONMENT)
    monkeypatch.setenv("DATABASE_URL", f"postgresql://me:{PASSWORD}@db/x")
    (project.root / ".gitignore").write_text(".mlnb\nsettings.ini\n")
    (project.root / "config.py").write_text("x = 1\n")
    for arguments in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run(["git", *arguments], cwd=project.root, check=True)
    (project.root / "config.py").write_text(
        f"x = 2\nAPI_KEY = '{MARKER}-in-the-diff'\nurl = 'https://me:{PASSWORD}@host/'\n"
        f"token = '{ENVIRONMENT}'\n"
    )
    yield project
    redaction.forget(LITERAL, REGISTERED)


def test_no_secret_is_kept(planted: Project) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(x) for x in CELLS])
    NotebookClient(
        notebook,
        kernel_name="python3",
        allow_errors=True,
        timeout=110,
        resources={"metadata": {"path": str(planted.root)}},
    ).execute()
    shown = str(notebook)
    assert ENVIRONMENT in shown, "the user sees what he always saw"
    assert PASSWORD in shown

    found = {run.name: runs.show(run.id) for run in runs.list_runs()}
    assert (found["doors"].status, found["fails"].status) == ("FINISHED", "FAILED")
    assert found["doors"].params["token"] == redaction.MARK
    assert found["doors"].params["url"] == f"https://{redaction.MARK}@host/x"
    assert found["doors"].metrics == {"fine": 1}
    assert "service_password" not in found["doors"].params
    assert found["by_mlflow"].params == dict.fromkeys(("x", "y", "api_key"), redaction.MARK)
    assert found["by_mlflow"].metrics == {"m": 2}
    assert "said.txt" in found["by_mlflow"].artifacts
    assert redaction.MARK in found["fails"].error
    kept = set(found["doors"].artifacts)
    assert kept >= {"git_diff.patch", "notebook.ipynb", "prompt.txt", "tables/frame.json"}
    assert kept >= {"settings.ini", "signed.txt", "warnings.txt"}
    assert leaks(planted.root / ".mlnb") == []


def leaks(folder: Path) -> list[str]:
    """Return where a planted secret is: in a file's bytes, or in a table."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and MARKER.encode() in path.read_bytes():
            found.append(str(path.relative_to(folder)))
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            rows: list[Any] = database.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
            found += [f"{table}: {row}" for row in rows if MARKER in str(row)]
    return found


def test_the_search_for_leaks_finds_one(project: Project) -> None:
    project.local.mkdir(exist_ok=True)
    (project.local / "x").write_text(f"a {MARKER}")
    with closing(sqlite3.connect(project.state / "mlflow.db")) as database:
        database.execute("CREATE TABLE t (a TEXT)")
        database.execute("INSERT INTO t VALUES (?)", (MARKER,))
        database.commit()
    assert os.path.join("local", "x") in leaks(project.state)  # noqa: PTH118  (as it is shown)
    assert len(leaks(project.state)) == 3


def test_what_a_colleague_says_of_a_model_is_cleaned(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICE_TOKEN", ENVIRONMENT)
    project.events.emit("model.promoted", "m@1", reason=f"asked with {ENVIRONMENT}")
    assert leaks_in_events(project) == []


def leaks_in_events(project: Project) -> list[str]:
    return [line for line in project.events.path.read_text().splitlines() if MARKER in line]
