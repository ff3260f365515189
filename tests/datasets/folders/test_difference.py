"""What changed between two versions of files, and what a version holds."""

from pathlib import Path

import pytest

from mlnb import datasets
from mlnb.core.errors import BadInput
from mlnb.datasets import FolderDiff, FolderSummary


def changed(photos: Path) -> FolderDiff:
    """Save, edit and save again; return the difference."""
    datasets.save(photos, "photos")
    (photos / "cats/labels.txt").write_bytes(b"none")
    (photos / "cats/two.jpg").rename(photos / "dogs/two.jpg")
    (photos / "dogs/one.jpg").unlink()
    (photos / "new.txt").write_bytes(b"12345")
    (photos / "run.sh").chmod(0o644)
    (photos / "best.jpg").unlink()
    (photos / "best.jpg").symlink_to("dogs/two.jpg")
    (photos / "unused/now.txt").write_bytes(b"")
    (photos / "other").mkdir()
    datasets.save(photos, "photos")
    found = datasets.diff("photos@1", "photos@2")
    assert isinstance(found, FolderDiff)
    return found


def test_what_changed_is_told(photos: Path) -> None:
    found = changed(photos)
    assert not found.identical
    assert [item.path for item in found.added] == ["new.txt", "other", "unused/now.txt"]
    assert [item.path for item in found.removed] == ["dogs/one.jpg"]
    assert [(item.path, item.note) for item in found.changed] == [
        ("best.jpg", "link to dogs/two.jpg"),
        ("cats/labels.txt", ""),
        ("run.sh", "no longer executable"),
    ]
    (renamed,) = found.renamed
    assert (renamed.was, renamed.path) == ("cats/two.jpg", "dogs/two.jpg")
    assert (renamed.size_before, renamed.size_after) == (20_000, 20_000)
    assert found.kept == 3
    assert (found.bytes_added, found.bytes_removed) == (9, 22_000)


def test_the_way_back_is_the_other_way_round(photos: Path) -> None:
    there = changed(photos)
    back = datasets.diff("photos@2", "photos@1")
    assert isinstance(back, FolderDiff)
    assert [item.path for item in back.removed] == [item.path for item in there.added]
    assert [item.path for item in back.added] == [item.path for item in there.removed]
    assert (back.bytes_added, back.bytes_removed) == (there.bytes_removed, there.bytes_added)
    assert back.renamed[0].was == "dogs/two.jpg"
    assert back.kept == there.kept


def test_a_version_is_identical_to_itself(photos: Path) -> None:
    datasets.save(photos, "photos")
    found = datasets.diff("photos@1", "photos@1")
    assert isinstance(found, FolderDiff)
    assert found.identical
    assert found.added == found.removed == found.changed == found.renamed == []


def test_a_link_that_becomes_a_file_is_told(photos: Path) -> None:
    datasets.save(photos, "photos")
    (photos / "best.jpg").unlink()
    (photos / "best.jpg").write_bytes(b"best")
    (photos / "cats/one.jpg").unlink()
    (photos / "cats/one.jpg").mkdir()
    datasets.save(photos, "photos")
    found = datasets.diff("photos@1", "photos@2")
    assert isinstance(found, FolderDiff)
    notes = {item.path: (item.size_before, item.size_after, item.note) for item in found.changed}
    assert notes == {
        "best.jpg": (None, 4, "was a link"),
        "cats/one.jpg": (30_000, None, "empty folder"),
    }


def test_files_and_tables_cannot_be_compared(photos: Path) -> None:
    datasets.save(photos, "photos")
    Path("t.csv").write_text("a\n1\n")
    datasets.save("t.csv", "t")
    with pytest.raises(BadInput, match="t@1 is a table"):
        datasets.diff("photos", "t")


def test_a_summary_says_what_a_version_holds(photos: Path) -> None:
    version = datasets.save(photos, "photos")
    found = datasets.show("photos")
    assert isinstance(found, FolderSummary)
    assert found.version == version
    assert (found.files, found.links, found.folders) == (7, 1, 3)
    assert found.size == 2_072_010
    assert [(item.suffix, item.files, item.size) for item in found.types] == [
        (".bin", 1, 2_000_000),
        (".jpg", 3, 60_000),
        (".txt", 2, 12_000),
        (".sh", 1, 10),
    ]
    assert [item.path for item in found.largest[:2]] == ["model.bin", "cats/one.jpg"]
