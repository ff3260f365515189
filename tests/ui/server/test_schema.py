import json
from pathlib import Path

import jsonschema
import pytest

from mlnb.core.records import RunRecord, now
from mlnb.ui.server.messages import Change, Overview, Place
from mlnb.ui.server.schema import wire_schema

STORED = Path(__file__).parents[3] / "extension" / "codegen" / "records.json"


def test_the_stored_schema_is_the_records():
    assert json.loads(STORED.read_text(encoding="utf-8")) == wire_schema(), (
        "The records have changed: run `make codegen` and commit what it writes."
    )


@pytest.fixture
def schema() -> dict[str, object]:
    return wire_schema()


def test_what_is_sent_fits_the_schema(schema):
    run = RunRecord(
        id="1", name="fit", experiment="e", status="FINISHED", started=now(), ended=None
    )
    sent = {
        "overview": Overview(project=Place(name="p"), runs=[run]).to_dict(),
        "change": Change(sections=["runs"]).to_dict(),
    }
    jsonschema.validate(sent, schema)


def test_a_missing_field_does_not_fit(schema):
    sent = {"change": Change().to_dict(), "overview": Overview(project=Place(name="p")).to_dict()}
    del sent["overview"]["problems"]
    with pytest.raises(jsonschema.ValidationError, match="problems"):
        jsonschema.validate(sent, schema)
