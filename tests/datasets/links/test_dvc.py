"""Data tracked by DVC is read at its commit and MD5, without DVC."""

import hashlib
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlnb import datasets
from mlnb.core.errors import BadInput, BrokenLink, UnknownName, UnreadableRecord, UnsupportedData
from mlnb.datasets.links.dvc import outputs

CSV = b"id,name\n1,x\n2,\n"
NEWER = b"id,name\n7,z\n"


def parquet(*numbers: int) -> bytes:
    sink = io.BytesIO()
    pd.DataFrame({"id": numbers}).to_parquet(sink)
    return sink.getvalue()


@pytest.fixture(autouse=True)
def no_dvc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide a ``dvc`` program of the developer's: git alone is on the path."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").symlink_to(str(shutil.which("git")))
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(sys, "executable", str(programs / "python"))


def test_an_older_revision_is_read_after_newer_ones(elsewhere: Any) -> None:
    md5 = elsewhere.track("data/flights.csv", CSV)
    commit = elsewhere.commit("v1")
    elsewhere.track("data/flights.csv", NEWER)
    elsewhere.commit("v2")
    linked = datasets.link("../elsewhere/data/flights.csv", "flights", at="v1")
    assert (linked.kind, linked.rows, linked.bytes) == ("link", 2, len(CSV))
    assert datasets.load("flights").id.tolist() == [1, 2]
    assert datasets.show("flights").source == {
        "type": "dvc",
        "location": "../elsewhere",
        "path": "data/flights.csv",
        "md5": md5,
        "revision": commit,
    }
    newer = datasets.link("../elsewhere/data/flights.csv.dvc", "flights")
    assert datasets.load(newer.ref, engine="polars").rows() == [(7, "z")]
    assert datasets.load("flights@1", columns=["name"]).name.isna().tolist() == [False, True]
    assert datasets.diff("flights@1", "flights@2").rows_removed == 2
    assert datasets.scan("flights@1").select(pl.col("id").sum()).collect().item() == 3


def test_an_output_of_a_stage_is_found_where_it_runs(elsewhere: Any) -> None:
    md5 = elsewhere.object(CSV)
    (elsewhere.root / "jobs").mkdir()
    (elsewhere.root / "jobs" / "dvc.yaml").write_text(
        "stages:\n  make:\n    wdir: ../out\n    cmd: make\n    outs: [flights.csv]\n"
    )
    (elsewhere.root / "jobs" / "dvc.lock").write_text(
        "schema: '2.0'\nstages:\n  make:\n    cmd: make\n    outs:\n"
        f"    - path: flights.csv\n      hash: md5\n      md5: {md5}\n      size: 15\n"
    )
    elsewhere.commit("v1")
    assert datasets.link("../elsewhere/out/flights.csv", "flights").rows == 2
    with pytest.raises(UnknownName, match=r"Did you mean 'out/flights.csv'"):
        datasets.link("../elsewhere#out/flihts.csv", "flights")


def test_a_folder_of_parquet_files_is_a_table_and_another_is_files(elsewhere: Any) -> None:
    elsewhere.track("parts", {"a.parquet": parquet(1, 2), "b/c.parquet": parquet(3)})
    elsewhere.track("images", {"1.png": b"one", "more/2.png": b"two"})
    elsewhere.commit("v1")
    assert datasets.link("../elsewhere/parts", "parts").rows == 3
    assert datasets.load("parts").id.tolist() == [1, 2, 3]
    assert datasets.scan("parts").collect()["id"].to_list() == [1, 2, 3]
    linked = datasets.link("../elsewhere/images", "images")
    assert (linked.rows, linked.bytes, linked.columns) == (2, 6, [])
    for read in (datasets.load, datasets.scan):
        with pytest.raises(UnsupportedData, match="images@1 is a folder of files"):
            read("images")


def test_a_file_inside_a_tracked_folder_can_be_linked_alone(elsewhere: Any) -> None:
    elsewhere.track("parts", {"a.parquet": parquet(1, 2), "b/c.parquet": parquet(3)})
    elsewhere.commit("v1")
    datasets.link("../elsewhere/parts/b/c.parquet", "part")
    assert datasets.load("part").id.tolist() == [3]
    with pytest.raises(UnsupportedData, match=r"no file 'd.parquet'"):
        datasets.link("../elsewhere#parts/d.parquet", "part")


def test_what_is_not_committed_is_pinned_by_its_md5(elsewhere: Any) -> None:
    elsewhere.track("flights.csv", CSV)
    elsewhere.commit("v1")
    elsewhere.track("flights.csv", NEWER)
    datasets.link("../elsewhere/flights.csv", "flights")
    assert datasets.show("flights").source["revision"] == ""
    assert datasets.load("flights").id.tolist() == [7]


