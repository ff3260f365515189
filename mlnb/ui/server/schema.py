"""Print the JSON Schema of all that goes over the wire, for the TypeScript types.

``python -m mlnb.ui.server.schema > extension/codegen/records.json``, then ``npm run codegen``.
"""

import json
from typing import Any

from pydantic import TypeAdapter

from mlnb.ui.server.messages import Change, Overview


def wire_schema() -> dict[str, Any]:
    """Return one schema of `Overview`, `Change` and every record in them."""
    refs, schema = TypeAdapter.json_schemas(
        [(kind.__name__, "serialization", TypeAdapter(kind)) for kind in (Overview, Change)]
    )
    for definition in schema["$defs"].values():
        _as_sent(definition)
    messages = {name.lower(): ref for (name, _), ref in refs.items()}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Wire",
        "description": "All that the server extension sends.",
        "type": "object",
        "properties": messages,
        "required": sorted(messages),
        "$defs": schema["$defs"],
    }


def _as_sent(definition: dict[str, Any]) -> None:
    """Say that every field is present, and leave naming fields to the reader."""
    properties = definition.get("properties", {})
    definition["required"] = sorted(properties)
    for schema in properties.values():
        schema.pop("title", None)
        schema.pop("default", None)


if __name__ == "__main__":
    print(json.dumps(wire_schema(), ensure_ascii=False, indent=2))
