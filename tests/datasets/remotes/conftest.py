"""Several people at one remote."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from mlnb.core import project as projects
from mlnb.core.project import Project

At = Callable[[str], AbstractContextManager[Project]]


@pytest.fixture
def remote(tmp_path: Path) -> str:
    return str(tmp_path / "shared")


@pytest.fixture
def at(tmp_path: Path) -> At:
    """Work in a project of this name."""

    @contextmanager
    def working(name: str) -> Iterator[Project]:
        folder = tmp_path / name
        if not folder.exists():
            projects.init(folder, name)
        with projects.using(projects.current(folder)) as here:
            yield here

    return working
