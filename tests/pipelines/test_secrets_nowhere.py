"""A secret parameter is nowhere: not in the store, the report, JUnit, comments or CI files."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlnb import pipelines
from mlnb.core.project import Project
from mlnb.testing.notebooks import write_notebook
from mlnb.ui import cli

SECRET = "s3cr3t-Qw7-planted!value"  # noqa: S105  (of no account)
OTHER = "token-Zx91-planted-too"

LEAK = """import os
print("as text", PASSWORD, os.environ["API_TOKEN"])
PASSWORD"""
FAIL = """print("again", os.environ["API_TOKEN"])
raise ValueError("it does not take " + str(os.environ["PASSWORD"]) + os.environ["API_TOKEN"])"""
PIPELINE = """
name: hidden
params: {open: 1}
steps:
  leak: {notebook: leak.ipynb, secrets: [PASSWORD, API_TOKEN]}
  script: {script: leak.py, secrets: API_TOKEN}
  fail: {notebook: fail.ipynb, needs: leak, secrets: [PASSWORD, API_TOKEN]}
"""


def forms(value: str) -> Iterator[bytes]:
    """Yield the ways in which a value could be written down."""
    yield value.encode()
    yield base64.b64encode(value.encode()).rstrip(b"=")


@pytest.fixture
def hidden(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("PASSWORD", SECRET)
    monkeypatch.setenv("API_TOKEN", OTHER)
    root = project.root
    write_notebook(root / "leak.ipynb", LEAK, parameters="import mlnb\nPASSWORD: mlnb.Secret = ''")
    write_notebook(
        root / "fail.ipynb", "import os", FAIL, parameters="import mlnb\nPASSWORD: mlnb.Secret = ''"
    )
    (root / "leak.py").write_text(
        "import os\nprint('script', os.environ['API_TOKEN'])\n", encoding="utf-8"
    )
    (root / "pipeline.yaml").write_text(PIPELINE, encoding="utf-8")
    return project


def test_a_secret_is_nowhere(
    hidden: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    junit, summary = tmp_path / "junit.xml", tmp_path / "summary.md"
    root = hidden.root
    arguments = [str(root), "--junit", str(junit), "--summary", str(summary)]
    assert cli.main(["run", *arguments]) == 1
    said = [capsys.readouterr()]
    assert cli.main(["run", str(root)]) == 1
    for command in (["show"], ["show", "--json"], ["comment"], ["list"], ["plan", str(root)]):
        assert cli.main(["pipeline", *command]) == 0
        said.append(capsys.readouterr())
    for system in ("github", "gitlab", "jenkins", "dvc", "kubernetes"):
        image = ["--image", "registry.example.org/hidden:1"] if system == "kubernetes" else []
        assert cli.main(["pipeline", "export", str(root), "--to", system, *image]) == 0
        said.append(capsys.readouterr())

    texts = {f"said {number}": f"{out}{err}".encode() for number, (out, err) in enumerate(said)}
    files = [path for folder in (root, tmp_path) for path in folder.rglob("*") if path.is_file()]
    texts |= {str(path): path.read_bytes() for path in files}
    steps = [step for run in pipelines.runs() for step in run.steps]
    texts |= {f"{step.name} in the store": hidden.store.get(step.output_digest) for step in steps}
    assert any(b"(redacted)" in text for text in texts.values())
    for value in (SECRET, OTHER):
        for form in forms(value):
            assert [name for name, text in texts.items() if form in text] == []
