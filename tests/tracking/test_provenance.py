"""Where a run came from: commit, uncommitted changes, packages, notebook."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from mlnb import tracking
from mlnb.core.project import Project
from mlnb.tracking import git, provenance, runs, store, writing


@pytest.fixture
def repository(project: Project) -> Project:
    """Make the project a git repository with one commit."""
    (project.root / "code.py").write_text("x = 1\n")
    for arguments in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run(["git", *arguments], cwd=project.root, check=True)
    return project


def text(run_id: str, path: str, folder: Path) -> str:
    return Path(store.client().download_artifacts(run_id, path, str(folder))).read_text()


def test_a_clean_commit(repository: Project) -> None:
    with tracking.track("clean") as run:
        pass
    commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=repository.root, text=True)
    found = runs.show(run.id)
    assert (found.git_commit, found.git_dirty) == (commit.strip(), False)
    assert "git_diff.patch" not in found.artifacts
    assert store.client().get_run(run.id).data.tags["mlflow.source.git.branch"] == "main"


def test_the_changes_of_the_moment_the_run_started(repository: Project, tmp_path: Path) -> None:
    (repository.root / "code.py").write_text("x = 2\n")
    (repository.root / "new.txt").write_text("untracked")
    with tracking.track("dirty") as run:
        writing.finish()  # what is read at the start has been read
        (repository.root / "code.py").write_text("x = 3\n")
    found = runs.show(run.id)
    assert found.git_dirty
    patch = text(run.id, "git_diff.patch", tmp_path)
    assert "+x = 2" in patch
    assert "x = 3" not in patch
    (repository.root / "code.py").write_text("x = 1\n")
    subprocess.run(["git", "apply"], input=patch, text=True, cwd=repository.root, check=True)
    assert (repository.root / "code.py").read_text() == "x = 2\n"


def test_a_diff_over_the_limit_is_not_kept_and_that_is_said(
    repository: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLNB_DIFF_LIMIT", "100")
    (repository.root / "code.py").write_text("x = 2\n" * 1000)
    with tracking.track("large") as run:
        pass
    assert "git_diff.patch" not in runs.show(run.id).artifacts
    tag = store.client().get_run(run.id).data.tags["mlnb.git.diff"]
    assert tag == "not kept: the diff is larger than diff_limit (100 bytes)"


def test_a_repository_cannot_make_us_run_its_programs(repository: Project, tmp_path: Path) -> None:
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/caught\n")
    trap.chmod(0o755)
    for key in ("diff.external", "core.fsmonitor", "diff.evil.textconv", "core.pager"):
        subprocess.run(["git", "config", key, str(trap)], cwd=repository.root, check=True)
    (repository.root / ".gitattributes").write_text("*.py diff=evil\n")
    (repository.root / "code.py").write_text("x = 2\n")
    found = git.changes(repository.root, 10_000)
    assert found is not None
    assert b"+x = 2" in found.diff
    assert not (tmp_path / "caught").exists()


def test_outside_git_it_is_not_known(project: Project) -> None:
    with tracking.track("nowhere") as run:
        pass
    found = runs.show(run.id)
    assert (found.git_commit, found.git_dirty) == ("", False)


def test_a_repository_without_a_commit(project: Project) -> None:
    subprocess.run(["git", "init", "-q"], cwd=project.root, check=True)
    assert git.head(project.root) is None
    assert git.changes(project.root, 100) is not None


def test_git_that_hangs_is_stopped(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\nexec sleep 60\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(git, "SECONDS", 0.3)
    start = time.perf_counter()
    assert git.head(project.root) is None
    assert time.perf_counter() - start < 5


def test_without_git_installed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert git.head(project.root) is None
    assert git.changes(project.root, 100) is None


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("MLNB_NOTEBOOK", "nb/a.ipynb", "nb/a.ipynb"),
        ("JPY_SESSION_NAME", "{root}/nb/a.ipynb", "nb/a.ipynb"),
        ("JPY_SESSION_NAME", "/elsewhere/deep/a.ipynb", "a.ipynb"),
        ("JPY_SESSION_NAME", "console-1", ""),
    ],
)
def test_the_notebook(
    project: Project, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: str
) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.setenv(variable, value.format(root=project.root))
    assert provenance.notebook_path(project) == expected


def test_no_tag_holds_an_absolute_path(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", str(project.root / "a.ipynb"))
    for value in provenance.start_tags(project).values():
        assert str(project.root.parent) not in value


def test_packages_are_listed_once(project: Project) -> None:
    lines = provenance.requirements().splitlines()
    names = [line.partition("==")[0].lower() for line in lines]
    assert "mlflow" in names
    assert names == sorted(set(names))
    assert provenance.requirements() is provenance.requirements(), "cached"
