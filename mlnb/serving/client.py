"""The client of an endpoint."""

import asyncio
import time
import weakref
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from mlnb.core.errors import BadInput, SignatureMismatch
from mlnb.core.extras import require
from mlnb.serving import asking, snippets
from mlnb.serving.asking import Pause, Send

if TYPE_CHECKING:
    import pandas as pd

BATCH = 10_000
"""Rows per request."""
RETRIES = 3
CONCURRENT = 4
"""Requests that `Endpoint.predict_async` has under way at a time."""
KEEP_ALIVE = 10
"""Seconds; less than the endpoint keeps an idle connection, so it is never just being closed."""


class Endpoint:
    """An endpoint as its clients see it. Safe to use from several threads.

    Parameters
    ----------
    name : str
        Its name.
    url : str
        ``http://host:port``.
    token : str
        Its token; empty when it asks for none.
    timeout : float
        Seconds to wait for an answer.
    retries : int
        How often a request is sent again, with growing pauses, when nobody answers it (a worker
        was killed with it in hand) or the endpoint has too much to do.
    """

    def __init__(
        self,
        name: str,
        url: str,
        token: str = "",
        *,
        timeout: float = 60,
        retries: int = RETRIES,
    ) -> None:
        httpx = require("httpx", "serving")
        self._json = require("orjson", "serving")
        self.retries = retries
        self.name = name
        self.url = url
        self.token = token
        self._errors = httpx.TransportError
        self._settings: dict[str, Any] = {
            "base_url": url,
            "headers": {"Authorization": f"Bearer {token}"} if token else {},
            "timeout": timeout,
            "limits": httpx.Limits(keepalive_expiry=KEEP_ALIVE),
            "trust_env": False,
        }
        self._client: Any = httpx.Client(**self._settings)
        weakref.finalize(self, self._client.close)

    def __repr__(self) -> str:
        return f"Endpoint({self.name!r}, {self.url!r})"

    def predict(
        self,
        frame: "pd.DataFrame",
        *,
        ids: Sequence[Any] | None = None,
        times: Sequence[Any] | None = None,
        batch: int = BATCH,
    ) -> "pd.DataFrame":
        """Ask for predictions.

        Parameters
        ----------
        frame : DataFrame
            The model's inputs, one line per row.
        ids : sequence, optional
            An id per row, by which the outcome is joined later on.
        times : sequence of datetimes or ISO text, optional
            When each row's event happens; naive means UTC. By default, now.
        batch : int
            Rows per request; a longer frame is sent in several.

        Returns
        -------
        DataFrame
            ``prediction`` and, for a classifier, ``score`` (the probability of the positive
            class), with the frame's index.

        Raises
        ------
        SignatureMismatch
            If the frame does not fit the model's signature; names field and row.
        EndpointUnavailable
            If it does not answer.
        """
        frame = _as_frame(frame)
        answers = []
        for start, body in self._batches(frame, ids, times, batch):
            try:
                answers.append(self.invoke(body))
            except SignatureMismatch as error:
                raise asking.moved(error, start) from None
        return _joined(frame, answers)

    async def predict_async(
        self,
        frame: "pd.DataFrame",
        *,
        ids: Sequence[Any] | None = None,
        times: Sequence[Any] | None = None,
        batch: int = BATCH,
        concurrent: int = CONCURRENT,
    ) -> "pd.DataFrame":
        """Ask for predictions without blocking; as `predict`, several batches at a time.

        Parameters
        ----------
        frame, ids, times, batch
            As in `predict`.
        concurrent : int
            Requests under way at a time.
        """
        httpx = require("httpx", "serving")
        frame = _as_frame(frame)
        places = asyncio.Semaphore(concurrent)
        async with httpx.AsyncClient(**self._settings) as client:

            async def ask(start: int, body: bytes) -> dict[str, Any]:
                async with places:
                    try:
                        return await self._awaited(client, body)
                    except SignatureMismatch as error:
                        raise asking.moved(error, start) from None

            batches = self._batches(frame, ids, times, batch)
            tasks = [asyncio.create_task(ask(start, body)) for start, body in batches]
            try:
                answers = await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
        return _joined(frame, answers)

    def _batches(
        self,
        frame: "pd.DataFrame",
        ids: Sequence[Any] | None,
        times: Sequence[Any] | None,
        rows: int,
    ) -> Iterator[tuple[int, bytes]]:
        """Yield the first row and the body of each request."""
        if rows < 1:
            raise BadInput(f"A batch cannot have {rows} rows.", "Use 1 or more.")
        for name, values in (("ids", ids), ("times", times)):
            if values is not None and len(values) != len(frame):
                given = f"`{name}` has {len(values)} entries for {len(frame)} rows."
                raise BadInput(given, "Give one per row.")
        for start in range(0, max(len(frame), 1), rows):
            part = slice(start, start + rows)
            some = None if ids is None else list(ids)[part]
            when = None if times is None else list(times)[part]
            yield start, self._request(frame.iloc[part], some, when)

    def _request(
        self, frame: "pd.DataFrame", ids: Sequence[Any] | None, times: Sequence[Any] | None
    ) -> bytes:
        import pandas as pd

        if not frame.columns.is_unique:
            raise BadInput("Two columns of the frame have the same name.", "Name each once.")
        body: dict[str, Any] = {
            "inputs": {str(name): _jsonable(frame[name]) for name in frame.columns}
        }
        if ids is not None:
            body["ids"] = pd.Series(ids).tolist()
        if times is not None:
            try:
                body["times"] = _jsonable(pd.to_datetime(pd.Series(times), utc=True))
            except (TypeError, ValueError) as error:
                raise BadInput(f"`times` cannot be read as times: {error}") from None
        try:
            return bytes(self._json.dumps(body, option=self._json.OPT_SERIALIZE_NUMPY))
        except TypeError as error:
            raise BadInput(
                f"The frame cannot be sent as JSON: {error}.",
                "Endpoints take numbers, booleans, text and times.",
            ) from None

    def invoke(self, body: bytes | dict[str, Any]) -> dict[str, Any]:
        """Send a request of the MLflow scoring protocol as it is and return the answer."""
        content = body if isinstance(body, bytes) else self._json.dumps(body)
        answer: dict[str, Any] = self._json.loads(self._send(_invocation(content)).content)
        return answer

    async def _awaited(self, client: Any, body: bytes) -> dict[str, Any]:
        steps = self._question(_invocation(body))
        given: Any = None
        while True:
            try:
                step = steps.send(given)
            except StopIteration as end:
                answer: dict[str, Any] = self._json.loads(end.value.content)
                return answer
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                given = None
                continue
            try:
                given = await client.request(
                    step.method, step.path, content=step.content, headers=step.headers
                )
            except self._errors as error:
                given = error

    def ping(self) -> bool:
        """Tell whether it answers."""
        try:
            return bool(self._client.get("/ping").status_code == 200)
        except self._errors:
            return False

    def metrics(self) -> str:
        """Return its metrics in Prometheus' text format."""
        return str(self._send(Send("GET", "/metrics")).text)

    def curl(self, example: dict[str, Any] | None = None) -> str:
        """Return a shell command that asks it; the token is looked up when the command runs."""
        return snippets.curl(self.name, self.url, example, token=bool(self.token))

    def python(self, example: dict[str, Any] | None = None) -> str:
        """Return Python code that asks it from anywhere; the token comes from the environment."""
        return snippets.python(self.name, self.url, example, token=bool(self.token))

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def _question(self, send: Send) -> Generator[asking.Step, Any, Any]:
        return asking.question(self.name, self.url, send, self.retries, self._json.loads)

    def _send(self, send: Send) -> Any:
        steps = self._question(send)
        given: Any = None
        while True:
            try:
                step = steps.send(given)
            except StopIteration as end:
                return end.value
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                given = None
                continue
            try:
                given = self._client.request(
                    step.method, step.path, content=step.content, headers=step.headers
                )
            except self._errors as error:
                given = error


