"""The object store: the contract on a folder and in memory, properties, races, failures."""

import errno
import json
import multiprocessing
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from mlnb.core.errors import ObjectCorrupt, ObjectMissing, StoreUnavailable, UnreadableRecord
from mlnb.core.hashing import digest_bytes
from mlnb.core.store import Entry, ObjectStore
from mlnb.testing.stores import StoreContract


class TestFolder(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ObjectStore:
        return ObjectStore(str(tmp_path / "a folder"))


class TestFileUrl(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ObjectStore:
        return ObjectStore((tmp_path / "a folder").as_uri())


class TestDurableFolder(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ObjectStore:
        return ObjectStore(str(tmp_path / "new" / "folder"), durable=True)


class TestMemory(StoreContract):
    @pytest.fixture
    def store(self) -> ObjectStore:
        return ObjectStore("memory://")


class Model(RuleBasedStateMachine):
    """The store against a dictionary of objects and lists of entries."""

    digests = Bundle("digests")

    def __init__(self) -> None:
        super().__init__()
        self.store = ObjectStore("memory://")
        self.objects: dict[str, bytes] = {}
        self.logs: dict[str, list[Any]] = {}

    @rule(target=digests, data=st.binary(max_size=64))
    def put(self, data: bytes) -> str:
        digest = self.store.put(data)
        self.objects[digest] = data
        return digest

    @rule(digest=digests)
    def get(self, digest: str) -> None:
        assert self.store.get(digest) == self.objects[digest]

    @rule(
        log=st.sampled_from(["a", "a/b", "ab", "c/d/e"]),
        value=st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
            ),
            max_leaves=5,
        ),
    )
    def append(self, log: str, value: Any) -> None:
        entries = self.logs.setdefault(log, [])
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            with pytest.raises(UnicodeEncodeError):
                self.store.append(log, lambda _n: {"value": value})
            return
        entry = self.store.append(log, lambda n: {"value": value, "n": n})
        entries.append({"value": value, "n": entry.number})
        assert entry.number == len(entries)

    @invariant()
    def logs_agree(self) -> None:
        for log, entries in self.logs.items():
            assert [entry.data for entry in self.store.entries(log)] == entries
            last = self.store.last(log)
            assert (last.data if last else None) == (entries[-1] if entries else None)


Model.TestCase.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
TestModel = Model.TestCase


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=5000))
def test_any_bytes_come_back_under_their_digest(data: bytes) -> None:
    store = ObjectStore("memory://")
    assert store.get(store.put(data)) == data
    assert store.put(data) == digest_bytes(data)


def test_two_stores_on_one_folder_see_each_other(tmp_path: Path) -> None:
    one, other = ObjectStore(str(tmp_path)), ObjectStore(tmp_path.as_uri())
    one.append("log", lambda n: {"n": n})
    assert other.get(one.put(b"data")) == b"data"
    assert other.append("log", lambda n: {"n": n}).number == 2


def test_the_layout_on_disk_is_the_documented_one(tmp_path: Path) -> None:
    store = ObjectStore(str(tmp_path))
    digest = store.put(b"data")
    store.append("datasets/flights", lambda n: {"n": n})
    files = {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert files == {f"objects/{digest[:2]}/{digest}", "logs/datasets/flights/00000001.json"}


def test_changed_bytes_are_corrupt(tmp_path: Path) -> None:
    store = ObjectStore(str(tmp_path))
    digest = store.put(b"data")
    (tmp_path / "objects" / digest[:2] / digest).write_bytes(b"date")
    with pytest.raises(ObjectCorrupt, match="flights@1"):
        store.get(digest, wanted_by="flights@1")


@pytest.mark.parametrize("body", ["{", "[1]", ""])
def test_a_damaged_entry_is_named(body: str, tmp_path: Path) -> None:
    store = ObjectStore(str(tmp_path))
    store.append("log", lambda n: {"n": n})
    (tmp_path / "logs" / "log" / "00000001.json").write_text(body)
    with pytest.raises(UnreadableRecord, match="entry log/1"):
        store.last("log")


def test_files_of_others_among_the_entries_are_left_alone(tmp_path: Path) -> None:
    store = ObjectStore(str(tmp_path))
    store.append("log", lambda n: {"n": n})
    folder = tmp_path / "logs" / "log"
    for name in ("00000002.json#1", "00000009.json~", "notes.txt", "0000.yaml", ".DS_Store"):
        (folder / name).write_text("{")
    assert [entry.number for entry in store.entries("log")] == [1]
    assert store.append("log", lambda n: {"n": n}).number == 2


def test_probe_leaves_nothing(tmp_path: Path) -> None:
    ObjectStore(str(tmp_path)).probe()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_place_that_is_no_folder_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="file/store"):
        ObjectStore(str(tmp_path / "file" / "store"))


