"""What SageMaker asks of a container beside ``/ping`` and ``/invocations``, which are MLflow's."""

from mlnb.core.extras import require
from mlnb.serving.messages import Request, Response
from mlnb.serving.routes import Route, Served

PAYLOAD = 6
"""Megabytes of a batch transform's request, SageMaker's own default."""


def routes(_served: Served) -> list[Route]:
    """Return the route by which a batch transform job learns how to ask."""
    return [Route("GET", "/execution-parameters", _parameters, open=True)]


def _parameters(_request: Request) -> Response:
    body = {
        "MaxConcurrentTransforms": 4,
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": PAYLOAD,
    }
    return Response(200, require("orjson", "serving").dumps(body))
