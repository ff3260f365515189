from pathlib import Path

import pytest

from mlnb.core import project as projects
from mlnb.core.errors import BadInput, UnknownName
from mlnb.ui.server import sources as module
from mlnb.ui.server.sources import Sources


@pytest.fixture
def two(tmp_path: Path) -> Sources:
    for name in ("flights", "hotels"):
        projects.init(tmp_path / name)
        (tmp_path / name / "notebooks").mkdir()
    return Sources(tmp_path)


def test_each_folder_has_the_project_that_its_notebooks_find(two):
    assert two.at("flights/notebooks").project.name == "flights"
    assert two.at("hotels").project.name == "hotels"


def test_a_folder_may_become_a_project(tmp_path):
    (tmp_path / "new").mkdir()
    found = Sources(tmp_path).at("new")
    assert not (tmp_path / "new" / ".mlnb").exists()
    projects.init(tmp_path / "new", "fresh")
    assert found.project.name == "fresh"


@pytest.mark.parametrize("folder", ["..", "flights/../..", "/etc"])
def test_a_folder_outside_the_file_browser_is_refused(two, folder):
    with pytest.raises(BadInput, match="outside"):
        two.at(folder)


def test_a_folder_that_is_gone_is_named(two):
    with pytest.raises(UnknownName, match="'motels'"):
        two.at("motels")


def test_a_linked_folder_of_the_file_browser_is_fine(two, tmp_path, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    projects.init(elsewhere, "linked")
    (tmp_path / "link").symlink_to(elsewhere)
    assert two.at("link").project.name == "linked"


def test_only_the_folders_asked_for_last_are_followed(two, monkeypatch):
    monkeypatch.setattr(module, "FOLDERS_FOLLOWED", 2)
    for folder in ("", "flights", "hotels", "flights"):
        two.at(folder)
    assert [folder for folder, _ in two.followed()] == ["hotels", "flights"]
    assert two.at("flights") is two.at("flights")


def test_what_happened_before_the_panel_asked_is_no_news(two):
    log = projects.current(two.server_root / "flights").events
    log.emit("dataset.saved", "flights@1")
    found = two.at("flights")
    assert not found.feed.changed(found.revision)
    log.emit("dataset.saved", "flights@2")
    assert found.feed.since(found.revision).sections == ["datasets"]
