"""What every test has: an environment of its own, and a temporary project on request."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlnb.core import project as projects
from mlnb.core.project import Project

FOREIGN = ("MLNB_", "MLFLOW_", "GITHUB_STEP_SUMMARY")
"""Variables of the developer's own set-up that would change what a test sees."""

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it puts into the background so, and every process would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture(scope="session")
def runtime() -> Iterator[Path]:
    """Give zygotes a folder of the tests' own; they are stopped when the tests are over."""
    # not below pytest's folder: the path of a socket may have 107 bytes
    folder = Path(tempfile.mkdtemp(prefix="mlnb-test-"))
    yield folder
    from mlnb.execution.warm import managing

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLNB_RUNTIME_DIR", str(folder))
        managing.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def nothing_left_open() -> Iterator[None]:
    """Close and end what tracking keeps for the next cell: here, each test has its own project."""
    yield
    for module, function in (
        ("mlnb.tracking.spares", "remove"),
        ("mlnb.tracking.store", "close"),
    ):
        if loaded := sys.modules.get(module):
            getattr(loaded, function)()
    if loaded := sys.modules.get("mlnb.tracking.reading.database"):
        loaded._connections.close()
    if loaded := sys.modules.get("mlnb.tracking.shipper"):
        for process in loaded._started:
            if process.poll() is None:
                process.terminate()
                process.wait()
        loaded._started.clear()


@pytest.fixture(autouse=True)
def own_variables(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clear the variables that configure mlnb and MLflow; fix the width of the terminal."""
    monkeypatch.setenv("COLUMNS", "160")
    for variable in list(os.environ):
        if variable.startswith(FOREIGN):
            monkeypatch.delenv(variable)
    # Tests of the shipper start it; in all others who reads delivers, and no process is left over.
    monkeypatch.setenv("MLNB_BACKGROUND_DELIVERY", "false")
    monkeypatch.setenv("MLNB_RUNTIME_DIR", str(runtime))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Make a project in a temporary folder and the folder the working directory."""
    folder = tmp_path / "project"
    made = projects.init(folder, "test-project")
    monkeypatch.chdir(folder)
    return made
