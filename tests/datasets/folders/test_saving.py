"""What a save of files stores, what it refuses, and that it reads nothing twice."""

import contextlib
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlnb import datasets
from mlnb.core import project as projects
from mlnb.core.errors import (
    BadInput,
    Conflict,
    DiskUnavailable,
    InvalidName,
    MlnbError,
    UnknownName,
    UnsupportedData,
)
from mlnb.core.project import Project
from mlnb.datasets import manifests, versions
from mlnb.datasets.folders import reading
from mlnb.datasets.folders.scanning import found


def bytes_of(seed: int, size: int) -> bytes:
    """Return bytes that no compression makes smaller."""
    return random.Random(seed).randbytes(size)  # noqa: S311 (test data)


def stored(here: Project) -> int:
    """Return the bytes of all objects."""
    return sum(item.size for item in here.store.objects())


def test_a_folder_is_a_version_of_files(photos: Path) -> None:
    version = datasets.save(photos, "photos", message="first", tag="gold")
    assert (version.ref, version.kind, version.rows) == ("photos@1", "files", 8)
    assert version.columns == []
    assert version.tags == ["gold"]
    assert version.message == "first"
    assert datasets.log("photos") == [version]
    assert version.bytes < 2_100_000


def test_text_is_compressed_and_bytes_that_do_not_compress_are_kept(
    photos: Path, project: Project
) -> None:
    (photos / "text.txt").write_bytes(b"the same line again\n" * 200_000)
    datasets.save(photos, "photos")
    assert stored(project) < 2_100_000


def test_equal_files_are_stored_once(photos: Path, project: Project) -> None:
    datasets.save(photos, "photos")
    before = stored(project)
    (photos / "copy.jpg").write_bytes((photos / "cats/one.jpg").read_bytes())
    (photos / "copy.bin").write_bytes((photos / "model.bin").read_bytes())
    assert not datasets.save(photos, "photos").unchanged
    assert stored(project) - before < 4_000


def test_equal_files_in_one_save_are_stored_once(project: Project) -> None:
    folder = project.root / "twins"
    folder.mkdir()
    for number in range(5):
        (folder / f"small{number}").write_bytes(bytes_of(1, 50_000))
        (folder / f"large{number}").write_bytes(bytes_of(2, 900_000))
    datasets.save(folder, "twins")
    assert stored(project) < 960_000


def test_a_change_stores_what_is_new(project: Project) -> None:
    folder = project.root / "many"
    folder.mkdir()
    for number in range(1_000):
        (folder / f"{number:04d}.bin").write_bytes(bytes_of(number, 2_000))
    datasets.save(folder, "many")
    before = stored(project)
    for number in range(0, 1_000, 100):
        (folder / f"{number:04d}.bin").write_bytes(bytes_of(number + 5_000, 2_000))
    (folder / "0001.bin").unlink()
    version = datasets.save(folder, "many")
    assert 20_000 < stored(project) - before < 25_000
    datasets.checkout(version.ref, "out")
    assert not Path("out/0001.bin").exists()
    assert Path("out/0100.bin").read_bytes() == (folder / "0100.bin").read_bytes()


def test_going_back_stores_nothing_but_the_version(project: Project) -> None:
    folder = project.root / "many"
    folder.mkdir()
    for number in range(400):
        (folder / f"{number:04d}.bin").write_bytes(bytes_of(number, 2_000))
    datasets.save(folder, "many")
    (folder / "0100.bin").write_bytes(bytes_of(5_000, 2_000))
    datasets.save(folder, "many")
    before = stored(project)
    (folder / "0100.bin").write_bytes(bytes_of(100, 2_000))
    assert datasets.save(folder, "many").number == 3
    assert stored(project) - before < 1_000


def test_an_insertion_into_a_large_file_stores_little(project: Project) -> None:
    folder = project.root / "models"
    folder.mkdir()
    data = bytes_of(1, 30_000_000)
    (folder / "model.bin").write_bytes(data)
    datasets.save(folder, "models")
    before = stored(project)
    data = data[:15_000_000] + bytes_of(2, 65_536) + data[15_000_000:]
    (folder / "model.bin").write_bytes(data)
    datasets.save(folder, "models")
    assert stored(project) - before < 4_000_000
    datasets.checkout("models@2", "out")
    assert Path("out/model.bin").read_bytes() == data


