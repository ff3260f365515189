"""What every test has: an environment of its own, and a temporary project on request."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlnb.core import project as projects
from mlnb.core.project import Project

FOREIGN = ("MLNB_", "MLFLOW_")
"""Variables of the developer's own set-up that would change what a test sees."""


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep kernels and shells out of the developer's ~/.ipython and ~/.jupyter."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR"):
            patch.setenv(variable, str(tmp_path_factory.mktemp(variable.lower())))
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "analyst")
            patch.setenv(f"GIT_{role}_EMAIL", "analyst@example.org")
        yield


@pytest.fixture(autouse=True)
def own_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clear the variables that configure mlnb and MLflow; fix the width of the terminal."""
    monkeypatch.setenv("COLUMNS", "160")
    for variable in list(os.environ):
        if variable.startswith(FOREIGN):
            monkeypatch.delenv(variable)
    # Tests of the shipper start it; in all others who reads delivers, and no process is left over.
    monkeypatch.setenv("MLNB_BACKGROUND_DELIVERY", "false")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Make a project in a temporary folder and the folder the working directory."""
    folder = tmp_path / "project"
    made = projects.init(folder, "test-project")
    monkeypatch.chdir(folder)
    return made
