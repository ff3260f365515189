import json
from typing import Any

import pytest
from openapi_spec_validator import validate

from mlnb.ui.server.openapi import document
from mlnb.ui.server.routes import ROUTES


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document()


def test_the_document_is_openapi(described):
    validate(described)


def test_every_route_is_described(described):
    operations = {
        f"{method.upper()} {path}": operation
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
    }
    assert set(operations) == {route.name for route in ROUTES}
    for route in ROUTES:
        operation = operations[route.name]
        assert operation["summary"].endswith("."), route.name
        assert f"`{route.action}`" in operation["description"]
        listed = {item["name"] for item in operation["parameters"]}
        taken = {name for name, item in route.parameters.items() if item.where != "body"}
        assert listed == taken | {"folder"}
        assert ("requestBody" in operation) == ("body" in route.parameters)
    identifiers = [operation["operationId"] for operation in operations.values()]
    assert len(set(identifiers)) == len(identifiers)


def test_it_names_no_type_that_it_does_not_describe(described):
    text = json.dumps(described)
    for name in described["components"]["schemas"]:
        assert "." not in name, "a name of the inside"
    assert "$defs" not in text


async def test_the_server_sends_it(jp_fetch, described):
    response = await jp_fetch("mlnb", "api", "openapi.json")
    assert response.headers["Content-Type"] == "application/json"
    assert json.loads(response.body) == described
