"""What one worker does with a request: route, check, predict with others, count, log, answer.

The routes are in `mlnb.serving.protocols`. Every answer carries ``X-Request-Id``,
``X-Mlnb-Release`` and ``X-Mlnb-Model``; every error is one JSON object ``{"error", "message",
"fix", …}``, and what went wrong inside goes to the server's log only. `mlnb.serving.http` is the
server in front; any ASGI server can be, too.
"""

import asyncio
import hmac
import logging
import os
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from mlnb.core.errors import (
    AnswerTooLate,
    MlnbError,
    Overloaded,
    PredictionFailed,
    RequestTooLarge,
    SignatureMismatch,
    Unauthorized,
    UnknownName,
)
from mlnb.core.extras import require
from mlnb.serving import protocols
from mlnb.serving.batches import Batch
from mlnb.serving.batching import Batcher, Job, Outcome, Scored
from mlnb.serving.casting import Schema
from mlnb.serving.fields import Field
from mlnb.serving.messages import Reply, Request, Response
from mlnb.serving.metrics import Metrics
from mlnb.serving.prediction_log import PredictionLog
from mlnb.serving.routes import Answer, Exchange, Route, Served, Table
from mlnb.serving.scoring import Engine, answers

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Forward = Callable[[Request], Awaitable[Response]]

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
    scorer: Engine
    log: PredictionLog
    metrics: Metrics
    token: str = ""
    """Empty when the endpoint asks for none."""
    body_limit: int = 64 * 1024 * 1024
    queue_limit: int = 1024
    """Requests that may wait."""
    seconds: float = 60.0
    """Time limit of a request."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What a description of the endpoint may say besides."""


