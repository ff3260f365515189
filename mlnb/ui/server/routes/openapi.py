"""The routes describe themselves."""

import json

from mlnb.ui.server.routing import Blob, Route
from mlnb.ui.server.sources import Source


def openapi(_source: Source) -> Blob:
    """Describe all routes, as an OpenAPI document."""
    from mlnb.ui.server.openapi import document

    return Blob(json.dumps(document(), indent=1).encode(), "application/json", "openapi.json")


ROUTES = (Route("GET", "/openapi.json", openapi, anywhere=True),)