@pytest.mark.parametrize("url", ["nowhere://bucket", "ssh://host/folder", "s3:///path"])
def test_an_unknown_scheme_is_unavailable(url: str) -> None:
    with pytest.raises(StoreUnavailable, match=r"it is no folder, s3://.*setting `store`"):
        ObjectStore(url)


def test_a_server_without_credentials_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("AZURE_", "AWS_"))]:
        monkeypatch.delenv(name)
    with pytest.raises(StoreUnavailable, match="Account must be specified"):
        ObjectStore("az://container/store").last("log")


@pytest.mark.parametrize(
    "url", ["nowhere://user:secret@host/x", "nowhere://host/x?token=secret", "nowhere://secret@h"]
)
def test_an_error_shows_no_secret(url: str) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        ObjectStore(url)
    assert "secret" not in str(caught.value)


def _append_many(folder: str, writer: int, count: int, barrier: Any) -> None:
    store = ObjectStore(folder)
    barrier.wait()
    for step in range(count):
        store.append("log", lambda n, step=step: {"n": n, "writer": writer, "step": step})  # type: ignore[misc]
        store.put(f"shared {step}".encode())


def test_racing_processes_each_get_a_number(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers, count = 4, 25
    barrier = context.Barrier(writers)
    processes = [
        context.Process(target=_append_many, args=(str(tmp_path), number, count, barrier))
        for number in range(writers)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * writers
    entries = list(ObjectStore(str(tmp_path)).entries("log"))
    assert [entry.number for entry in entries] == list(range(1, writers * count + 1))
    assert all(entry.data["n"] == entry.number for entry in entries)
    for writer in range(writers):
        steps = [entry.data["step"] for entry in entries if entry.data["writer"] == writer]
        assert steps == list(range(count))
    store = ObjectStore(str(tmp_path))
    assert all(store.get(digest_bytes(f"shared {step}".encode())) for step in range(count))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_unavailable(tmp_path: Path) -> None:
    store = ObjectStore(str(tmp_path))
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StoreUnavailable):
            store.put(b"data")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("left", [b"", b"hello"])
def test_storing_again_heals_an_object_cut_short_by_power_loss(tmp_path: Path, left: bytes) -> None:
    store = ObjectStore(str(tmp_path / "store"))
    body = b"hello world"
    digest = store.put(body)
    file = tmp_path / "store" / "objects" / digest[:2] / digest
    file.write_bytes(left)
    assert store.put(body) == digest
    assert store.get(digest) == body
    file.write_bytes(left)
    source = tmp_path / "source"
    source.write_bytes(body)
    assert store.put_file(source) == digest
    assert store.get(digest) == body


def test_the_newest_entry_is_found_whoever_wrote_it(tmp_path: Path) -> None:
    one, other = ObjectStore(str(tmp_path)), ObjectStore(str(tmp_path))
    one.append("log", lambda n: {"n": n})
    assert other.last("log") == one.last("log")
    for _ in range(3):
        other.append("log", lambda n: {"n": n})
    assert one.last("log") == Entry(4, {"n": 4})
    assert one.append("log", lambda n: {"n": n}).number == 5


def test_a_copied_log_may_have_gaps(tmp_path: Path) -> None:
    one, other = ObjectStore(str(tmp_path)), ObjectStore(str(tmp_path))
    one.append("log", lambda n: {"n": n})
    assert other.last_number("log") == 1
    one.create("log", Entry(7, {"n": 7}))
    assert other.last("log") == Entry(7, {"n": 7})
    assert other.append("log", lambda n: {"n": n}).number == 8
    assert one.numbers("log") == [1, 7, 8]
    assert one.create("log", Entry(3, {"n": 3}))
    assert one.last_number("log") == 8


def test_a_log_that_was_removed_starts_anew(tmp_path: Path) -> None:
    store = ObjectStore(str(tmp_path))
    for _ in range(3):
        store.append("log", lambda n: {"n": n})
    shutil.rmtree(tmp_path / "logs")
    assert store.last("log") is None
    assert store.append("log", lambda n: {"n": n}).number == 1


def test_a_killed_writer_leaves_a_part_that_can_be_swept(tmp_path: Path) -> None:
    store = ObjectStore(str(tmp_path))
    digest = store.put(b"data")
    assert list((tmp_path / "parts").iterdir()) == []
    (tmp_path / "parts" / "old").write_bytes(b"half")
    assert store.sweep(older_than=3600) == 0
    assert store.sweep(older_than=-1) == 4
    assert list((tmp_path / "parts").iterdir()) == []
    assert [item.digest for item in store.objects()] == [digest]


def test_an_object_in_a_folder_is_a_file(tmp_path: Path) -> None:
    store = ObjectStore(str(tmp_path))
    path = store.path(store.put(b"data"))
    assert path is not None
    assert path.read_bytes() == b"data"
    assert ObjectStore("memory://").path(digest_bytes(b"data")) is None


def test_a_durable_write_reaches_the_disk_before_its_name_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def spied(name: str) -> Any:
        call = getattr(os, name)

        def spy(*arguments: Any) -> Any:
            result = call(*arguments)
            is_file = name == "fsync" and stat.S_ISREG(os.fstat(arguments[0]).st_mode)
            done.append("file" if is_file else name)
            return result

        return spy

    for name in ("fsync", "replace", "link", "mkdir"):
        monkeypatch.setattr(os, name, spied(name))
    store = ObjectStore(str(tmp_path / "store"), durable=True)
    store.put(b"first")
    done.clear()
    store.append("log", lambda n: {"n": n})
    assert done == ["file", "mkdir", "fsync", "mkdir", "fsync", "link", "fsync"]
    done.clear()
    store.append("log", lambda n: {"n": n})
    assert done == ["file", "link", "fsync"]
    done.clear()
    store.replace(store.put(b"data"), b"data")
    assert done[-3:] == ["file", "replace", "fsync"]
    done.clear()
    ObjectStore(str(tmp_path / "other")).put(b"data")
    assert "file" not in done


def test_a_disk_without_hard_links_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_paths: str) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")  # what FAT answers on Linux

    monkeypatch.setattr(os, "link", refuse)
    store = ObjectStore(str(tmp_path))
    with pytest.raises(StoreUnavailable, match="no hard links"):
        store.append("log", lambda n: {"n": n})
    assert store.last("log") is None
    assert list((tmp_path / "parts").iterdir()) == []