def test_the_repository_may_be_the_projects_own_or_a_bare_one(
    elsewhere: Any, tmp_path: Path
) -> None:
    (elsewhere.root / "sub").mkdir()
    shutil.move(elsewhere.root / ".dvc", elsewhere.root / "sub" / ".dvc")
    below = type(elsewhere)(elsewhere.root / "sub")
    below.track("flights.csv", CSV)
    remote = tmp_path / "remote"
    (below.root / ".dvc" / "config").write_text(
        f"[core]\n    remote = here\n['remote \"here\"']\n    url = {remote}\n"
    )
    elsewhere.commit("v1")
    shutil.copytree(below.root / ".dvc" / "cache", remote)
    elsewhere.git("clone", "--quiet", "--bare", ".", "../bare.git")
    datasets.link("../bare.git#sub/flights.csv", "flights")
    shutil.rmtree(elsewhere.root)
    assert datasets.show("flights").source["location"] == "../bare.git"
    assert datasets.load("flights").id.tolist() == [1, 2]


def test_caches_and_remotes_that_are_folders_are_read(elsewhere: Any, tmp_path: Path) -> None:
    md5 = elsewhere.track("flights.csv", CSV)
    elsewhere.commit("v1")
    datasets.link("../elsewhere/flights.csv", "flights")
    shutil.move(elsewhere.root / ".dvc" / "cache", tmp_path / "cache")
    with pytest.raises(BrokenLink, match=r"flights@1 .*not on this machine.*dvc fetch"):
        datasets.load("flights")
    local = elsewhere.root / ".dvc" / "config.local"
    local.write_text("[cache]\n    dir = ../../cache\n")
    assert len(datasets.load("flights")) == 2
    local.write_text(f"['remote \"a\"']\n    url = file://{tmp_path}/cache\n")
    assert len(datasets.load("flights")) == 2
    (tmp_path / "cache" / md5[:2]).mkdir()  # as DVC 2 lays a cache out
    shutil.move(
        tmp_path / "cache" / "files" / "md5" / md5[:2] / md5[2:],
        tmp_path / "cache" / md5[:2] / md5[2:],
    )
    assert len(datasets.load("flights")) == 2
    local.write_text("no configuration")
    with pytest.raises(UnreadableRecord, match=r"\.dvc/config"):
        datasets.load("flights")


def test_dvc_2_hashed_text_with_other_line_ends(elsewhere: Any) -> None:
    windows = CSV.replace(b"\n", b"\r\n")
    md5 = elsewhere.object(CSV, layout=".")
    elsewhere.file(md5, ".").write_bytes(windows)
    (elsewhere.root / "flights.csv.dvc").write_text(
        f"outs:\n- md5: {md5}\n  size: 17\n  path: flights.csv\n"
    )
    datasets.link("../elsewhere/flights.csv", "flights")
    assert datasets.load("flights").id.tolist() == [1, 2]


# -- what can be wrong with the repository


def test_a_damaged_object_is_found(elsewhere: Any) -> None:
    md5 = elsewhere.track("flights.csv", CSV)
    listed = elsewhere.track("parts", {"a.csv": CSV, "b.csv": NEWER})
    elsewhere.commit("v1")
    datasets.link("../elsewhere/flights.csv", "flights")
    datasets.link("../elsewhere/parts", "parts")
    elsewhere.file(md5).write_bytes(CSV.replace(b"x", b"y"))
    with pytest.raises(BrokenLink, match=r"flights@1 .*'flights.csv' in DVC's cache is damaged"):
        datasets.load("flights")
    with pytest.raises(BrokenLink, match=r"parts@1 .*'parts/a.csv' .* is damaged"):
        datasets.load("parts")
    elsewhere.file(listed).write_bytes(b"[]")
    with pytest.raises(BrokenLink, match=r"parts@1 .*'parts' .* is damaged"):
        datasets.load("parts")


@pytest.mark.parametrize(
    "path", ["../evil", "/etc/passwd", "a/../../b", "", "a//b", "./a", "a\\b", "c:/a", "a\0b"]
)
def test_a_folder_that_names_a_file_outside_is_refused(path: str) -> None:
    md5 = "0" * 32
    with pytest.raises(UnreadableRecord, match="outside the folder"):
        outputs.contents(outputs.listing({"fine": md5, path: md5}), "data")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"no json", "damaged"),
        (b'{"a": 1}', "damaged"),
        (b'[{"relpath": "a"}]', "damaged"),
        (b'[{"relpath": "a", "md5": "../../x"}]', "has no MD5"),
        (
            outputs.listing({"a": "0" * 32})[:-1] + b"," + outputs.listing({"a": "1" * 32})[1:],
            "twice",
        ),
        (outputs.listing({"a": "0" * 32, "a/b": "1" * 32}), "both a file and a folder"),
    ],
)
def test_a_damaged_list_of_a_folder_is_refused(text: bytes, reason: str) -> None:
    with pytest.raises(UnreadableRecord, match=reason):
        outputs.contents(text, "data")


def test_an_md5_that_is_a_path_is_refused(elsewhere: Any) -> None:
    elsewhere.describe("flights.csv", "../../../../etc/passwd")
    with pytest.raises(UnsupportedData, match="without an MD5"):
        datasets.link("../elsewhere/flights.csv", "flights")


