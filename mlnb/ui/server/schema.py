"""Print the JSON Schema of all that goes over the wire, for the TypeScript types.

``python -m mlnb.ui.server.schema > extension/codegen/records.json``, then ``npm run codegen``.
"""

import json
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import TypeAdapter

from mlnb.core.records import (
    DatasetVersion,
    DriftReport,
    EndpointStatus,
    ModelVersion,
    MonitorReport,
    PipelineRun,
    RunRecord,
    SuiteResult,
)
from mlnb.datasets.difference.records import DatasetDiff
from mlnb.datasets.records import DatasetProfile
from mlnb.pipelines.reading.showing import PipelineReading
from mlnb.ui.server.messages import Change, Problem
from mlnb.ui.server.routes import ROUTES
from mlnb.ui.server.routing import Blob, Route

Schema = dict[str, Any]

STORED = (
    DatasetDiff,
    DatasetProfile,
    DatasetVersion,
    DriftReport,
    EndpointStatus,
    ModelVersion,
    MonitorReport,
    PipelineReading,
    PipelineRun,
    RunRecord,
    SuiteResult,
)
"""Records that notebooks store and the extension draws (`mlnb.ui.stored`)."""


def wire_schema() -> Schema:
    """Return one schema: what is pushed, what routes take and answer, what notebooks store."""
    sent, taken, definitions = schemas("#/$defs/{model}", (Change, Problem, *STORED))
    routes = {route.name: _route(route, sent, taken) for route in ROUTES}
    wire = {
        "change": sent[repr(Change)],
        "problem": sent[repr(Problem)],
        "routes": _object(routes),
    }
    stored = {"anyOf": [sent[repr(kind)] for kind in STORED]}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Wire",
        "description": "All that goes between the browser and the server extension.",
        **_object({**wire, "stored": stored}, [*wire]),
        "$defs": definitions,
    }


def schemas(
    reference: str, also: Iterable[type]
) -> tuple[dict[str, Schema], dict[str, Schema], dict[str, Schema]]:
    """Return the schemas of what the routes send and take, and of what these refer to.

    Parameters
    ----------
    reference : str
        How they refer to it, with ``{model}`` for the name.
    also : iterable of type
        Records that are sent by other ways.

    Returns
    -------
    sent, taken : dict
        By the type's ``repr``.
    definitions : dict
        By the type's name.
    """
    answers = [route.returns for route in ROUTES]
    sent, definitions = _schemas("serialization", [*also, *answers], reference)
    taken, taken_definitions = _schemas(
        "validation",
        [item.kind for route in ROUTES for item in route.parameters.values()],
        reference,
    )
    for definition in definitions.values():
        _as_sent(definition)
    for name, definition in taken_definitions.items():
        for schema in definition.get("properties", {}).values():
            schema.pop("title", None)  # a name for every field would be too many
        if definitions.setdefault(name, definition) != definition:
            raise TypeError(f"{name} is sent and taken: its fields are needed in one of them only.")
    return sent, taken, definitions


def _route(route: Route, sent: dict[str, Schema], taken: dict[str, Schema]) -> Schema:
    asked = {name: taken[repr(item.kind)] for name, item in route.parameters.items()}
    needed = [name for name, item in route.parameters.items() if item.required]
    folder = {"type": "string", "description": "Of the file browser: whose project is meant."}
    return {
        "description": (route.answer.__doc__ or "").partition("\n")[0],
        **_object(
            {
                "asked": _object({"folder": folder, **asked}, ["folder", *needed]),
                "answer": sent[repr(route.returns)],
            }
        ),
    }


def _schemas(
    mode: Literal["serialization", "validation"], kinds: Iterable[Any], reference: str
) -> tuple[dict[str, Schema], dict[str, Schema]]:
    """Return the schema of each type, and what they refer to."""
    unique = {repr(kind): kind for kind in kinds}
    blob = {repr(Blob): {"type": "string", "description": "What the media type says; no JSON."}}
    adapters = [
        (name, mode, TypeAdapter(kind)) for name, kind in unique.items() if kind is not Blob
    ]
    found, schema = TypeAdapter.json_schemas(adapters, ref_template=reference)
    return blob | {name: item for (name, _), item in found.items()}, schema.get("$defs", {})


def _object(properties: dict[str, Schema], required: list[str] | None = None) -> Schema:
    needed = sorted(properties) if required is None else sorted(required)
    return {
        "type": "object",
        "properties": properties,
        "required": needed,
        "additionalProperties": False,
    }


def _as_sent(definition: Schema) -> None:
    """Say that every field is present, and leave naming fields to the reader."""
    properties = definition.get("properties", {})
    definition["required"] = sorted(properties)
    for schema in properties.values():
        schema.pop("title", None)
        schema.pop("default", None)


if __name__ == "__main__":
    print(json.dumps(wire_schema(), ensure_ascii=False, indent=2))
