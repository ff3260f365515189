"""The JSON Schema of a pipeline file, with which editors complete and check it."""

import json
from typing import Any

from mlnb.pipelines.spec.models import Pipeline

FILE = "pipeline.schema.json"
HINT = "# yaml-language-server: $schema="
"""The first line of a pipeline file, followed by the path or address of the schema."""


def schema() -> dict[str, Any]:
    """Return the schema; it accepts what reads as a pipeline, as far as one can say it so.

    Names that must fit each other (`needs`, expressions) are beyond a schema.
    """
    made = _tidy(Pipeline.model_json_schema())
    step = made["$defs"]["Step"]
    step["oneOf"] = [{"required": [kind]} for kind in ("notebook", "script", "function")]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A pipeline of mlnb",
        **made,
    }


def text() -> str:
    """Return the schema as it is published."""
    return json.dumps(schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _tidy(node: Any, *, named: bool = False) -> Any:
    """Leave out the titles that pydantic makes of names, and marks that only Python's docs need."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {
        key: _tidy(value, named=key in ("properties", "$defs"))
        for key, value in node.items()
        if named or not (key == "title" and isinstance(value, str))
    }
    if isinstance(made.get("description"), str):
        made["description"] = " ".join(made["description"].replace("`", "").split())
    return made
