"""The OpenAPI document of the routes: for other clients, and for tests that try what it allows."""

import re
from importlib.metadata import version
from typing import Any

from mlnb.ui.server.messages import Problem
from mlnb.ui.server.routes import ROUTES
from mlnb.ui.server.routing import Blob, Parameter, Route
from mlnb.ui.server.schema import Schema, schemas

FOLDER: Schema = {
    "name": "folder",
    "in": "query",
    "description": "Folder of the file browser whose project is meant; by default the top one.",
    "schema": {"type": "string", "default": ""},
}


def document() -> dict[str, Any]:
    """Return the document of all routes, as OpenAPI 3.1."""
    sent, taken, definitions = schemas("#/components/schemas/{model}", (Problem,))
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, sent, taken)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mlnb in the Jupyter server",
            "version": version("mlnb"),
            "description": "What mlnb's panel and documents in JupyterLab ask for.",
        },
        "servers": [{"url": ".", "description": "The Jupyter server that sent this document."}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": {name: _nullable(item) for name, item in definitions.items()},
            "responses": {
                "problem": {
                    "description": "What happened, and what to do.",
                    "content": {"application/json": {"schema": sent[repr(Problem)]}},
                }
            },
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`token …`, with a token of the Jupyter server.",
                }
            },
        },
    }


def _operation(route: Route, sent: dict[str, Schema], taken: dict[str, Schema]) -> Schema:
    described = [_parameter(item, taken) for item in route.parameters.values()]
    operation: Schema = {
        "operationId": re.sub(r"\W+", "_", route.name.lower()).strip("_"),
        "summary": (route.answer.__doc__ or "").partition("\n")[0],
        "description": f"The authorizer is asked for `{route.action}` on the resource `mlnb`.",
        "parameters": [FOLDER, *(item for item in described if item)],
        "responses": {
            "200": {"description": "The answer.", "content": _content(route, sent)},
            "default": {"$ref": "#/components/responses/problem"},
        },
    }
    if body := route.parameters.get("body"):
        schema = taken[repr(body.kind)]
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    return operation


def _content(route: Route, sent: dict[str, Schema]) -> Schema:
    if route.returns is Blob:
        return {"*/*": {}}
    return {"application/json": {"schema": sent[repr(route.returns)]}}


def _parameter(item: Parameter, taken: dict[str, Schema]) -> Schema | None:
    if item.where == "body":
        return None
    schema = dict(taken[repr(item.kind)])
    if item.where == "path":
        schema.setdefault("minLength", 1)
    return {
        "name": item.name,
        "in": item.where,
        "required": item.required,
        "schema": schema,
    }


def _nullable(schema: Any) -> Any:
    """Say that a number may be null: JSON has no NaN and no infinity."""
    if isinstance(schema, list):
        return [_nullable(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _nullable(item) for name, item in schema.items()}
    return found | {"type": ["number", "null"]} if found.get("type") == "number" else found
