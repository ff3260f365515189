"""Environments of models: what needs one, how it is made, and that none is made twice."""

import json
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from mlnb.core.errors import BadInput
from mlnb.core.project import Project
from mlnb.serving import environments

HERE = metadata.version("scikit-learn")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    return folder


def wants(files: Path, *lines: str, python: str = "") -> Path:
    (files / "requirements.txt").write_text("\n".join(lines) + "\n")
    if python:
        (files / "python_env.yaml").write_text(f"python: {python}\n")
    return files


def test_what_is_installed_here_needs_no_environment(files: Path, project: Project) -> None:
    own = "{}.{}.99".format(*sys.version_info[:2])
    wants(files, f"scikit-learn=={HERE}", "numpy>=1", "# a comment", python=own)
    assert environments.differences(files) == []
    assert environments.interpreter(files) == Path(sys.executable)
    assert not (project.local / "environments").exists()


@pytest.mark.parametrize(
    ("line", "python", "says"),
    [
        ("scikit-learn==0.0.1", "", "scikit-learn==0.0.1, here"),
        ("no-such-package==1", "", "not installed here"),
        ("numpy", "3.99.1", "python 3.99"),
    ],
)
def test_differences_are_named(files: Path, line: str, python: str, says: str) -> None:
    (found,) = environments.differences(wants(files, line, python=python))
    assert says in found


def test_what_holds_elsewhere_only_and_mlflow_are_no_differences(files: Path) -> None:
    wants(files, "no-such==1; python_version < '3'", "mlflow==0.1", "mlflow-skinny==0.1")
    assert environments.differences(files) == []


def test_without_uv_it_says_so(
    files: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(files / "python"))
    monkeypatch.setenv("PATH", str(files))
    with pytest.raises(BadInput, match=r"six==1.16.0.*uv, which makes it, is not installed") as got:
        environments.interpreter(wants(files, "six==1.16.0"))
    assert "pip install uv" in got.value.fix


def test_an_environment_that_cannot_be_made_leaves_nothing(files: Path, project: Project) -> None:
    wants(files, "six==99.99.99")
    with pytest.raises(BadInput, match=r"six==99\.99\.99, here .* uv could not make"):
        environments.interpreter(files)
    made = project.local / "environments"
    assert [path.name for path in made.iterdir() if path.suffix != ".held"] == []


def test_one_that_is_made_is_used_again_without_uv_and_network(
    files: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "server_ranges", lambda: ["packaging>=23"])
    wants(files, "six==1.16.0")
    made = environments.interpreter(files)
    assert made.is_relative_to(project.local / "environments")
    code = "import json, six, mlnb, sys; print(json.dumps([six.__version__, mlnb.__file__]))"
    done = subprocess.run([made, "-c", code], capture_output=True, text=True, check=True)
    version, found = json.loads(done.stdout)
    assert version == "1.16.0"
    assert Path(found).resolve() == Path(environments.__file__).resolve().parents[1] / "__init__.py"
    (lock,) = (project.local / "environments").glob("*.lock")
    assert "--hash=sha256:" in lock.read_text()
    monkeypatch.setattr(environments, "_program", lambda: pytest.fail("asked for uv"))
    assert environments.interpreter(files) == made
    shutil.rmtree(made.parents[1])
    with pytest.raises(BaseException, match="asked for uv"):  # what is gone is made again
        environments.interpreter(files)


def test_the_servers_own_packages_and_all_they_need_are_pinned(files: Path) -> None:
    pins = dict(line.split("==") for line in environments.pinned(wants(files, "scikit-learn")))
    assert pins["scikit-learn"] == HERE
    assert {"orjson", "numpy", "scipy", "joblib", "skops", "pyarrow"} <= set(pins)
    assert not set(pins) & {"mlflow", "ipython", "papermill", "jupyterlab", "anywidget"}
