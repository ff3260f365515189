"""Records that older versions have stored are read."""

import json
from pathlib import Path

import pytest

from mlnb.core.errors import UnreadableRecord
from mlnb.core.records import Record
from mlnb.pipelines.caching.records import CachedStep
from mlnb.pipelines.results import RunState

FORMATS = Path(__file__).parent / "formats"


@pytest.mark.parametrize("kind", [CachedStep, RunState])
def test_stored_records_of_format_1_are_read(kind: type[Record]) -> None:
    data = json.loads((FORMATS / f"{kind.__name__}-1.json").read_text(encoding="utf-8"))
    assert kind.from_dict(data).to_dict() == data
    with pytest.raises(UnreadableRecord):
        kind.from_dict({**data, "format": 99})
