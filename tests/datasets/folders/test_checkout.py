"""A checkout writes what differs, loses nothing of the user's, and trusts no stored byte."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlnb import datasets
from mlnb.core import lineage
from mlnb.core.errors import BadInput, Conflict, ObjectCorrupt, ObjectMissing, UnreadableRecord
from mlnb.core.project import Project
from mlnb.datasets import manifests, recording, versions
from mlnb.datasets.folders import checkout as checking_out
from mlnb.datasets.folders import statcache
from mlnb.datasets.folders.manifest import FolderListing, put_listing, read_listing

Look = Callable[[Path], dict[str, tuple[str, bytes | str]]]


@pytest.fixture
def edited(photos: Path, look: Look) -> dict[str, dict[str, tuple[str, bytes | str]]]:
    """Save two versions; return what each holds."""
    states = {datasets.save(photos, "photos").ref: look(photos)}
    (photos / "cats/one.jpg").write_bytes(b"edited")
    (photos / "cats/two.jpg").rename(photos / "dogs/two.jpg")
    (photos / "new").mkdir()
    (photos / "new/note.txt").write_text("new")
    (photos / "unused").rmdir()
    (photos / "best.jpg").unlink()
    (photos / "best.jpg").symlink_to("dogs/one.jpg")
    (photos / "run.sh").chmod(0o644)
    return states | {datasets.save(photos, "photos").ref: look(photos)}


def pack_of(here: Project, ref: str) -> Path:
    version = versions.find(ref)
    path = here.store.path(manifests.read(here.store, version).packs[0][0])
    assert path is not None
    return path


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.unlink()
    path.write_bytes(data)


def test_only_what_differs_is_written(photos: Path, edited: dict[str, object], look: Look) -> None:
    done = datasets.checkout("photos@1", photos)
    assert look(photos) == edited["photos@1"]
    assert (done.written, done.removed, done.same, done.left) == (4, 2, 4, 0)
    assert done.bytes == 50_000
    assert done.folder == "photos"
    inode = (photos / "model.bin").stat().st_ino
    datasets.checkout("photos@2", photos)
    assert look(photos) == edited["photos@2"]
    assert (photos / "model.bin").stat().st_ino == inode
    assert not (photos / "unused").exists()
    assert list(photos.glob(".mlnb*")) == []


def test_a_checkout_is_an_input_of_the_run(edited: object) -> None:
    edges: list[lineage.Edge] = []
    stop = lineage.listen(lambda edge, _value: edges.append(edge))
    version = datasets.checkout("photos@1", "out").version
    stop()
    assert [(e.direction, e.ref, e.digest) for e in edges] == [
        ("input", "photos@1", version.digest)
    ]


def test_files_of_the_user_are_left_alone(photos: Path, edited: object, look: Look) -> None:
    (photos / "mine.txt").write_text("mine")
    (photos / "new/mine.txt").write_text("mine")
    done = datasets.checkout("photos@1", photos)
    assert done.left == 2
    assert (photos / "mine.txt").read_text() == (photos / "new/mine.txt").read_text() == "mine"
    done = datasets.checkout("photos@1", photos, clean=True)
    assert (done.removed, done.left) == (2, 0)
    assert not (photos / "new").exists()


def test_a_changed_file_is_never_replaced_unasked(
    photos: Path, edited: dict[str, object], look: Look
) -> None:
    (photos / "cats/one.jpg").write_bytes(b"work of a week")
    (photos / "best.jpg").unlink()
    (photos / "best.jpg").write_bytes(b"my best")
    (photos / "cats/two.jpg").mkdir()
    (photos / "cats/two.jpg/mine").write_bytes(b"mine")
    before = look(photos)
    with pytest.raises(Conflict, match=r"best\.jpg, cats/one\.jpg, cats/two\.jpg/ were changed"):
        datasets.checkout("photos@1", photos)
    assert look(photos) == before
    datasets.checkout("photos@1", photos, force=True)
    assert look(photos) == edited["photos@1"]


def test_a_file_changed_to_the_same_size_and_time_is_seen(photos: Path, edited: object) -> None:
    path = photos / "cats/one.jpg"
    times = path.stat()
    path.write_bytes(b"EDITED")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(Conflict, match=r"cats/one\.jpg"):
        datasets.checkout("photos@1", photos)
    assert datasets.save(photos, "photos").number == 3


def test_a_file_only_touched_is_as_it_was(photos: Path, edited: object) -> None:
    os.utime(photos / "cats/one.jpg", ns=(1, 1))
    assert datasets.checkout("photos@1", photos).written == 4


def test_a_file_where_a_folder_has_to_be(photos: Path, edited: object, look: Look) -> None:
    Path("out").mkdir()
    Path("out/cats").write_text("a file")
    with pytest.raises(Conflict, match="cats was changed"):
        datasets.checkout("photos@1", "out")
    assert look(Path("out")) == {"cats": ("file", b"a file")}
    datasets.checkout("photos@1", "out", force=True)
    assert Path("out/cats/one.jpg").is_file()
    with pytest.raises(Conflict, match="is a file"):
        datasets.checkout("photos@1", "mlnb.toml")


def test_nothing_is_written_through_a_link(photos: Path, edited: object, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    Path("out").mkdir()
    Path("out/cats").symlink_to(tmp_path / "outside")
    with pytest.raises(Conflict, match="cats"):
        datasets.checkout("photos@1", "out")
    datasets.checkout("photos@1", "out", force=True)
    assert list((tmp_path / "outside").iterdir()) == []
    assert not Path("out/cats").is_symlink()


def test_no_file_is_a_link_into_the_store(photos: Path, edited: object) -> None:
    datasets.checkout("photos@1", "out")
    for path in Path("out").rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert path.stat().st_nlink == 1
            with path.open("r+b") as file:
                file.write(b"scribble")
    datasets.checkout("photos@1", "again")


def test_another_dataset_is_not_removed_from_a_folder(photos: Path, edited: object) -> None:
    Path("other").mkdir()
    Path("other/one.txt").write_text("one")
    datasets.save("other", "other")
    done = datasets.checkout("photos@1", "other")
    assert done.left == 1
    assert Path("other/one.txt").exists()


@pytest.mark.parametrize("clean", [False, True])
@pytest.mark.parametrize("place", [".mlnb", ".mlnb/store", ".mlnb/store/logs", "a/.git/hooks"])
def test_what_mlnb_and_git_keep_is_no_place_for_files(
    place: str, clean: bool, photos: Path, in_project: Project
) -> None:
    ref = datasets.save(photos, "photos").ref
    target = in_project.root / place
    before = sorted(in_project.root.rglob("*"))
    with pytest.raises(BadInput, match="folder"):
        datasets.checkout(ref, target, clean=clean)
    assert sorted(in_project.root.rglob("*")) == before


def test_a_cleaning_never_takes_the_project(photos: Path, edited: object) -> None:
    with pytest.raises(BadInput, match="remove the project"):
        datasets.checkout("photos@1", ".", clean=True)
    datasets.checkout("photos@1", ".")
    assert Path("cats/one.jpg").is_file()


def test_a_table_is_no_folder() -> None:
    Path("t.csv").write_text("a\n1\n")
    datasets.save("t.csv", "t")
    with pytest.raises(BadInput, match="table"):
        datasets.checkout("t", "out")
    assert not Path("out").exists()


def test_files_are_no_table(photos: Path) -> None:
    datasets.save(photos, "photos")
    with pytest.raises(BadInput, match="dataset checkout photos@1 FOLDER"):
        datasets.load("photos")
    assert datasets.export("photos", Path("out")).ref == "photos@1"
    assert Path("out/cats/one.jpg").is_file()


# -- damage --------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [100, 50_000, 2_000_000])
def test_a_flipped_bit_is_found_and_named(
    photos: Path, project: Project, at: int, look: Look
) -> None:
    datasets.save(photos, "photos")
    pack = pack_of(project, "photos@1")
    flip(pack, at)
    with pytest.raises(ObjectCorrupt, match=r"photos@1, file '(cats|dogs|model|run)") as raised:
        datasets.checkout("photos@1", "out")
    assert pack.name[:16] in str(raised.value)
    for name, (_, data) in look(Path("out")).items():
        assert isinstance(data, str) or data == (photos / name).read_bytes()
    assert not list(Path("out").glob(".mlnb*"))


def test_a_pack_that_is_gone_or_short_is_named(photos: Path, project: Project) -> None:
    datasets.save(photos, "photos")
    pack = pack_of(project, "photos@1")
    data = pack.read_bytes()
    pack.unlink()
    with pytest.raises(ObjectMissing, match=r"photos@1, file '"):
        datasets.checkout("photos@1", "out")
    pack.write_bytes(data[:100])
    with pytest.raises(ObjectCorrupt, match=r"photos@1, file '"):
        datasets.checkout("photos@1", "out")
    pack.write_bytes(data)
    done = datasets.checkout("photos@1", "out")
    assert done.written + done.same == 8


def test_a_flipped_bit_in_the_list_of_files_is_found(photos: Path, project: Project) -> None:
    datasets.save(photos, "photos")
    version = versions.find("photos@1")
    place = project.store.path(manifests.read(project.store, version).listings[0][0])
    assert place is not None
    flip(place, 50)
    with pytest.raises(ObjectCorrupt, match="photos@1"):
        datasets.checkout("photos@1", "out")


def test_the_other_version_is_whole_when_one_is_not(photos: Path, project: Project) -> None:
    datasets.save(photos, "photos")
    (photos / "cats/one.jpg").write_bytes(os.urandom(20_000))
    datasets.save(photos, "photos")
    first = dict(manifests.read(project.store, versions.find("photos@1")).packs)
    second = dict(manifests.read(project.store, versions.find("photos@2")).packs)
    only = next(iter(second.keys() - first.keys()))
    project.store.delete(only)
    assert datasets.checkout("photos@1", "out").written == 8
    with pytest.raises(ObjectMissing, match=r"file 'cats/one\.jpg'"):
        datasets.checkout("photos@2", "out")


# -- strangers -----------------------------------------------------------------------------------


def forged(here: Project, **changes: object) -> str:
    """Store a version whose list of files is another than what was saved."""
    version = versions.find("photos@1")
    manifest = manifests.read(here.store, version)
    listing = read_listing(here.store, manifest.listings[0][0], "").to_dict() | changes
    place = put_listing(here.store, FolderListing.from_dict(listing))
    body = manifest.to_dict() | {"listings": [place]}
    stored = manifests.put(here.store, type(manifest).from_dict(body))
    made = recording.record(
        here,
        "forged",
        recording.Note(),
        digest="0" * 64,
        columns=[],
        rows=1,
        bytes=1,
        kind="files",
        manifest=stored,
    )
    return made.ref


@pytest.mark.parametrize(
    "path", ["../out", "/etc/x", "a/../../x", "a//b", "./a", "a/.", "..", "", "a\0b", "a/"]
)
def test_a_path_that_leads_out_is_refused(photos: Path, project: Project, path: str) -> None:
    paths = sorted(item.name for item in photos.iterdir())
    datasets.save(photos, "photos")
    manifest = manifests.read(project.store, versions.find("photos@1"))
    paths = read_listing(project.store, manifest.listings[0][0], "").paths
    paths[0] = path
    with pytest.raises(UnreadableRecord, match="forged@1"):
        datasets.checkout(forged(project, paths=paths), "out")
    assert not Path("out").exists()


@pytest.mark.parametrize("target", ["/etc", "..", "../x", "cats/../../x", ""])
def test_a_stored_link_that_leads_out_is_refused(
    photos: Path, project: Project, target: str
) -> None:
    datasets.save(photos, "photos")
    with pytest.raises(UnreadableRecord, match="leads outside"):
        datasets.checkout(forged(project, targets=[target]), "out")
    assert not Path("out").exists()


def test_a_file_below_a_link_is_refused(photos: Path, project: Project) -> None:
    datasets.save(photos, "photos")
    manifest = manifests.read(project.store, versions.find("photos@1"))
    listing = read_listing(project.store, manifest.listings[0][0], "")
    paths = [("best.jpg/x" if path == "empty.txt" else path) for path in listing.paths]
    with pytest.raises(UnreadableRecord, match=r"'best\.jpg' is a file and a folder at once"):
        datasets.checkout(forged(project, paths=paths), "out")


@pytest.mark.parametrize(
    "changes",
    [
        {"kinds": "q" * 9},
        {"sizes": [10**15] * 7},
        {"sizes": [-1] * 7},
        {"frames": [99] * 6},
        {"frames": [-1] * 6},
        {"offsets": [10**9] * 7},
        {"starts": [10**12, 0]},
        {"frame_sizes": [10**12, 10**12]},
        {"contents": "ab"},
        {"packs": []},
        {"removed": ["not there"]},
    ],
    ids=str,
)
def test_a_list_of_files_that_cannot_be_is_refused(
    photos: Path, project: Project, changes: dict[str, object]
) -> None:
    (photos / "model.bin").unlink()
    datasets.save(photos, "photos")
    with pytest.raises(UnreadableRecord, match="forged@1"):
        datasets.checkout(forged(project, **changes), "out")


def test_a_version_cannot_change_the_store_or_git(photos: Path, project: Project) -> None:
    (photos / ".mlnb").mkdir()
    (photos / ".mlnb/x").write_text("x")
    datasets.save(photos, "photos")
    with pytest.raises(Conflict, match=r"'\.mlnb' of this folder"):
        datasets.checkout("photos@1", ".")
    (photos / ".mlnb").rename(photos / ".git")
    datasets.save(photos, "photos")
    datasets.checkout("photos@2", "out")
    Path(".git").mkdir()
    with pytest.raises(Conflict, match=r"'\.git' of this folder"):
        datasets.checkout("photos@2", ".")


# -- kills and races -----------------------------------------------------------------------------


def test_a_killed_checkout_can_be_taken_up(
    photos: Path, edited: dict[str, object], look: Look
) -> None:
    for number in range(300):
        (photos / f"{number}.bin").write_bytes(os.urandom(20_000))
    state = look(photos)
    datasets.save(photos, "photos")
    for delay in (0.0, 0.005, 0.01, 0.02, 0.04):
        datasets.checkout("photos@1", "out", force=True)
        code = (
            "import os; from mlnb import datasets; from mlnb.datasets.folders import checkout\n"
            "print('ready', flush=True)\n"
            "datasets.checkout('photos@3', 'out')"
        )
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        datasets.checkout("photos@2", "out")  # to another one than it was on its way to
        assert look(Path("out")) == edited["photos@2"]
        datasets.checkout("photos@3", "out")
        assert look(Path("out")) == state


def test_two_checkouts_of_one_folder_are_kept_apart(
    photos: Path, edited: object, project: Project
) -> None:
    out = project.root / "out"
    datasets.checkout("photos@1", out)
    with (
        statcache.locked(project, out, alone=True),
        pytest.raises(Conflict, match="by another process"),
    ):
        datasets.checkout("photos@2", out)
    datasets.checkout("photos@2", out)


@pytest.mark.parametrize("damage", [b"", b"mlnb", b"mlnb folder 1\n" + b"x" * 99])
def test_a_damaged_cache_is_as_good_as_none(
    photos: Path, edited: object, project: Project, damage: bytes
) -> None:
    for file in (project.local / "folders").iterdir():
        file.write_bytes(damage)
    assert datasets.save(photos, "photos").unchanged
    datasets.checkout("photos@1", photos)


def test_a_cache_with_a_flipped_bit_is_not_believed(
    photos: Path, edited: object, project: Project
) -> None:
    (file,) = (f for f in (project.local / "folders").iterdir() if f.suffix != ".lock")
    flip(file, file.stat().st_size - 5)
    assert statcache.read(project, photos.resolve()) == statcache.StatCache()


def test_without_a_cache_what_differs_is_taken_for_the_users(
    photos: Path, edited: object, project: Project
) -> None:
    for file in (project.local / "folders").iterdir():
        file.unlink()
    with pytest.raises(Conflict):
        datasets.checkout("photos@1", photos)


def test_a_file_of_this_very_moment_is_not_believed(photos: Path, project: Project) -> None:
    clock = statcache.clock(project, photos)
    facts = checking_out.found("a", (photos / "cats/one.jpg").stat())
    old = facts._replace(modified=clock - 1, changed=clock - 1)
    assert statcache.known(old, "x", clock).modified == clock - 1
    for racy in (old._replace(modified=clock), old._replace(changed=clock)):
        cache = statcache.StatCache(files={"a": statcache.known(racy, "x", clock)})
        assert cache.content(racy) is None


def test_a_store_that_is_no_folder(
    photos: Path, monkeypatch: pytest.MonkeyPatch, look: Look
) -> None:
    monkeypatch.setenv("MLNB_STORE", "memory://")
    datasets.save(photos, "photos")
    (photos / "cats/one.jpg").write_bytes(os.urandom(70_000))
    datasets.save(photos, "photos")
    state = look(photos)
    assert datasets.checkout("photos@1", photos).written == 1
    datasets.checkout("photos@2", "out")
    assert look(Path("out")) == state
