"""A real Jupyter Server with the extension, in a project of its own."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

# pytest-jupyter is no registered plugin, and `pytest_plugins` would load it for every test of the
# suite; imported here, its fixtures and hooks act in this folder only.
from pytest_jupyter.jupyter_server import *  # noqa: F403

from mlnb.core.project import Project

Get = Callable[..., Awaitable[Any]]


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    return {"ServerApp": {"jpserver_extensions": {"mlnb": True}}}


@pytest.fixture
def jp_root_dir(project: Project) -> Path:
    return project.root


@pytest.fixture
def away(jp_serverapp: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the server's working directory elsewhere, as `jupyter lab some/folder` does."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