class App:
    """The app; one per worker, used by one event loop."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._json = require("orjson", "serving")
        self._schema = Schema(service.fields)
        self._bearer = b"Bearer " + service.token.encode() if service.token else b""
        self.own_headers = (
            (b"x-mlnb-release", str(service.release).encode()),
            (b"x-mlnb-model", service.model.encode()),
        )
        ours = os.urandom(8).hex()
        self._ids = (f"{ours}{number:016x}" for number in count(1))
        served = Served(
            service.endpoint, service.release, service.model, self._schema, service.facts
        )
        own = [Route("GET", "/metrics", self._metrics)]
        self._table = Table([*protocols.routes(served), *own])
        self._batcher = Batcher(
            self._score,
            self._scored,
            self._late,
            merges=service.scorer.merges,
            seconds=service.seconds,
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self.forward: Forward | None = None
        """Set when a newer release has taken over: answers in this one's place."""
        self.split: Callable[[Request], Forward | None] | None = None
        """Chooses who answers a prediction request in this release's place, if anybody."""
        self.shadow: Callable[[Request, Response], None] | None = None
        """Gets every prediction request once it is answered."""
        self.failed: Callable[[Request, int], None] | None = None
        """Notes a request that was answered with a status of 500 or more."""

    # -- one request -----------------------------------------------------------------------------

    def handle(self, request: Request, reply: Reply) -> None:
        """Answer one request, now or later; never raises."""
        self._name(request)
        if self.forward is not None:
            self._start(self._forwarded(self.forward, request, reply, closes=True))
            return
        begun = time.perf_counter()
        self.service.metrics.begin()
        try:
            self._route(request, reply, begun)
        except Exception as error:
            self._end(request, reply, begun, self.refusal(error, request))

    def _name(self, request: Request) -> None:
        """Give a request its id and time."""
        given = request.headers.get(b"x-request-id")
        if given is not None and _REQUEST_ID.fullmatch(given):
            request.id = given.decode()
        else:
            request.id = next(self._ids)
        request.at = time.time_ns() // 1000

    def _route(self, request: Request, reply: Reply, begun: float) -> None:
        methods = self._table.at(request.path)
        route = None if methods is None else methods.get(request.method)
        if route is None or not route.open:
            self._check_token(request)
        if request.fault is not None:
            raise request.fault
        if methods is None:
            raise UnknownName("route", request.path[:200], self._table.paths)
        if route is None:
            self._end(request, reply, begun, self._wrong_method(request, methods))
        elif route.exchange is not None:
            self._predict(request, reply, route.exchange, begun)
        elif route.answer is not None:
            answer = route.answer(request)
            if isinstance(answer, Response):
                self._end(request, reply, begun, answer)
            else:
                self._start(self._awaited(answer, request, reply, begun))

    def _wrong_method(self, request: Request, methods: Any) -> Response:
        allowed = ", ".join(sorted(methods))
        body = {
            "error": "MethodNotAllowed",
            "message": f"{request.path} takes {allowed}.",
            "fix": "",
            "request_id": request.id,
        }
        return Response(405, self._json.dumps(body), headers=[(b"allow", allowed.encode())])

    def _check_token(self, request: Request) -> None:
        if not self._bearer:
            return
        given = request.headers.get(b"authorization", b"")
        if hmac.compare_digest(given, self._bearer):
            return
        kind, _, token = given.partition(b" ")
        if kind.lower() != b"bearer" or not hmac.compare_digest(token.strip(), self._bearer[7:]):
            name = self.service.endpoint
            raise Unauthorized(
                "This needs the endpoint's token.",
                f"Send 'Authorization: Bearer …'; `mlnb endpoint token {name}` prints it.",
            )

    def _end(self, request: Request, reply: Reply, begun: float, response: Response) -> None:
        status = response.status
        self.service.metrics.end(status, time.perf_counter() - begun, request.rows)
        if status >= 500 and self.failed is not None:
            self.failed(request, status)
        reply(response)

    def refusal(self, error: Exception, request: Request) -> Response:
        """Return the answer that says what went wrong; what is not for clients is logged only."""
        if not isinstance(error, MlnbError):
            _logger.error("request %s failed", request.id, exc_info=error)
            error = MlnbError(
                "The endpoint failed on this request.", f"Its log has the reason: {request.id}."
            )
        body = {**protocols.refusal(error, request.path), "request_id": request.id}
        extra: list[tuple[bytes, bytes]] = []
        if isinstance(error, Unauthorized):
            extra = [(b"www-authenticate", b"Bearer")]
        elif isinstance(error, Overloaded):
            extra = [(b"retry-after", b"1")]
        return Response(error.http_status, self._json.dumps(body), headers=extra)

    def _metrics(self, _request: Request) -> Response:
        text, media = self.service.metrics.exposition()
        return Response(200, text, media)

    # -- what takes a while ----------------------------------------------------------------------

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # the loop itself keeps only a weak reference
        task.add_done_callback(self._tasks.discard)

    async def _awaited(
        self, answer: Awaitable[Response], request: Request, reply: Reply, begun: float
    ) -> None:
        try:
            response = await answer
        except Exception as error:
            response = self.refusal(error, request)
        self._end(request, reply, begun, response)

    async def _forwarded(
        self, forward: Forward, request: Request, reply: Reply, *, closes: bool
    ) -> None:
        try:
            response = await forward(request)
        except Exception as error:
            response = self.refusal(error, request)
        reply(response.foreign(closes=closes))

    # -- predictions -----------------------------------------------------------------------------

    def _predict(self, request: Request, reply: Reply, exchange: Exchange, begun: float) -> None:
        if self.split is not None and (forward := self.split(request)) is not None:
            self.service.metrics.leave()
            self._start(self._forwarded(forward, request, reply, closes=False))
            return
        if self._batcher.waiting >= self.service.queue_limit:
            raise Overloaded(self.service.endpoint, self._batcher.waiting)
        batch = exchange.read(request, self._schema)
        self._batcher.submit(Job(request, reply, exchange, batch, begun))

    def _score(self, batches: Sequence[Batch]) -> Scored:
        """Predict for several requests; if that fails, for each alone, so that one bears it."""
        try:
            return answers(self.service.scorer, self._schema, batches)
        except Exception as error:
            if len(batches) == 1:
                return Scored([self._blamed(batches[0], error)])
        return Scored([self._score([batch]).outcomes[0] for batch in batches])

    def _scored(self, jobs: Sequence[Job], scored: Scored) -> None:
        """Log, then answer."""
        service = self.service
        service.metrics.batch(sum(job.batch.rows for job in jobs))
        logged = self._logged(jobs, scored)
        for job, outcome in zip(jobs, scored.outcomes, strict=True):
            job.answered = True
            try:
                response = self._answer(job, outcome, logged)
            except Exception as error:
                response = self.refusal(error, job.request)
            self._end(job.request, job.reply, job.begun, response)
            if self.shadow is not None:
                self.shadow(job.request, response)

    def _logged(self, jobs: Sequence[Job], scored: Scored) -> bool | None:
        """Log a whole batch by one line; None when each request needs a line of its own."""
        log = self.service.log
        if scored.columns is None or not log.whole:
            return None
        asked = []
        for job in jobs:  # each turn of this is a request more that a second has no time for
            request, batch = job.request, job.batch
            if batch.ids is not None or batch.moments is not None:
                return None
            asked.append((request.id, request.at, batch.rows))
        return log.append_all(asked, scored.columns, scored.predictions, scored.scores)

    def _answer(self, job: Job, outcome: Outcome, logged: bool | None) -> Response:
        service, request = self.service, job.request
        if isinstance(outcome, Exception):
            if isinstance(outcome, MlnbError):
                raise outcome
            _logger.error("request %s: the model failed", request.id, exc_info=outcome)
            raise PredictionFailed(
                f"{service.model} failed on this request, although it fits the signature.",
                f"The endpoint's log has the reason under {request.id}.",
            ) from None
        predictions, scores = outcome
        if logged is None:
            logged = service.log.append(request.id, request.at, job.batch, predictions, scores)
        request.rows = job.batch.rows
        response = job.exchange.write(request, Answer(job.batch, predictions, scores))
        if logged:
            return response
        return replace(response, headers=[*response.headers, (b"x-mlnb-logged", b"no")])

    def _late(self, job: Job) -> None:
        error = AnswerTooLate(self.service.model, self.service.seconds)
        self._end(job.request, job.reply, job.begun, self.refusal(error, job.request))

    def _blamed(self, batch: Batch, error: Exception) -> Exception:
        """Say so when the model fails on null; it is not the model's failure if it must not be."""
        gaps = [place for place, values in enumerate(batch.columns) if None in values]
        if isinstance(error, MlnbError) or not gaps:
            return error
        rows = [row for row in zip(*batch.columns, strict=True) if None not in row]
        if rows:
            try:
                self.service.scorer.answer(self._schema, list(zip(*rows, strict=True)))
            except Exception:  # it fails on complete rows too
                return error
        place = gaps[0]
        row = list(batch.columns[place]).index(None)
        return SignatureMismatch(
            self._schema.names[place], "is null, which the model cannot take", row
        )

    # -- as an ASGI app --------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of an ASGI server."""
        if scope["type"] != "http":
            return
        request = Request(
            scope["method"], scope["path"], scope.get("query_string", b""), dict(scope["headers"])
        )
        answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        try:
            request.body = await _body(receive, self.service.body_limit)
        except RequestTooLarge as error:
            request.fault = error
        self.handle(request, answered.set_result)
        response = await answered
        own = () if response.relayed else self.own_headers
        headers = [
            (b"content-type", response.media.encode()),
            (b"content-length", str(len(response.body)).encode()),
            *response.headers,
            *own,
        ]
        if not any(name == b"x-request-id" for name, _ in response.headers):
            headers.append((b"x-request-id", request.id.encode()))
        start = {"type": "http.response.start", "status": response.status, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": response.body})


async def _body(receive: Receive, limit: int) -> bytes:
    """Read a body; a moderate excess is read and dropped, so that the client hears the answer."""
    chunks: list[bytes] = []
    size, more = 0, True
    while more and size <= 4 * limit:
        message = await receive()
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