def test_reading_makes_no_folder(tmp_path: Path) -> None:
    store = ObjectStore(str(tmp_path / "store"))
    assert store.last("log") is None
    assert store.logs("datasets") == []
    assert list(store.objects()) == []
    assert store.sweep(0) == 0
    with pytest.raises(ObjectMissing):
        store.get(digest_bytes(b"data"))
    assert not (tmp_path / "store").exists()


def test_a_folder_needs_no_client_of_servers(tmp_path: Path) -> None:
    program = (
        "import sys; from mlnb.core.store import ObjectStore;"
        f"ObjectStore({str(tmp_path)!r}).put(b'data'); assert 'obstore' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_damaged_entries_are_told_apart_from_the_others(tmp_path: Path) -> None:
    store = ObjectStore(str(tmp_path))
    for _ in range(3):
        store.append("log", lambda n: {"n": n})
    (tmp_path / "logs" / "log" / "00000002.json").write_text("{")
    with pytest.raises(UnreadableRecord, match="entry log/2"):
        list(store.entries("log"))
    damaged: dict[int, UnreadableRecord] = {}
    assert [entry.number for entry in store.entries("log", damaged=damaged)] == [1, 3]
    assert list(damaged) == [2]


def test_an_old_object_cut_short_is_healed_beside_it_too(tmp_path: Path) -> None:
    store = ObjectStore(str(tmp_path))
    digest = store.put(b"hello world")
    file = tmp_path / "objects" / digest[:2] / digest
    file.write_bytes(b"hello")
    os.utime(file, (1e9, 1e9))
    listed = list(store.files())
    store.put(b"hello world")
    assert store.get(digest) == b"hello world"
    store.discard(listed)
    file.unlink()
    assert store.get(digest) == b"hello world"
    assert store.path(digest) == next((tmp_path / "renewed" / digest).iterdir())


def test_renewing_a_file_costs_no_space_and_leaves_one_link(tmp_path: Path) -> None:
    store = ObjectStore(str(tmp_path))
    digest = store.put(b"data")
    file = tmp_path / "objects" / digest[:2] / digest
    for _ in range(3):
        os.utime(file, (1e9, 1e9))
        store.put(b"data")
        (link,) = (tmp_path / "renewed" / digest).iterdir()
        assert link.samefile(file)
