"""An export to DVC is what ``dvc add`` and ``dvc push`` would have made, byte for byte."""

import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from mlnb import datasets
from mlnb.core.errors import BrokenLink, Conflict, UnknownName, UnsupportedData
from mlnb.core.project import Project

FRAME = pd.DataFrame({"id": [1, 2, 3], "name": ["x", "y", None]})
FOLDER = {"1.txt": b"one", "more/2.txt": b"two"}


@pytest.fixture(autouse=True)
def saved(in_project: Project) -> None:
    datasets.save(FRAME, "flights")
    for name, data in FOLDER.items():
        Path("files", name).parent.mkdir(parents=True, exist_ok=True)
        Path("files", name).write_bytes(data)
    datasets.save("files", "files")


@pytest.fixture(autouse=True)
def no_dvc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").symlink_to(str(shutil.which("git")))
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(sys, "executable", str(programs / "python"))


def add_remote(elsewhere: Any, url: str) -> None:
    text = f"[core]\n    remote = store\n['remote \"store\"']\n    url = {url}\n"
    (elsewhere.root / ".dvc" / "config").write_text(text)


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def test_a_table_is_a_tracked_parquet_file(elsewhere: Any, tmp_path: Path) -> None:
    add_remote(elsewhere, "../../remote")
    made = datasets.export("flights", "../elsewhere/flights.parquet", to="dvc")
    data = (elsewhere.root / "flights.parquet").read_bytes()
    pd.testing.assert_frame_equal(pd.read_parquet(elsewhere.root / "flights.parquet"), FRAME)
    digest = md5(data)
    assert elsewhere.file(digest).read_bytes() == data
    assert elsewhere.file(digest).stat().st_mode & 0o777 == 0o444
    assert (tmp_path / "remote/files/md5" / digest[:2] / digest[2:]).read_bytes() == data
    described = yaml.safe_load((elsewhere.root / "flights.parquet.dvc").read_text())
    assert described["outs"] == [
        {"md5": digest, "size": len(data), "hash": "md5", "path": "flights.parquet"}
    ]
    assert described["meta"]["mlnb"]["version"] == "flights@1"
    assert (elsewhere.root / ".gitignore").read_text() == "/flights.parquet\n"
    assert (made.bytes, made.lost, made.notes) == (
        len(data),
        [],
        ["Pushed to the remote ../../remote."],
    )


def test_files_are_a_tracked_folder(elsewhere: Any) -> None:
    (elsewhere.root / "data").mkdir()
    made = datasets.export("files", "../elsewhere/data/files", to="dvc")
    assert (elsewhere.root / "data/files/more/2.txt").read_bytes() == b"two"
    (output,) = yaml.safe_load((elsewhere.root / "data/files.dvc").read_text())["outs"]
    listing = elsewhere.file(output["md5"]).read_bytes()
    assert output["md5"] == md5(listing) + ".dir"
    assert (output["nfiles"], output["size"]) == (2, 6)
    assert json.loads(listing) == [
        {"md5": md5(b"one"), "relpath": "1.txt"},
        {"md5": md5(b"two"), "relpath": "more/2.txt"},
    ]
    assert elsewhere.file(md5(b"two")).read_bytes() == b"two"
    assert "no default remote" in made.notes[0]


def test_what_was_exported_can_be_linked(elsewhere: Any) -> None:
    datasets.export("flights", "../elsewhere/flights.parquet", to="dvc")
    datasets.export("files", "../elsewhere/files", to="dvc")
    elsewhere.commit("v1")
    datasets.link("../elsewhere/flights.parquet", "back")
    pd.testing.assert_frame_equal(datasets.load("back"), FRAME)
    datasets.link("../elsewhere/files", "files-back")
    datasets.export("files-back", "again")
    assert {name: Path("again", name).read_bytes() for name in FOLDER} == FOLDER
    assert elsewhere.git("status", "--porcelain") == ""


def test_a_new_version_replaces_only_with_force(elsewhere: Any) -> None:
    for name, path in (("flights", "flights.parquet"), ("files", "files")):
        datasets.export(name, f"../elsewhere/{path}", to="dvc")
    first = (elsewhere.root / "flights.parquet.dvc").read_text()
    datasets.save(FRAME.head(1), "flights")
    Path("files/1.txt").unlink()
    datasets.save("files", "files")
    for name, path in (("flights", "flights.parquet"), ("files", "files")):
        with pytest.raises(Conflict, match=r"DVC tracks .* already"):
            datasets.export(name, f"../elsewhere/{path}", to="dvc")
    assert (elsewhere.root / "flights.parquet.dvc").read_text() == first
    for name, path in (("flights", "flights.parquet"), ("files", "files")):
        datasets.export(name, f"../elsewhere/{path}", to="dvc", replace=True)
    assert len(pd.read_parquet(elsewhere.root / "flights.parquet")) == 1
    assert [file.name for file in (elsewhere.root / "files").rglob("*.txt")] == ["2.txt"]
    assert (elsewhere.root / ".gitignore").read_text() == "/flights.parquet\n/files\n"
    assert {path.name for path in elsewhere.root.iterdir()} == {
        *(".dvc", ".git", ".gitignore", "files", "files.dvc"),
        *("flights.parquet", "flights.parquet.dvc"),
    }


