import json
from pathlib import Path

import pytest

from mlnb import tracking
from mlnb.core import project as projects
from mlnb.core.records import finite
from mlnb.ui.server.place import place
from mlnb.ui.server.routes.lists import datasets, runs
from mlnb.ui.server.sources import Source, Sources


def source(server_root: Path, folder: str = "") -> Source:
    return Sources(server_root).at(folder)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "work" / "flights"
    projects.init(folder)
    return folder


def test_the_server_may_serve_the_project_itself(root):
    found = place(source(root))
    assert (found.name, found.prefix, found.within, found.reachable) == ("flights", "", "", True)


def test_the_server_may_serve_a_folder_of_the_project(root):
    (root / "notebooks" / "eda").mkdir(parents=True)
    found = place(source(root / "notebooks" / "eda"))
    assert (found.name, found.prefix, found.within) == ("flights", "", "notebooks/eda")


def test_the_notebook_may_lie_in_a_project_below_the_server_root(root):
    found = place(source(root.parent, "flights"))
    assert (found.name, found.prefix, found.within) == ("flights", "flights", "")


def test_a_named_project_may_lie_below_the_server_root(root, monkeypatch):
    monkeypatch.setenv("MLNB_PROJECT", str(root))
    found = place(source(root.parent))
    assert (found.prefix, found.within, found.reachable) == ("flights", "", True)


def test_a_named_project_may_lie_elsewhere(root, tmp_path, monkeypatch):
    monkeypatch.setenv("MLNB_PROJECT", str(root))
    other = tmp_path / "other"
    other.mkdir()
    assert not place(source(other)).reachable


def test_no_absolute_path_is_sent(root, tmp_path):
    assert str(tmp_path) not in str(place(source(root)).to_dict())


def test_looking_at_a_plain_folder_creates_nothing(tmp_path):
    assert datasets(source(tmp_path)).items == []
    assert list(tmp_path.iterdir()) == []


def test_a_metric_that_is_no_number_leaves_the_list_readable(root, monkeypatch):
    monkeypatch.chdir(root)
    with tracking.track("diverged"):
        tracking.log(metrics={"loss": float("nan")})
    [run] = finite(runs(source(root)).to_dict())["items"]
    assert run["metrics"] == {"loss": None}
    json.dumps(run, allow_nan=False)
