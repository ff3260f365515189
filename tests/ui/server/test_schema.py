import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mlnb.core.records import now
from mlnb.tracking.reading.records import RunList, RunSummary
from mlnb.ui.server.messages import Change
from mlnb.ui.server.routes import ROUTES
from mlnb.ui.server.schema import wire_schema

STORED = Path(__file__).parents[3] / "extension" / "codegen" / "records.json"


def test_the_stored_schema_is_the_records():
    assert json.loads(STORED.read_text(encoding="utf-8")) == wire_schema(), (
        "The records have changed: run `make codegen` and commit what it writes."
    )


@pytest.fixture
def schema() -> dict[str, Any]:
    return wire_schema()


def answer(schema: dict[str, Any], route: str) -> dict[str, Any]:
    found = schema["properties"]["routes"]["properties"][route]["properties"]["answer"]
    return {"$defs": schema["$defs"], **found}


def test_what_is_sent_fits_the_schema(schema):
    run = RunSummary(
        id="1", name="fit", experiment="e", status="FINISHED", started=now(), ended=None
    )
    sent = RunList(items=[run], offset=0, total=1).to_dict()
    jsonschema.validate(sent, answer(schema, "GET /runs"))
    pushed = {"$defs": schema["$defs"], **schema["properties"]["change"]}
    jsonschema.validate(Change(sections=["runs"]).to_dict(), pushed)


def test_a_missing_field_does_not_fit(schema):
    sent = RunList(items=[], offset=0, total=0).to_dict()
    del sent["total"]
    with pytest.raises(jsonschema.ValidationError, match="total"):
        jsonschema.validate(sent, answer(schema, "GET /runs"))


def test_every_route_has_its_types(schema):
    assert set(schema["properties"]["routes"]["properties"]) == {route.name for route in ROUTES}
