"""The ASGI app of one worker: MLflow's scoring protocol, checked, counted and logged.

Routes: ``POST /invocations``, ``GET /ping`` (open), ``/version``, ``/metrics``. Every answer
carries ``X-Request-Id``, ``X-Mlnb-Release`` and ``X-Mlnb-Model``; every error is one JSON object
``{"error", "message", "fix", …}``, and what went wrong inside goes to the server's log only.
"""

import asyncio
import hmac
import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from mlnb.core.errors import (
    EndpointUnavailable,
    MlnbError,
    PredictionFailed,
    RequestTooLarge,
    SignatureMismatch,
    Unauthorized,
    UnknownName,
)
from mlnb.core.extras import require
from mlnb.serving.casting import Field
from mlnb.serving.metrics import Metrics
from mlnb.serving.prediction_log import PredictionLog
from mlnb.serving.protocol import Batch, parse
from mlnb.serving.scoring import Scorer, plain

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Forward = Callable[["Request", bytes], Awaitable["Response"]]

ROUTES = {"/invocations": "POST", "/ping": "GET", "/version": "GET", "/metrics": "GET"}
OPEN = frozenset({"/ping"})
THREADS = 4
"""Requests computed at a time; more wait without blocking the event loop."""
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,100}")
_logger = logging.getLogger("mlnb.serving")


@dataclass(frozen=True)
class Service:
    """What an app serves, and for whom."""

    endpoint: str
    release: int
    model: str
    """``name@number``."""
    fields: Sequence[Field]
    scorer: Scorer
    log: PredictionLog
    metrics: Metrics
    token: str = ""
    """Empty when the endpoint asks for none."""
    body_limit: int = 64 * 1024 * 1024


@dataclass
class Request:
    """One request; its body is read when it is wanted."""

    scope: Scope
    receive: Receive
    id: str
    at: int
    """Arrival, microseconds since the epoch."""
    rows: int = 0
    """Rows predicted, once they are."""
    headers: dict[bytes, bytes] = field(default_factory=dict)

    async def body(self, limit: int) -> bytes:
        """Read the body.

        Raises
        ------
        RequestTooLarge
            When there is more than ``limit``. A moderate excess is read and dropped, so that the
            client gets to see the answer rather than a broken connection.
        """
        chunks: list[bytes] = []
        size, more = 0, True
        while more and size <= 4 * limit:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                break
            chunk = message.get("body", b"")
            size += len(chunk)
            more = message.get("more_body", False)
            if size <= limit:
                chunks.append(chunk)
        if size > limit:
            raise RequestTooLarge(limit)
        return b"".join(chunks)


@dataclass(frozen=True)
class Response:
    """An answer."""

    status: int
    body: bytes
    media: str = "application/json"
    headers: Sequence[tuple[bytes, bytes]] = ()