def test_a_target_that_is_somebody_elses_is_refused(elsewhere: Any) -> None:
    root = elsewhere.root
    elsewhere.track("tracked", {"a.txt": b"a"})
    (root / "dvc.lock").write_text(
        "schema: '2.0'\nstages:\n  make:\n    outs:\n    - path: made.parquet\n"
        f"      md5: {'a' * 32}\n      hash: md5\n"
    )
    (root / "own.parquet").write_text("mine")
    (root / "mine").mkdir()
    elsewhere.commit("v1")
    before = sorted(root.rglob("*"))
    for name, path, reason in (
        ("flights", "made.parquet", "DVC tracks 'made.parquet' already"),
        ("flights", "own.parquet", "git tracks|exists"),
        ("files", "mine", "exists"),
        ("flights", ".dvc/x.parquet", "inside DVC's own folder"),
        ("flights", "flights.csv", "as a Parquet file"),
        ("flights", "nowhere/x.parquet", "no folder"),
    ):
        for force in (False, True):
            with pytest.raises((Conflict, UnsupportedData), match=reason):
                datasets.export(name, f"../elsewhere/{path}", to="dvc", replace=force)
    (root / "tracked").mkdir()
    with pytest.raises(Conflict, match="DVC tracks 'tracked' already"):
        datasets.export("flights", "../elsewhere/tracked/x.parquet", to="dvc")
    (root / "tracked").rmdir()
    assert sorted(root.rglob("*")) == before
    with pytest.raises(UnknownName, match="dvc init"):
        datasets.export("flights", "x.parquet", to="dvc")
    assert not Path("x.parquet").exists()


def test_a_remote_that_cannot_be_written_leaves_a_note(elsewhere: Any, tmp_path: Path) -> None:
    (tmp_path / "remote").write_text("a file")
    add_remote(elsewhere, "../../remote")
    made = datasets.export("flights", "../elsewhere/flights.parquet", to="dvc")
    assert "not in the remote" in made.notes[0]
    assert "dvc push flights.parquet.dvc" in made.notes[0]
    add_remote(elsewhere, "ssh://someone:secret@example.org/data")
    made = datasets.export("flights", "../elsewhere/flights.parquet", to="dvc", replace=True)
    assert "DVC is not installed" in made.notes[0]
    assert "secret" not in made.notes[0]


def test_symbolic_links_are_refused_before_anything_is_written(elsewhere: Any) -> None:
    Path("files/link").symlink_to("1.txt")
    datasets.save("files", "files")
    with pytest.raises(UnsupportedData, match="symbolic links: 'link'"):
        datasets.export("files", "../elsewhere/files", to="dvc")
    assert sorted(path.name for path in elsewhere.root.iterdir()) == [".dvc", ".git"]


def test_a_damaged_object_in_the_cache_is_stored_anew(elsewhere: Any) -> None:
    datasets.export("flights", "../elsewhere/flights.parquet", to="dvc")
    (output,) = yaml.safe_load((elsewhere.root / "flights.parquet.dvc").read_text())["outs"]
    file = elsewhere.file(output["md5"])
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(UnsupportedData, match="damaged"):
        datasets.link("../elsewhere/flights.parquet", "back")
    datasets.export("flights", "../elsewhere/flights.parquet", to="dvc", replace=True)
    datasets.link("../elsewhere/flights.parquet", "back")
    file.chmod(0o644)
    file.write_bytes(b"")
    with pytest.raises(BrokenLink, match="damaged"):
        datasets.load("back")


@pytest.mark.parametrize("name", ["12e3", "0x1f", "yes", "1_000", "12"])
def test_a_name_that_yaml_could_take_for_a_number_is_quoted(name: str, elsewhere: Any) -> None:
    datasets.export("files", f"../elsewhere/{name}", to="dvc")
    assert f"path: '{name}'\n" in (elsewhere.root / f"{name}.dvc").read_text()
    assert datasets.link(f"../elsewhere/{name}", "back").rows == 2
