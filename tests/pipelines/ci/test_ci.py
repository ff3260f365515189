"""`mlnb ci init` and `mlnb ci check`, by their exit codes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mlnb.core.errors import Conflict, Failed, UnknownName
from mlnb.core.project import Project
from mlnb.pipelines import ci
from mlnb.pipelines.exporters import Options, export
from mlnb.testing.notebooks import write_notebook


@pytest.fixture
def pipeline(project: Project) -> Path:
    write_notebook(project.root / "a.ipynb", "1", parameters="x: int = 1")
    (project.root / "requirements.txt").write_text("mlnb\n")
    file = project.root / "pipeline.yaml"
    file.write_text("name: flights\nsteps: {a: {notebook: a.ipynb}}\n")
    return file


def states() -> dict[str, str]:
    return {file.path: file.state for file in ci.check().files}


def test_init_writes_files_that_match(pipeline: Path, project: Project) -> None:
    made = ci.init(pipeline, Options(target="gitlab", python="3.12"))
    paths = [".gitlab-ci.yml", ".pre-commit-config.yaml", "Dockerfile", ".dockerignore"]
    assert [file.path for file in made] == paths
    assert set(states().values()) == {"matches"}
    assert sorted(states()) == sorted(paths)
    assert ci.failure(ci.check()) is None
    text = (project.root / "Dockerfile").read_text()
    assert "FROM python:3.12-slim" in text
    assert "USER 1000" in text
    hooks = yaml.safe_load((project.root / ".pre-commit-config.yaml").read_text())["repos"][0]
    entries = [hook["entry"] for hook in hooks["hooks"]]
    assert entries == ["nbstripout", "mlnb pipeline plan pipeline.yaml", "mlnb ci check"]


def test_check_names_the_file_the_difference_and_the_command(
    pipeline: Path, project: Project
) -> None:
    ci.init(pipeline, Options(target="github"))
    write_notebook(project.root / "b.ipynb", "1")
    pipeline.write_text(pipeline.read_text() + "description: more\n")
    assert set(states().values()) == {"matches"}  # what no file says changes no file
    pipeline.write_text(
        "name: flights\nsteps: {a: {notebook: a.ipynb}, b: {notebook: b.ipynb, needs: a}}\n"
    )
    found = ci.check()
    (stale,) = [file for file in found.files if file.state == "differs"]
    assert stale.path == ".github/workflows/flights.yml"
    assert "+    needs: [a]" in stale.diff
    failure = ci.failure(found)
    assert isinstance(failure, Failed)
    assert failure.exit_code == 1
    assert "mlnb pipeline export pipeline.yaml --to github" in failure.fix
    export(pipeline, Options(target="github"))
    assert set(states().values()) == {"matches"}


def test_a_file_edited_by_hand_differs(pipeline: Path, project: Project) -> None:
    ci.init(pipeline, Options(target="github"))
    file = project.root / "Dockerfile"
    file.write_text(file.read_text().replace("USER 1000", "USER 0"))
    assert states()["Dockerfile"] == "differs"


def test_options_and_parameters_are_kept_in_the_header(pipeline: Path) -> None:
    pipeline.write_text("params: {year: 2013}\n" + pipeline.read_text())
    options = Options(
        target="github", branch="trunk", runners={"": "linux", "a": "gpu"}, output="ci/x.yml"
    )
    made = export(pipeline, options, parameters={"year": 2014})
    (file,) = ci.check([Path(made.path)]).files
    assert file.state == "matches"


def test_nothing_is_written_when_one_file_is_somebody_elses(
    pipeline: Path, project: Project
) -> None:
    (project.root / "Dockerfile").write_text("FROM scratch\n")
    before = sorted(project.root.rglob("*"))
    with pytest.raises(Conflict, match="nothing was written"):
        ci.init(pipeline, Options(target="github"))
    assert sorted(project.root.rglob("*")) == before
    ci.init(pipeline, Options(target="github"), force=True)
    assert set(states().values()) == {"matches"}


def test_a_library_that_is_missing_leaves_one_file_unknown(
    pipeline: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kfp", None)
    ci.init(pipeline, Options(target="github"))
    first = (project.root / "Dockerfile").read_text().splitlines()[0]
    command = first.replace("ci init", "pipeline export").replace("--to github", "--to kfp")
    (project.root / "flights.kfp.yaml").write_text(f"{command} --image flights:1\n")
    assert states()["flights.kfp.yaml"] == "unknown"
    assert ci.failure(ci.check()) is None


def test_there_has_to_be_something_to_check(pipeline: Path, project: Project) -> None:
    with pytest.raises(UnknownName, match="file made by mlnb"):
        ci.check()


def test_the_program_ends_with_0_1_or_4(pipeline: Path, project: Project) -> None:
    def mlnb(*words: str) -> int:
        return subprocess.run(
            [sys.executable, "-m", "mlnb", *words], capture_output=True, env=os.environ
        ).returncode

    assert mlnb("ci", "check") == 4
    ci.init(pipeline, Options(target="jenkins"))
    assert mlnb("ci", "check") == 0
    pipeline.write_text(pipeline.read_text().replace("a: {", "first: {"))
    assert mlnb("ci", "check", "Jenkinsfile") == 1
