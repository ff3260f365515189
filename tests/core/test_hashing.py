"""Content hashes."""

from pathlib import Path

from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from mlnb.core.hashing import (
    Hasher,
    digest_bytes,
    digest_file,
    digest_folder,
    digest_json,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=10,
)


def test_it_is_blake3() -> None:
    empty = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
    assert digest_bytes(b"") == empty  # the specification's first test vector
    assert len(empty) == 64
    assert Hasher is blake3


def test_pieces_files_and_views_hash_like_bytes(tmp_path: Path) -> None:
    data = b"0123456789" * 100_000
    file = tmp_path / "file"
    file.write_bytes(data)
    digest = digest_bytes(data)
    assert digest_file(file) == digest
    assert digest_bytes(memoryview(data)) == digest
    assert Hasher(data[:7]).update(data[7:]).hexdigest() == digest
    file.write_bytes(b"")
    assert digest_file(file) == digest_bytes(b"")


@settings(max_examples=50)
@given(JSON)
def test_the_order_of_keys_does_not_count(value: object) -> None:
    def turned(item: object) -> object:
        if isinstance(item, dict):
            return {key: turned(item[key]) for key in reversed(list(item))}
        return [turned(one) for one in item] if isinstance(item, list) else item

    assert digest_json(turned(value)) == digest_json(value)


def test_different_json_values_differ() -> None:
    values: list[object] = [None, False, 0, "", [], {}, "0", [0], {"0": 0}, [[]], "null", [1, 2]]
    assert len({digest_json(value) for value in values}) == len(values)


def test_a_folder_is_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("1")
    (tmp_path / "y").write_text("2")
    first = digest_folder(tmp_path)
    assert digest_folder(tmp_path) == first
    (tmp_path / "y").write_text("3")
    changed = digest_folder(tmp_path)
    (tmp_path / "y").write_text("2")
    (tmp_path / "y").rename(tmp_path / "z")
    assert len({first, changed, digest_folder(tmp_path)}) == 3
