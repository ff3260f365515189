"""Every test of datasets runs in a project of its own."""

import pytest

from mlnb.core.project import Project


@pytest.fixture(autouse=True)
def in_project(project: Project) -> Project:
    return project
