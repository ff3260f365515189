"""The project: which folder it is, where its state lives, what may be written into records."""

import os
import shutil
from pathlib import Path

import pytest

from mlnb.core import project as projects
from mlnb.core.errors import Conflict, InvalidName, UnknownSetting
from mlnb.core.project import Project


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    (folder / "notebooks" / "deep").mkdir(parents=True)
    return folder


def test_the_nearest_settings_file_upwards_makes_the_root(root: Path) -> None:
    (root / "mlnb.toml").write_text("")
    (root / "notebooks" / ".git").mkdir()
    assert projects.find_root(root / "notebooks" / "deep") == root
    (root / "notebooks" / "mlnb.toml").write_text("")
    assert projects.find_root(root / "notebooks" / "deep") == root / "notebooks"


def test_else_the_work_tree_of_git_else_the_folder(root: Path) -> None:
    deep = root / "notebooks" / "deep"
    assert projects.find_root(deep) == deep
    (root / ".git").write_text("gitdir: elsewhere")  # a git worktree has a file
    assert projects.find_root(deep) == root


def test_the_variable_decides_where_nothing_is_said(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLNB_PROJECT", str(root))
    assert projects.current().root == root
    assert projects.find_root(root / "notebooks") == root / "notebooks"


def test_the_working_directory_is_the_default(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "mlnb.toml").write_text('name = "flights"')
    monkeypatch.chdir(root / "notebooks")
    assert projects.current().root == root
    assert projects.current().name == projects.current().experiment == "flights"


def test_using_makes_another_project_current_for_a_while(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    other = projects.current(root / "notebooks")
    with projects.using(other):
        assert projects.current() is other
    assert projects.current().root == root


def test_a_project_is_opened_once_and_again_when_its_settings_change(root: Path) -> None:
    (root / "mlnb.toml").write_text("workers = 3")
    first = projects.current(root)
    assert projects.current(root) is first
    (root / "mlnb.toml").write_text("workers = 4")
    os.utime(root / "mlnb.toml", (1, 1))
    assert projects.current(root).settings.workers == 4


def test_the_state_is_made_on_first_use_and_ignored_by_git(root: Path) -> None:
    project = projects.current(root)
    assert not (root / ".mlnb").exists()
    assert project.local == root / ".mlnb" / "local"
    assert (root / ".mlnb" / ".gitignore").read_text() == "*\n"
    assert project.local.stat().st_mode & 0o777 == 0o700


def test_a_relative_store_is_inside_the_project(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = projects.current(root)
    project.store.put(b"data")
    assert (root / ".mlnb" / "store" / "objects").is_dir()
    assert (root / ".mlnb" / ".gitignore").exists()
    monkeypatch.setenv("MLNB_STORE", (tmp_path / "shared").as_uri())
    digest = projects.current(root).store.put(b"data")
    assert (tmp_path / "shared" / "objects" / digest[:2] / digest).is_file()


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        ("sqlite:///.mlnb/mlflow.db", "sqlite:///{root}/.mlnb/mlflow.db"),
        ("sqlite:////var/mlflow.db", "sqlite:////var/mlflow.db"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("postgresql://u@h/db", "postgresql://u@h/db"),
    ],
)
def test_a_relative_sqlite_file_is_inside_the_project(
    uri: str, found: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLNB_TRACKING_URI", uri)
    assert projects.current(root).tracking_uri == found.format(root=root)


def test_paths_are_written_relative_to_the_root(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "mlnb.toml").write_text("")
    project = projects.current(root)
    monkeypatch.chdir(root / "notebooks")
    assert project.relative("a.ipynb") == "notebooks/a.ipynb"
    assert project.relative(root / "notebooks" / "deep" / ".." / "a.ipynb") == "notebooks/a.ipynb"
    assert project.relative(root.parent / "b") == "../b"


def test_init_writes_a_settings_file_once(root: Path) -> None:
    made = projects.init(root / "new", "flights")
    assert (made.name, made.root) == ("flights", root / "new")
    with pytest.raises(Conflict):
        projects.init(root / "new", "other")
    assert projects.current(root / "new").name == "flights"


def test_init_refuses_a_bad_name_before_it_writes(root: Path) -> None:
    with pytest.raises(InvalidName):
        projects.init(root / "new", "a b")
    assert not (root / "new").exists()


def test_a_broken_settings_file_is_an_error_each_time(root: Path) -> None:
    (root / "mlnb.toml").write_text("nothing = 1")
    for _ in range(2):
        with pytest.raises(UnknownSetting):
            projects.current(root)


def test_reading_makes_nothing_and_writing_makes_the_ignored_folder(project: Project) -> None:
    shutil.rmtree(project.root / ".mlnb", ignore_errors=True)
    fresh = Project(project.root, project.settings)
    assert fresh.store.logs("datasets") == []
    assert fresh.store.last("datasets/flights/versions") is None
    assert fresh.events.read() == ([], 0)
    assert not (project.root / ".mlnb").exists()
    fresh.store.append("log", lambda _number: {})
    assert (project.root / ".mlnb" / ".gitignore").is_file()
    assert fresh.store.last("log") is not None


def test_the_first_event_makes_the_ignored_folder(project: Project) -> None:
    shutil.rmtree(project.root / ".mlnb", ignore_errors=True)
    Project(project.root, project.settings).events.emit("dataset.saved", "flights@1")
    assert (project.root / ".mlnb" / ".gitignore").is_file()
