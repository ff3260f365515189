"""The verbs for versions of files, in a shell and in a cell."""

import json
from pathlib import Path

import pytest

from mlnb import datasets
from mlnb.core.project import Project
from mlnb.ui import render
from mlnb.ui.cli import main

HOSTILE = "<script>alert(1)</script>.txt".replace("/", "∕")


@pytest.fixture(autouse=True)
def photos(project: Project) -> Path:
    folder = project.root / "photos"
    (folder / "cats").mkdir(parents=True)
    (folder / "cats/one.jpg").write_bytes(b"one" * 1_000)
    (folder / "two.jpg").write_bytes(b"two" * 1_000)
    return folder


def shown(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(["dataset", *arguments]) == code
    captured = capsys.readouterr()
    return captured.err if code else captured.out


def test_from_saving_to_checking_out(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "save", "photos/", "photos", "-m", "first")
    assert "Dataset photos@1" in text
    assert "files    2" in text
    assert "rows" not in text
    assert "Unchanged" in shown(capsys, "save", "photos", "photos")
    (photos / "two.jpg").rename(photos / "cats/two.jpg")
    (photos / "three.txt").write_text("three")
    shown(capsys, "save", "photos", "photos")
    assert "files" in shown(capsys, "log", "photos").splitlines()[2]
    text = shown(capsys, "show", "photos")
    assert "folders  1" in text
    assert ".jpg" in text
    text = shown(capsys, "diff", "photos@1", "photos@2")
    assert "was two.jpg" in text
    assert "three.txt" in text
    text = shown(capsys, "checkout", "photos@1", "photos")
    assert "written    1 (3 kB)" in text
    assert "removed    2" in text
    assert "Nothing to do" in shown(capsys, "checkout", "photos@1", "photos")


def test_a_changed_file_needs_force(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown(capsys, "save", "photos", "photos")
    (photos / "two.jpg").write_bytes(b"edited")
    (photos / "mine.txt").write_text("mine")
    text = shown(capsys, "checkout", "photos", "photos", code=4)
    assert "two.jpg was changed here" in text
    assert "--force" in text
    text = shown(capsys, "checkout", "photos", "photos", "--force")
    assert "1 file that the version lacks was left alone" in text
    shown(capsys, "checkout", "photos", "photos", "--clean")
    assert not (photos / "mine.txt").exists()


def test_a_table_kept_as_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("t.csv").write_text("a\n1\n")
    assert "rows" in shown(capsys, "save", "t.csv", "t")
    assert "files" in shown(capsys, "save", "t.csv", "raw", "--files")
    shown(capsys, "load", "raw", "--out", "out")
    assert Path("out/t.csv").read_text() == "a\n1\n"


def test_files_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    shown(capsys, "save", "photos", "photos")
    body = json.loads(shown(capsys, "show", "photos", "--json"))
    assert (body["files"], body["size"], body["version"]["kind"]) == (2, 6_000, "files")
    body = json.loads(shown(capsys, "checkout", "photos", "out", "--json"))
    assert (body["written"], body["folder"]) == (2, "out")


def test_hostile_names_are_escaped(photos: Path) -> None:
    datasets.save(photos, "photos")
    (photos / HOSTILE).write_text("x")
    datasets.save(photos, "photos")
    for result in (datasets.show("photos"), datasets.diff("photos@1", "photos@2")):
        page = render.to_html(result)
        assert "<script>" not in page
        assert "&lt;script&gt;" in page
