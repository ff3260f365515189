"""DVC itself, both ways: it tracks and mlnb links; mlnb exports and DVC pulls, on its own.

DVC is in an environment of its own (`make test-e2e` makes it), as it is on a colleague's machine.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pandas as pd
import pytest

from mlnb import datasets
from mlnb.core.errors import UnsupportedData
from mlnb.core.project import Project
from mlnb.testing.s3 import S3Server

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FIRST = pd.DataFrame({"id": [1, 2, 3], "name": ["x", "y", None]})
NEWER = pd.DataFrame({"id": [7], "name": ["z"]})
PICTURES = {"1.png": b"one", "more/2.png": b"\r\ntwo\r\n", "more/ü 3.png": b""}


def dvc_program() -> str:
    beside = Path(sys.prefix) / "peers" / "bin" / "dvc"
    found = str(beside) if beside.is_file() else shutil.which("dvc")
    assert found, "These tests need DVC: run them by `make test-e2e`."
    return found


@dataclass(frozen=True)
class Machine:
    """A folder where git and DVC are run, with none of mlnb's variables."""

    root: Path
    home: Path

    def run(self, *command: str, at: str = ".") -> str:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MLNB_")}
        done = subprocess.run(
            list(command),
            cwd=self.root / at,
            env={**kept, "HOME": str(self.home), "DVC_NO_ANALYTICS": "1"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def git(self, *arguments: str, at: str = ".") -> str:
        return self.run("git", *arguments, at=at)

    def dvc(self, *arguments: str, at: str = ".") -> str:
        return self.run(dvc_program(), *arguments, at=at)

    def commit(self, tag: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", tag)
        self.git("tag", tag)
        return self.git("rev-parse", "HEAD").strip()

    def forget(self) -> None:
        """Remove what DVC has cached here."""
        shutil.rmtree(self.root / ".dvc" / "cache")


@pytest.fixture
def machine(tmp_path: Path, project: Project) -> Machine:
    """A DVC repository with a remote that is a folder."""
    (tmp_path / "home").mkdir()
    made = Machine(tmp_path / "repository", tmp_path / "home")
    made.root.mkdir()
    made.git("init", "--quiet", "--initial-branch", "main")
    made.dvc("init", "--quiet")
    made.dvc("remote", "add", "--default", "store", str(tmp_path / "remote"))
    return made


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with git alone: whether mlnb may use DVC is up to the test."""
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "git").symlink_to(str(shutil.which("git")))
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return folder


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def content(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def two_revisions(machine: Machine) -> None:
    """Track a table, a folder and the output of a stage; then other content of each."""
    (machine.root / "data").mkdir()
    (machine.root / "dvc.yaml").write_text(
        "stages:\n  copy:\n    cmd: cp data/flights.csv made.csv\n"
        "    deps: [data/flights.csv]\n    outs: [made.csv]\n"
    )
    for tag, frame, pictures in (("v1", FIRST, PICTURES), ("v2", NEWER, {"9.png": b"nine"})):
        frame.to_csv(machine.root / "data/flights.csv", index=False)
        frame.to_parquet(machine.root / "data/flights.parquet")
        shutil.rmtree(machine.root / "data/pictures", ignore_errors=True)
        write(machine.root / "data/pictures", pictures)
        machine.dvc("add", "--quiet", "flights.csv", "flights.parquet", "pictures", at="data")
        machine.dvc("repro", "--quiet")
        machine.commit(tag)
        machine.dvc("push", "--quiet")


def test_what_dvc_tracks_at_an_older_revision_is_linked(machine: Machine, programs: Path) -> None:
    os.environ["PATH"] = os.defpath
    two_revisions(machine)
    os.environ["PATH"] = str(programs)
    for at in ("v1", "v2"):
        for name in ("flights.csv", "flights.parquet", "pictures"):
            datasets.link(f"../repository/data/{name}", name, at=at)
        datasets.link("../repository/made.csv", "made.csv", at=at)
    for name in ("flights.csv", "flights.parquet", "made.csv"):
        pd.testing.assert_frame_equal(datasets.load(f"{name}@1"), FIRST)
        pd.testing.assert_frame_equal(datasets.load(f"{name}@2"), NEWER)
    datasets.export("pictures@1", "pictures")
    assert content(Path("pictures")) == PICTURES
    machine.forget()  # then the remote serves, which is a folder
    pd.testing.assert_frame_equal(datasets.load("flights.parquet@1"), FIRST)
    assert datasets.show("flights.csv@1").source["location"] == "../repository"


def test_a_clone_of_a_url_and_a_remote_that_only_dvc_reads(
    machine: Machine, programs: Path, tmp_path: Path
) -> None:
    """The repository is bare, its remote an HTTP server: mlnb asks the dvc program."""
    os.environ["PATH"] = os.defpath
    two_revisions(machine)
    with served(tmp_path / "remote") as url:
        machine.dvc("remote", "modify", "store", "url", url)
        machine.commit("v3")
        machine.git("clone", "--quiet", "--bare", ".", "../bare.git")
        shutil.rmtree(machine.root)
        os.environ["PATH"] = str(programs)
        with pytest.raises(UnsupportedData, match=r"not on this machine.*dvc fetch"):
            datasets.link("../bare.git#data/flights.parquet", "flights")
        os.environ["PATH"] = f"{Path(dvc_program()).parent}:{programs}"
        shutil.move(tmp_path / "remote", tmp_path / "moved")
        with pytest.raises(UnsupportedData, match="dvc get"):
            datasets.link("../bare.git#data/flights.parquet", "flights")
        shutil.move(tmp_path / "moved", tmp_path / "remote")
        datasets.link("../bare.git#data/flights.parquet", "flights")
        datasets.link("../bare.git#data/pictures", "pictures")
    os.environ["PATH"] = str(programs)  # fetched once, it stays in the project
    pd.testing.assert_frame_equal(datasets.load("flights"), NEWER)
    datasets.export("pictures", "pictures")
    assert content(Path("pictures")) == {"9.png": b"nine"}


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder over HTTP for the length of a block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        return


def test_what_mlnb_exports_a_machine_with_only_dvc_pulls(
    machine: Machine, programs: Path, tmp_path: Path
) -> None:
    datasets.save(FIRST, "flights")
    write(Path("pictures"), PICTURES)
    datasets.save("pictures", "pictures")
    (machine.root / "data").mkdir()
    made = datasets.export("flights", "../repository/data/flights.parquet", to="dvc")
    assert made.notes == [f"Pushed to the remote {tmp_path}/remote."]
    datasets.export("pictures", "../repository/data/pictures", to="dvc")
    os.environ["PATH"] = os.defpath
    assert machine.dvc("status") == "Data and pipelines are up to date.\n"
    assert "in sync" in machine.dvc("status", "--cloud")
    machine.commit("v1")
    assert machine.git("status", "--porcelain") == ""
    there = pulled(machine, tmp_path / "colleague")
    expected = (machine.root / "data/flights.parquet").read_bytes()
    assert (there / "data/flights.parquet").read_bytes() == expected
    pd.testing.assert_frame_equal(pd.read_parquet(there / "data/flights.parquet"), FIRST)
    assert content(there / "data/pictures") == PICTURES

    os.environ["PATH"] = str(programs)
    datasets.save(NEWER, "flights")
    datasets.export("flights", "../repository/data/flights.parquet", to="dvc", replace=True)
    os.environ["PATH"] = os.defpath
    machine.commit("v2")
    machine.dvc("commit", "--quiet")  # finds nothing that it would have written otherwise
    assert machine.git("status", "--porcelain") == ""
    machine.git("pull", "--quiet", at="../colleague")
    machine.dvc("pull", at="../colleague")
    pd.testing.assert_frame_equal(pd.read_parquet(there / "data/flights.parquet"), NEWER)
    machine.git("checkout", "--quiet", "v1", at="../colleague")
    machine.dvc("checkout", "--quiet", at="../colleague")
    assert (there / "data/flights.parquet").read_bytes() == expected


def test_the_remote_may_be_on_s3(
    machine: Machine, programs: Path, tmp_path: Path, s3: S3Server
) -> None:
    """Both write and read it: obstore here, DVC's own client there."""
    os.environ["PATH"] = os.defpath
    machine.dvc("remote", "modify", "store", "url", f"s3://{s3.bucket}/dvc")
    machine.dvc("remote", "modify", "store", "endpointurl", s3.endpoint)
    os.environ["PATH"] = str(programs)
    datasets.save(FIRST, "flights")
    made = datasets.export("flights", "../repository/flights.parquet", to="dvc")
    assert made.notes == [f"Pushed to the remote s3://{s3.bucket}/dvc."]
    os.environ["PATH"] = os.defpath
    machine.commit("v1")
    there = pulled(machine, tmp_path / "colleague")
    pd.testing.assert_frame_equal(pd.read_parquet(there / "flights.parquet"), FIRST)

    write(machine.root / "pictures", PICTURES)
    machine.dvc("add", "--quiet", "pictures")
    machine.dvc("push", "--quiet")
    machine.commit("v2")
    machine.forget()
    os.environ["PATH"] = str(programs)
    datasets.link("../repository/pictures", "pictures")
    datasets.export("pictures", "pictures")
    assert content(Path("pictures")) == PICTURES


def pulled(machine: Machine, folder: Path) -> Path:
    """Clone the repository where there is nothing but git and DVC, and pull."""
    machine.git("clone", "--quiet", ".", str(folder))
    colleague = Machine(folder, machine.home)
    colleague.dvc("pull")
    assert "up to date" in colleague.dvc("status")
    return folder


@pytest.fixture(autouse=True)
def own_path() -> Iterator[None]:
    before = os.environ["PATH"]
    yield
    os.environ["PATH"] = before


def test_dvc_says_the_same_of_its_own_and_of_our_description(machine: Machine) -> None:
    datasets.save(FIRST, "flights")
    datasets.export("flights", "../repository/ours.parquet", to="dvc")
    shutil.copyfile(machine.root / "ours.parquet", machine.root / "its.parquet")
    machine.dvc("add", "--quiet", "its.parquet")
    listed: list[dict[str, Any]] = json.loads(machine.dvc("ls", "--json", "--dvc-only", "."))
    facts = {item.pop("path"): item for item in listed}
    assert facts["ours.parquet"] == facts["its.parquet"]
