"""``POST /predict``, the endpoint's OpenAPI document, and the page that shows it."""

from functools import cache
from importlib.resources import files

from mlnb.core.errors import BadInput, suggestion
from mlnb.core.extras import require
from mlnb.serving import openapi
from mlnb.serving.batches import Batch
from mlnb.serving.casting import Schema
from mlnb.serving.messages import Request, Response
from mlnb.serving.protocols.mlflow import Invocations, from_message
from mlnb.serving.routes import Route, Served

_KEYS = ("rows", "ids", "times")
_HOW = "Send JSON: {'rows': [{field: value, …}, …]}."
_PAGE_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
        b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


def routes(served: Served) -> list[Route]:
    """Return the routes; the document describes those of every protocol."""
    return [
        Route("POST", "/predict", exchange=Predict()),
        Route("GET", "/openapi.json", _Document(served)),
        Route("GET", "/docs", _page, open=True),
    ]


class Predict(Invocations):
    """Reads ``{"rows": [{…}, …]}``, writes ``{"predictions": […], "scores": […]}``."""

    def __init__(self) -> None:
        super().__init__()
        self._loads = require("orjson", "serving").loads

    def read(self, request: Request, schema: Schema) -> Batch:
        """Read the body."""
        media = request.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if media not in (b"application/json", b""):
            named = media.decode("latin-1")[:100]
            raise BadInput(f"Content type {named!r} is not understood.", _HOW)
        try:
            message = self._loads(request.body)
        except ValueError as error:
            raise BadInput(f"The body is no valid JSON: {error}.", _HOW) from None
        if not isinstance(message, dict) or not isinstance(message.get("rows"), list):
            raise BadInput("The body is no JSON object with the list 'rows'.", _HOW)
        for key in message:
            if key not in _KEYS:
                named = key[:100]
                raise BadInput(f"The body has the unknown key {named!r}.", suggestion(named, _KEYS))
        rows = message.pop("rows")
        return from_message({"dataframe_records": rows, **message}, schema)


class _Document:
    """Answers with the document, made when it is asked for first."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._response: Response | None = None

    def __call__(self, _request: Request) -> Response:
        if self._response is None:
            from mlnb.serving import protocols

            made = openapi.document(self._served, protocols.all_routes(self._served))
            self._response = Response(200, require("orjson", "serving").dumps(made))
        return self._response


@cache
def _html() -> bytes:
    return files("mlnb.serving").joinpath("templates/docs.html").read_bytes()


def _page(_request: Request) -> Response:
    """Answer with a page that knows nothing yet: it asks for the token, then for the document."""
    return Response(200, _html(), "text/html; charset=utf-8", _PAGE_HEADERS)