class App:
    """The app; one per worker, used by one event loop."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._json = require("orjson", "serving")
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="predict")
        self._token = service.token.encode()
        self._own_headers = [
            (b"x-mlnb-release", str(service.release).encode()),
            (b"x-mlnb-model", service.model.encode()),
        ]
        self.forward: Forward | None = None
        """Set when a newer release has taken over: answers in this one's place."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        begun = time.perf_counter()
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        chosen = given.decode() if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        request = Request(scope, receive, chosen, time.time_ns() // 1000, headers=headers)
        forward = self.forward
        if forward is not None:
            await _send(send, await self._answer(request, forward), [(b"connection", b"close")])
            return
        metrics = self._service.metrics
        metrics.begin()
        status = 500
        try:
            response = await self._answer(request)
            status = response.status
        finally:  # also when the client went away
            metrics.end(status, time.perf_counter() - begun, request.rows)
        extra = [*self._own_headers, (b"x-request-id", request.id.encode())]
        await _send(send, response, extra)

    async def _answer(self, request: Request, forward: Forward | None = None) -> Response:
        try:
            if forward is not None:
                return await forward(request, await request.body(self._service.body_limit))
            return await self._route(request)
        except MlnbError as error:
            return self._refusal(error, request)
        except Exception:
            _logger.exception("request %s failed", request.id)
            failure = MlnbError(
                "The endpoint failed on this request.", f"Its log has the reason: {request.id}."
            )
            return self._refusal(failure, request)

    def _refusal(self, error: MlnbError, request: Request) -> Response:
        body = {**error.to_dict(), "request_id": request.id}
        extra = [(b"www-authenticate", b"Bearer")] if isinstance(error, Unauthorized) else []
        return Response(error.http_status, self._json.dumps(body), headers=extra)

    async def _route(self, request: Request) -> Response:
        path, method = request.scope["path"], request.scope["method"]
        if path not in OPEN:
            self._check_token(request)
        wanted = ROUTES.get(path)
        if wanted is None:
            raise UnknownName("route", path, ROUTES)
        if method != wanted and not (method == "HEAD" and wanted == "GET"):
            body = {"error": "MethodNotAllowed", "message": f"{path} takes {wanted}.", "fix": ""}
            return Response(405, self._json.dumps(body), headers=[(b"allow", wanted.encode())])
        if path == "/invocations":
            return await self._invocations(request)
        if path == "/metrics":
            text, media = self._service.metrics.exposition()
            return Response(200, text, media)
        if path == "/version":
            return Response(200, version("mlflow").encode(), "text/plain; charset=utf-8")
        return Response(200, b"\n")

    def _check_token(self, request: Request) -> None:
        if not self._token:
            return
        kind, _, given = request.headers.get(b"authorization", b"").partition(b" ")
        if kind.lower() != b"bearer" or not hmac.compare_digest(given.strip(), self._token):
            name = self._service.endpoint
            raise Unauthorized(
                "This needs the endpoint's token.",
                f"Send 'Authorization: Bearer …'; `mlnb endpoint token {name}` prints it.",
            )

    async def _invocations(self, request: Request) -> Response:
        limit = self._service.body_limit
        body = await request.body(limit)
        media = request.headers.get(b"content-type", b"").decode("latin-1")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._predict, request, body, media)

    def _predict(self, request: Request, body: bytes, media: str) -> Response:
        service = self._service
        batch = parse(body, media, service.fields)
        predictions, scores = self._scored(request, batch)
        try:
            service.log.append(request.id, request.at, batch, predictions, scores)
        except OSError as error:
            _logger.exception("prediction log")
            raise EndpointUnavailable(
                service.endpoint, f"its prediction log cannot be written: {error.strerror or error}"
            ) from None
        request.rows = batch.rows
        answer: dict[str, Any] = {"predictions": plain(predictions)}
        if scores is not None:
            answer["scores"] = scores
        return Response(200, self._json.dumps(answer, option=self._json.OPT_SERIALIZE_NUMPY))

    def _scored(self, request: Request, batch: Batch) -> Any:
        try:
            return self._service.scorer(batch.table.to_pandas())
        except Exception:
            _logger.exception("request %s: the model failed", request.id)
            self._blame_missing_values(batch)
            raise PredictionFailed(
                f"{self._service.model} failed on this request, although it fits the signature.",
                f"The endpoint's log has the reason under {request.id}.",
            ) from None

    def _blame_missing_values(self, batch: Batch) -> None:
        """Say so when the model fails on null; it is not the model's failure if it must not be."""
        gaps = [name for name in batch.table.column_names if batch.table[name].null_count]
        if not gaps:
            return
        whole = batch.table.drop_null()
        if whole.num_rows:
            try:
                self._service.scorer(whole.to_pandas())
            except Exception:  # it fails on complete rows too
                return
        row = batch.table[gaps[0]].is_null().to_pylist().index(True)
        raise SignatureMismatch(gaps[0], "is null, which the model cannot take", row)


async def _send(send: Send, response: Response, extra: Sequence[tuple[bytes, bytes]]) -> None:
    headers = [
        (b"content-type", response.media.encode()),
        (b"content-length", str(len(response.body)).encode()),
        *response.headers,
        *extra,
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
