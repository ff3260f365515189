"""Calls that keep the interpreter's lock do what Python's own do."""

import os
from errno import EBADF
from pathlib import Path

import pytest

from mlnb.core import project as projects
from mlnb.tracking import locating, unyielding


def test_what_is_written_and_read_is_what_python_writes_and_reads(tmp_path: Path) -> None:
    path = tmp_path / "file"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        assert unyielding.write(descriptor, b"a\0b") == 3
        assert path.read_bytes() == unyielding.head(descriptor, 100) == b"a\0b"
    finally:
        os.close(descriptor)
    with pytest.raises(OSError, match="Bad file descriptor") as refused:
        unyielding.write(descriptor, b"a")
    assert refused.value.errno == EBADF
    assert unyielding.head(descriptor, 100) == b""


def test_a_stamp_differs_when_the_file_does(tmp_path: Path) -> None:
    path = tmp_path / "fil\u00e9"
    assert unyielding.stamp(str(path)) is None
    path.write_bytes(b"a")
    before = unyielding.stamp(str(path))
    assert before == unyielding.stamp(str(path))
    path.write_bytes(b"ab")
    assert before != unyielding.stamp(str(path))


def test_the_project_is_found_anew_when_anything_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    outer = inner.parent / "mlnb.toml"
    outer.write_text('name = "outer"\n', encoding="utf-8")
    monkeypatch.chdir(inner)

    def name() -> str:
        found = locating.current()
        assert found is projects.current() is locating.current()
        return found.settings.name

    assert name() == "outer"
    outer.write_text('name = "renamed"\n', encoding="utf-8")
    assert name() == "renamed"
    (inner / "mlnb.toml").write_text('name = "inner"\n', encoding="utf-8")
    assert name() == "inner"
    monkeypatch.setenv("MLNB_NAME", "from outside")
    assert name() == "from outside"
    monkeypatch.delenv("MLNB_NAME")
    monkeypatch.chdir(inner.parent)
    assert name() == "renamed"
    monkeypatch.setenv("MLNB_PROJECT", str(inner))
    assert name() == "inner"