def _invocation(content: bytes) -> Send:
    headers = {"Content-Type": "application/json", "X-Request-Id": uuid4().hex}
    return Send("POST", "/invocations", content, headers)


def _joined(frame: "pd.DataFrame", answers: Sequence[dict[str, Any]]) -> "pd.DataFrame":
    """Return the answers to the parts of a frame, with its index."""
    import pandas as pd

    columns = {"prediction": [row for answer in answers for row in answer["predictions"]]}
    if all("scores" in answer for answer in answers):
        columns["score"] = [row for answer in answers for row in answer["scores"]]
    return pd.DataFrame(columns, index=frame.index)


def _as_frame(table: Any) -> "pd.DataFrame":
    """Return a frame as it is, a polars or Arrow table as a pandas frame."""
    import pandas as pd

    if isinstance(table, pd.DataFrame):
        return table
    if not hasattr(table, "to_pandas"):
        raise BadInput(f"A {type(table).__name__} is no table.", "Pass a DataFrame.")
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _jsonable(column: "pd.Series[Any]") -> Any:
    """Return a column as orjson takes it: numbers as an array, missing values as null."""
    import numpy as np

    kind = column.dtype
    if isinstance(kind, np.dtype) and kind.kind in "biuf":
        return np.ascontiguousarray(column.to_numpy())
    if getattr(kind, "kind", "") == "M":
        naive = column if isinstance(kind, np.dtype) else column.dt.tz_convert(None)
        moments = np.ascontiguousarray(naive.to_numpy())
        if not np.isnat(moments).any():
            return moments
        texts = np.datetime_as_string(moments, unit="us").astype(object)
        texts[np.isnat(moments)] = None
        return texts.tolist()
    values = column.astype(object)
    return values.where(column.notna(), None).tolist()