@pytest.mark.parametrize("text", ["outs: [", "- a", "outs:\n- path: [1]\n", "outs:\n- md5: x\n"])
def test_a_damaged_description_is_one_clear_error(text: str, elsewhere: Any) -> None:
    (elsewhere.root / "flights.csv.dvc").write_text(text)
    with pytest.raises((UnreadableRecord, UnknownName, UnsupportedData)) as caught:
        datasets.link("../elsewhere#flights.csv", "flights")
    assert "flights.csv" in caught.value.message
    assert "\n" not in caught.value.message


def test_a_damaged_description_of_something_else_is_no_hindrance(elsewhere: Any) -> None:
    (elsewhere.root / "other.dvc").write_text("outs: [")
    (elsewhere.root / "own.parquet").write_bytes(parquet(1))
    assert datasets.link("../elsewhere/own.parquet", "own").rows == 1


def test_a_revision_that_is_not_there_is_named(elsewhere: Any, tmp_path: Path) -> None:
    elsewhere.track("flights.csv", CSV)
    elsewhere.commit("v1")
    with pytest.raises(UnknownName, match=r"no git revision 'v11 of ../elsewhere'.*'v1 of"):
        datasets.link("../elsewhere/flights.csv", "flights", at="v11")
    with pytest.raises(BadInput, match="no git revision"):
        datasets.link("../elsewhere/flights.csv", "flights", at="--output=/tmp/x")
    shutil.rmtree(elsewhere.root / ".git")
    assert datasets.link("../elsewhere/flights.csv", "flights").rows == 2
    with pytest.raises(UnsupportedData, match="not in a git repository"):
        datasets.link("../elsewhere/flights.csv", "flights", at="v1")
    with pytest.raises(UnknownName, match="no DVC repository"):
        datasets.link("dvc:nowhere/flights.csv", "flights")


def test_an_unreachable_repository_is_one_error_without_the_password() -> None:
    url = "https://someone:hunter2@127.0.0.1:1/repository.git"
    with pytest.raises(Exception, match="cannot be read") as caught:
        datasets.link(f"{url}#data/flights.csv", "flights")
    assert "hunter2" not in str(caught.value)
    assert not list(Path().rglob("*hunter2*"))


def test_a_hook_of_the_repository_is_not_run(elsewhere: Any, tmp_path: Path) -> None:
    elsewhere.track("flights.csv", CSV)
    elsewhere.commit("v1")
    trace = tmp_path / "trace"
    script = tmp_path / "monitor"
    script.write_text(f"#!/bin/sh\n: > {trace}\n")
    script.chmod(0o755)
    elsewhere.git("config", "core.fsmonitor", str(script))
    datasets.link("../elsewhere/flights.csv", "flights", at="v1")
    assert not trace.exists()


def test_links_do_not_depend_on_git_variables(
    elsewhere: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere.track("flights.csv", CSV)
    commit = elsewhere.commit("v1")
    monkeypatch.setitem(os.environ, "GIT_DIR", "/nowhere")
    datasets.link("../elsewhere/flights.csv", "flights")
    assert datasets.show("flights").source["revision"] == commit
    assert subprocess.run(["git", "status"], capture_output=True, check=False).returncode


@pytest.mark.parametrize("name", ["yes", "1_000", "12e3", "0x1f", "null", "a: b", "ü"])
def test_a_name_that_yaml_could_take_for_something_else_is_a_name(
    name: str, elsewhere: Any
) -> None:
    elsewhere.track(name, {"a.txt": b"a"})
    if ":" in name:
        file = elsewhere.root / f"{name}.dvc"
        file.write_text(file.read_text().replace(f"path: {name}", f"path: '{name}'"))
    elsewhere.commit("v1")
    assert datasets.link(f"../elsewhere#{name}", "data").rows == 1


SEGMENT = st.text(
    st.characters(blacklist_characters="/\\\0:", blacklist_categories=["Cs"]), min_size=1
).filter(lambda text: text not in (".", ".."))


@given(st.lists(st.lists(SEGMENT, min_size=1, max_size=3).map("/".join), unique=True))
def test_any_listing_that_is_written_is_read_again(paths: list[str]) -> None:
    files = {path: hashlib.md5(path.encode()).hexdigest() for path in paths}  # noqa: S324
    inside = any(other.startswith(f"{path}/") for path in paths for other in paths)
    if inside:
        with pytest.raises(UnreadableRecord, match="both a file and a folder"):
            outputs.contents(outputs.listing(files), "data")
    else:
        assert outputs.contents(outputs.listing(files), "data") == files


@given(st.binary(max_size=200))
def test_any_bytes_for_a_listing_are_one_clear_error_or_paths_below(data: bytes) -> None:
    try:
        found = outputs.contents(data, "data")
    except UnreadableRecord:
        return
    assert all(".." not in path.split("/") for path in found)
