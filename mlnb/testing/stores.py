"""What every object store must do: subclass `StoreContract` and give it a store.

::

    class TestFolder(StoreContract):
        @pytest.fixture
        def store(self, tmp_path):
            return ObjectStore(str(tmp_path))
"""

import time
from array import array
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlnb.core.errors import ObjectCorrupt, ObjectMissing
from mlnb.core.hashing import digest_bytes
from mlnb.core.store import Entry, ObjectStore

_LOGS = ("tags", "versions")
_ABSENT = digest_bytes(b"never stored")


class StoreContract:
    """Behaviour that callers rely on; the subclass's fixture ``store`` gives an empty store."""

    resolution = 0.01
    """Seconds between two changes of a file that can be told apart."""

    # -- objects ---------------------------------------------------------------------------------

    @pytest.mark.parametrize("data", [b"", b"\x00", b"text", bytes(range(256)) * 4096])
    def test_bytes_come_back(self, store: ObjectStore, data: bytes) -> None:
        """An object is its bytes, under their digest."""
        digest = store.put(data)
        assert digest == digest_bytes(data)
        assert store.get(digest) == data
        assert store.size(digest) == len(data)

    def test_storing_again_changes_nothing(self, store: ObjectStore) -> None:
        """The same bytes are one object."""
        assert store.put(b"data") == store.put(b"data")
        assert store.get(digest_bytes(b"data")) == b"data"

    def test_a_file_is_its_bytes(self, store: ObjectStore, tmp_path: Path) -> None:
        """A file is stored as what is in it."""
        file = tmp_path / "file with a space.bin"
        file.write_bytes(b"data" * 100_000)
        assert store.put_file(file) == store.put(file.read_bytes())
        assert store.get(store.put_file(file)) == file.read_bytes()

    def test_what_is_not_there_is_missing(self, store: ObjectStore) -> None:
        """Asking for an unknown object is an error of its own, naming who needs it."""
        with pytest.raises(ObjectMissing, match="flights@3"):
            store.get(_ABSENT, wanted_by="flights@3")
        with pytest.raises(ObjectMissing):
            store.size(_ABSENT)

    def test_objects_are_stored_by_many_threads(self, store: ObjectStore) -> None:
        """Threads that store the same bytes do not disturb each other."""
        with ThreadPoolExecutor(8) as pool:
            digests = set(pool.map(store.put, [b"same" * 1000] * 32))
        assert digests == {digest_bytes(b"same" * 1000)}
        assert store.get(digests.pop()) == b"same" * 1000

    @pytest.mark.parametrize("size", [0, 10, 3 << 20])
    def test_any_buffer_is_taken_as_it_is(self, store: ObjectStore, size: int) -> None:
        """Bytes-like data of any kind is one object, hashed by the store or by the caller."""
        data = (b"0123456789abcdef" * (size // 16 + 1))[: size // 8 * 8]
        digest = digest_bytes(data)
        for buffer in (bytearray(data), memoryview(data), array("d", data)):
            assert store.put(buffer) == digest  # type: ignore[arg-type]  # array is a buffer
        assert store.put(data, digest) == digest
        assert store.view(digest) == data
        assert store.get(digest) == data

    def test_many_objects_at_once(self, store: ObjectStore) -> None:
        """They come back in the order asked for; sizes name those that are there."""
        objects = {digest_bytes(data): data for data in (b"a", b"bb" * 9, b"", b"dddd")}
        store.put_many(objects)
        assert store.get_many(objects) == list(objects.values())
        sizes = {digest: len(data) for digest, data in objects.items()}
        assert store.sizes([*objects, _ABSENT]) == sizes
        assert {item.digest: item.size for item in store.objects()} == sizes
        with pytest.raises(ObjectMissing, match="flights@3"):
            store.get_many([*objects, _ABSENT], wanted_by="flights@3")

    @pytest.mark.parametrize("size", [100, 3 << 20])
    def test_pieces_of_an_object(self, store: ObjectStore, size: int) -> None:
        """Ranges come in the order asked for; one beyond the end means a damaged object."""
        data = bytes(range(100)) * (size // 100 + 1)
        digest = store.put(data)
        ranges = [(50, 60), (0, 10), (len(data) - 5, len(data)), (7, 7), (55, 70)]
        pieces = store.get_ranges(digest, ranges)
        assert pieces == [data[start:end] for start, end in ranges]
        assert store.get_ranges(digest, []) == []
        with pytest.raises(ObjectCorrupt, match="flights@3"):
            store.get_ranges(digest, [(len(data) - 5, len(data) + 5)], wanted_by="flights@3")
        with pytest.raises(ObjectMissing, match="flights@3"):
            store.get_ranges(_ABSENT, [(0, 1)], wanted_by="flights@3")

    def test_a_removed_object_is_missing(self, store: ObjectStore) -> None:
        """Removing it again is no error, and it can be stored again."""
        digest = store.put(b"data")
        store.delete(digest)
        store.delete(digest)
        assert list(store.objects()) == []
        with pytest.raises(ObjectMissing):
            store.get(digest)
        assert store.get(store.put(b"data")) == b"data"

    # -- what a collection of garbage needs --------------------------------------------------------

    def test_an_old_object_that_is_stored_again_outlives_a_collection(
        self, store: ObjectStore
    ) -> None:
        """What was listed as old may be removed: the object is there under another key."""
        store.grace = 0.05
        digest = store.put(b"data")
        old = list(store.files())
        time.sleep(0.06)
        assert store.put(b"data") == digest
        store.discard(old)
        assert (store.get(digest), bytes(store.view(digest))) == (b"data", b"data")
        assert store.size(digest) == 4
        assert store.get_ranges(digest, [(1, 3)]) == [b"at"]
        assert [item.digest for item in store.objects()] == [digest]

    def test_a_young_object_is_not_written_again(self, store: ObjectStore) -> None:
        """Storing again costs a look only."""
        store.put(b"data")
        before = list(store.files())
        store.put(b"data")
        assert list(store.files()) == before

    def test_keeping_tells_what_is_there(self, store: ObjectStore) -> None:
        """An object of another size is not there in full."""
        one, two = store.put(b"one"), store.put(b"two")
        assert store.keep({one: 3, two: 4, _ABSENT: 3}) == {one}

    def test_what_is_kept_outlives_a_collection(self, store: ObjectStore) -> None:
        """Keeping is as good as storing again."""
        store.grace = 0.05
        digest = store.put(b"data")
        old = list(store.files())
        time.sleep(0.06)
        assert store.keep({digest: 4}) == {digest}
        store.discard(old)
        assert store.get(digest) == b"data"

    def test_discarding_leaves_what_changed_since(self, store: ObjectStore) -> None:
        """A file that was written anew after it was listed stays; one that is gone is no error."""
        changed, gone, old = (store.put(data) for data in (b"changed", b"gone", b"old"))
        listed = list(store.files())
        store.delete(changed)
        store.delete(gone)
        time.sleep(self.resolution)
        store.put(b"changed")
        assert [file.digest for file in store.discard(listed)] == [old]
        assert [item.digest for item in store.objects()] == [changed]

    # -- logs ------------------------------------------------------------------------------------

    def test_an_empty_log(self, store: ObjectStore) -> None:
        """A log that nobody wrote to is empty, not an error."""
        assert store.last("none") is None
        assert store.entry("none", 1) is None
        assert list(store.entries("none")) == []
        assert store.logs("none") == []

    def test_entries_are_numbered_from_one(self, store: ObjectStore) -> None:
        """Entries keep their order beyond nine and ninety-nine."""
        for number in range(1, 12):
            entry = store.append("folder/log", lambda n: {"is": n, "text": "ü"})
            assert entry == Entry(number, {"is": number, "text": "ü"})
        assert [entry.number for entry in store.entries("folder/log")] == list(range(1, 12))
        assert store.last("folder/log") == Entry(11, {"is": 11, "text": "ü"})
        assert store.entry("folder/log", 7) == Entry(7, {"is": 7, "text": "ü"})
        assert store.entry("folder/log", 12) is None

    def test_the_numbers_of_a_log(self, store: ObjectStore) -> None:
        """They are known without reading an entry."""
        assert (store.numbers("log"), store.last_number("log")) == ([], 0)
        for _ in range(12):
            store.append("log", lambda n: {"n": n})
        assert (store.numbers("log"), store.last_number("log")) == (list(range(1, 13)), 12)

    def test_logs_do_not_mix(self, store: ObjectStore) -> None:
        """A log, a log below it and one with a longer name are three logs."""
        for log in ("a", "a/b", "ab"):
            store.append(log, lambda _n, log=log: {"log": log})  # type: ignore[misc]
        assert [entry.data["log"] for entry in store.entries("a")] == ["a"]
        assert [entry.data["log"] for entry in store.entries("ab")] == ["ab"]

    def test_logs_below_a_prefix_are_listed(self, store: ObjectStore) -> None:
        """Names come sorted, each once, of this prefix only."""
        for name in ("b", "a", "c.d-e_f"):
            store.append(f"datasets/{name}/versions", lambda _n: {})
            store.append(f"datasets/{name}/tags", lambda _n: {})
        store.append("models/m/versions", lambda _n: {})
        assert store.logs("datasets") == ["a", "b", "c.d-e_f"]
        assert store.logs("datasets/a") == ["tags", "versions"]
        assert store.logs("data") == []
        assert store.logs("") == ["datasets", "models"]
        assert [log for log in store.all_logs() if store.numbers(log)] == [
            *(f"datasets/{name}/{log}" for name in ("a", "b", "c.d-e_f") for log in _LOGS),
            "models/m/versions",
        ]

    def test_a_maker_that_gives_up_writes_nothing(self, store: ObjectStore) -> None:
        """An exception in the maker leaves the log as it was."""

        def make(_number: int) -> dict[str, int]:
            raise KeyError("gave up")

        with pytest.raises(KeyError):
            store.append("log", make)
        with pytest.raises(ValueError, match="JSON"):
            store.append("log", lambda _n: {"value": float("nan")})
        assert list(store.entries("log")) == []

    def test_racing_threads_each_get_a_number(self, store: ObjectStore) -> None:
        """Two writers never get one number, and none is left out."""

        def append(who: int) -> Entry:
            return store.append("log", lambda n: {"n": n, "who": who})

        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(append, range(40)))
        assert sorted(entry.number for entry in made) == list(range(1, 41))
        entries = list(store.entries("log"))
        assert sorted(entry.data["who"] for entry in entries) == list(range(40))
        assert all(entry.data["n"] == entry.number for entry in entries)
        assert {e.number: e.data for e in made} == {e.number: e.data for e in entries}

    def test_the_loser_makes_its_entry_anew(self, store: ObjectStore) -> None:
        """A maker that lost the race is asked again, for the number it then gets."""
        asked: list[int] = []

        def make(number: int) -> dict[str, int]:
            asked.append(number)
            if len(asked) == 1:
                store.append("log", lambda n: {"winner": n})
            return {"loser": number}

        assert store.append("log", make) == Entry(2, {"loser": 2})
        assert asked == [1, 2]
        assert store.entry("log", 1) == Entry(1, {"winner": 1})

    def test_an_entry_takes_its_own_number_once(self, store: ObjectStore) -> None:
        """A copy of a log writes entries where they were; a taken number stays as it is."""
        assert store.create("log", Entry(1, {"first": True}))
        assert not store.create("log", Entry(1, {"first": False}))
        assert store.entry("log", 1) == Entry(1, {"first": True})
        assert store.append("log", lambda n: {"n": n}).number == 2
