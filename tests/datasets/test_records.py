"""Every stored format of the datasets' own records is still read."""

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from mlnb.core.records import Record
from mlnb.datasets import records
from mlnb.datasets.difference import records as difference
from mlnb.datasets.folders import manifest as folders
from mlnb.datasets.folders import records as folder_records
from mlnb.datasets.links import manifest as links
from mlnb.datasets.remotes import records as remotes
from mlnb.datasets.storage import manifest as storage

FIXTURES = Path(__file__).parent / "formats"
MODULES = (records, difference, folders, folder_records, links, remotes, storage)
KINDS = {
    name: kind
    for module in MODULES
    for name, kind in inspect.getmembers(module, inspect.isclass)
    if issubclass(kind, Record) and kind.__module__ == module.__name__
}


@pytest.mark.parametrize("name", KINDS)
def test_every_format_a_record_ever_had_has_a_fixture(name: str) -> None:
    for number in range(1, KINDS[name].FORMAT + 1):
        assert (FIXTURES / f"{name}-{number}.json").is_file()


@pytest.mark.parametrize("file", sorted(FIXTURES.iterdir()), ids=lambda file: file.stem)
def test_every_stored_format_is_read(file: Path) -> None:
    written = json.loads(file.read_text())
    kind = KINDS[file.stem.rpartition("-")[0]]
    again = kind.from_dict(written).to_dict()
    written.pop("format")
    assert kept(written, again) == written


def kept(written: Any, again: Any) -> Any:
    """Return what came back of what was written: fields may have been added, at any depth."""
    if isinstance(written, dict):
        return {key: kept(value, again[key]) for key, value in written.items()}
    if isinstance(written, list):
        return [kept(old, new) for old, new in zip(written, again, strict=True)]
    return again