def test_what_has_not_changed_is_not_read_again(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    time.sleep(0.02)  # a file of this very moment would be read again
    datasets.save(photos, "photos")
    opened = []
    really = reading.opened
    monkeypatch.setattr(
        reading, "opened", lambda root, path: (opened.append(path), really(root, path))[1]
    )
    assert datasets.save(photos, "photos").unchanged
    assert opened == []
    (photos / "cats/one.jpg").write_bytes(b"other")
    datasets.save(photos, "photos")
    assert opened == ["cats/one.jpg"]


def test_a_single_file_is_a_folder_of_one(project: Project) -> None:
    Path("model.pkl").write_bytes(bytes_of(1, 100_000))
    version = datasets.save("model.pkl", "model")
    assert (version.kind, version.rows) == ("files", 1)
    assert datasets.save(Path("model.pkl"), "model").unchanged
    Path("model.pkl").write_bytes(b"second")
    assert datasets.save("model.pkl", "model").number == 2
    datasets.checkout("model@1", ".")
    assert Path("model.pkl").read_bytes() == bytes_of(1, 100_000)


def test_a_file_of_a_table_is_a_table_unless_told_otherwise() -> None:
    Path("t.csv").write_text("a,b\n1,2\n")
    assert datasets.save("t.csv", "t").kind == "table"
    assert datasets.save("t.csv", "raw", files=True).kind == "files"
    datasets.checkout("raw", "out")
    assert Path("out/t.csv").read_text() == "a,b\n1,2\n"
    with pytest.raises(BadInput, match="cannot be saved as files"):
        datasets.save({"a": 1}, "d", files=True)


def test_an_empty_folder_is_a_version(project: Project) -> None:
    (project.root / "none").mkdir()
    assert datasets.save("none", "none").rows == 0
    assert datasets.checkout("none", "out").written == 0
    assert Path("out").is_dir()


def test_the_projects_own_state_is_not_saved(project: Project) -> None:
    Path("notes.txt").write_text("notes")
    version = datasets.save(".", "all")
    assert version.rows == 2  # and mlnb.toml
    assert datasets.save(".", "all").unchanged


def test_a_bad_name_is_refused_before_anything_is_read(photos: Path) -> None:
    with pytest.raises(InvalidName):
        datasets.save(photos, "a b")
    with pytest.raises(UnknownName):
        datasets.save("fotos", "photos")


@pytest.mark.parametrize("target", ["/etc/passwd", "../../secret", "cats/../../x", "../.."])
def test_a_link_that_leads_out_is_refused(photos: Path, target: str) -> None:
    (photos / "cats" / "way out").symlink_to(target)
    with pytest.raises(UnsupportedData, match=r"cats/way out → .*leads out") as raised:
        datasets.save(photos, "photos")
    assert str(photos) not in str(raised.value)
    assert datasets.names() == []


def test_a_pipe_and_a_socket_are_refused(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(photos / "pipe")
    monkeypatch.chdir(photos)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("sock")
        with pytest.raises(UnsupportedData, match="pipe, sock"):
            datasets.save(".", "photos")


def test_a_name_that_is_no_unicode_is_refused(photos: Path) -> None:
    Path(os.fsdecode(os.fsencode(photos) + b"/caf\xe9.jpg")).write_bytes(b"x")
    with pytest.raises(UnsupportedData, match=r"caf\\xe9\.jpg: the name is no Unicode") as raised:
        datasets.save(photos, "photos")
    str(raised.value).encode()


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """Run as somebody who may not read everything, in a project that belongs to them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if os.geteuid():
            yield folder
            return
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(0)


def test_a_file_that_cannot_be_read_is_named(
    photos: Path, unprivileged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    projects.init(unprivileged / "p")
    monkeypatch.chdir(unprivileged / "p")
    Path("data/sub").mkdir(parents=True)
    Path("data/sub/secret.txt").write_text("x")
    Path("data/sub/secret.txt").chmod(0)
    with pytest.raises(DiskUnavailable, match=r"'sub/secret\.txt': Permission denied"):
        datasets.save("data", "data")
    assert datasets.names() == []


@pytest.mark.parametrize("size", [40_000, 3_000_000])
def test_a_file_that_changes_all_the_time_is_named(
    photos: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = photos / "log.txt"
    path.write_bytes(bytes_of(1, size))
    really = reading.unchanged

    def grown(descriptor: int, before: reading.Found, count: int) -> bool:
        if before.path == "log.txt":
            with path.open("ab") as file:
                file.write(b"one more line\n")
        return really(descriptor, before, count)

    monkeypatch.setattr(reading, "unchanged", grown)
    with pytest.raises(Conflict, match=r"'log\.txt' was changed while it was being read"):
        datasets.save(photos, "photos")
    assert datasets.names() == []


def test_a_file_that_changes_once_is_read_again(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = photos / "model.bin"
    really = reading.unchanged
    once = [True]

    def changed(descriptor: int, before: reading.Found, count: int) -> bool:
        if before.path == "model.bin" and once:
            once.pop()
            path.write_bytes(bytes_of(9, 1_500_000))
        return really(descriptor, before, count)

    monkeypatch.setattr(reading, "unchanged", changed)
    datasets.save(photos, "photos")
    datasets.checkout("photos", "out")
    assert Path("out/model.bin").read_bytes() == bytes_of(9, 1_500_000)


def test_writers_while_a_folder_is_saved_never_give_a_wrong_hash(
    photos: Path, look: Callable[[Path], object]
) -> None:
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            (photos / "dogs/one.jpg").write_bytes(bytes_of(number, 10_000 + number % 50))

    writer = threading.Thread(target=write)
    writer.start()
    saved = []
    try:
        for _ in range(10):
            with contextlib.suppress(Conflict):  # it changes all the time
                saved.append(datasets.save(photos, "photos").ref)
    finally:
        stop.set()
        writer.join()
    saved.append(datasets.save(photos, "photos").ref)
    datasets.checkout(saved[-1], "last")
    assert look(Path("last")) == look(photos)
    for ref in saved:
        datasets.checkout(ref, "out")  # verifies every file


def test_two_processes_that_save_one_folder_make_one_version(photos: Path) -> None:
    code = "from mlnb import datasets; print(datasets.save('photos', 'photos').ref)"
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    refs = [process.communicate()[0].strip() for process in started]
    assert refs == ["photos@1", "photos@1"]
    assert [version.ref for version in datasets.log("photos")] == ["photos@1"]


@pytest.mark.parametrize(
    ("which", "flipped"),
    [
        ("manifest", False),
        ("manifest", True),
        ("listing", False),
        ("listing", True),
        ("pack", False),
    ],
)
def test_what_was_lost_is_stored_again(
    photos: Path, project: Project, which: str, flipped: bool, look: Callable[[Path], object]
) -> None:
    datasets.save(photos, "photos")
    version = versions.find("photos@1")
    manifest = manifests.read(project.store, version)
    digest = {
        "manifest": version.manifest,
        "listing": manifest.listings[0][0],
        "pack": manifest.packs[0][0],
    }[which]
    data = bytearray(project.store.get(digest))
    project.store.delete(digest)
    if flipped:
        data[len(data) // 2] ^= 1
        project.store.replace(digest, bytes(data))
        (photos / "empty.txt").unlink()  # whether a listing is damaged is seen when it is needed
        datasets.save(photos, "photos")
        (photos / "empty.txt").touch()
    again = datasets.save(photos, "photos")
    datasets.checkout(again.ref, "out")
    assert look(Path("out")) == look(photos)


def test_a_file_that_has_become_another_kind_of_thing_is_no_file(photos: Path) -> None:
    facts = found("cats/one.jpg", (photos / "cats/one.jpg").stat())
    (photos / "cats/one.jpg").unlink()
    (photos / "cats/one.jpg").symlink_to("/etc/passwd")
    with pytest.raises(MlnbError):
        reading.read(str(photos), facts)
    (photos / "cats/one.jpg").unlink()
    with pytest.raises(Conflict):
        reading.read(str(photos), facts)
    os.mkfifo(photos / "cats/one.jpg")
    with pytest.raises(Conflict):
        reading.read(str(photos), facts)
