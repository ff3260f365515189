"""The client of an endpoint."""

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlnb.core.errors import (
    BadInput,
    EndpointUnavailable,
    PredictionFailed,
    SignatureMismatch,
    Unauthorized,
)
from mlnb.core.extras import require
from mlnb.serving.snippets import curl

if TYPE_CHECKING:
    import pandas as pd

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
    """

    def __init__(self, name: str, url: str, token: str = "", *, timeout: float = 60) -> None:
        httpx = require("httpx", "serving")
        self._json = require("orjson", "serving")
        self.name = name
        self.url = url
        self.token = token
        self._errors = httpx.TransportError
        self._client: Any = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=timeout,
            limits=httpx.Limits(keepalive_expiry=KEEP_ALIVE),
            trust_env=False,
        )
        weakref.finalize(self, self._client.close)

    def __repr__(self) -> str:
        return f"Endpoint({self.name!r}, {self.url!r})"

    def predict(
        self,
        frame: "pd.DataFrame",
        *,
        ids: Sequence[Any] | None = None,
        times: Sequence[Any] | None = None,
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
        import pandas as pd

        if not isinstance(frame, pd.DataFrame):
            frame = _as_frame(frame)
        answer = self.invoke(self._request(frame, ids, times))
        columns = {"prediction": answer["predictions"]}
        if "scores" in answer:
            columns["score"] = answer["scores"]
        return pd.DataFrame(columns, index=frame.index)

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
        response = self._send("POST", "/invocations", content)
        answer: dict[str, Any] = self._json.loads(response.content)
        return answer

    def ping(self) -> bool:
        """Tell whether it answers."""
        try:
            return bool(self._client.get("/ping").status_code == 200)
        except self._errors:
            return False

    def metrics(self) -> str:
        """Return its metrics in Prometheus' text format."""
        return str(self._send("GET", "/metrics").text)

    def curl(self, example: dict[str, Any] | None = None) -> str:
        """Return a shell command that asks it; the token is looked up when the command runs."""
        return curl(self.name, self.url, example, token=bool(self.token))

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def _send(self, method: str, path: str, content: bytes | None = None) -> Any:
        try:
            response = self._client.request(
                method, path, content=content, headers={"Content-Type": "application/json"}
            )
        except self._errors as error:
            raise EndpointUnavailable(
                self.name,
                f"{self.url} does not answer ({error})",
                f"See `mlnb endpoint show {self.name}` and `mlnb endpoint logs {self.name}`.",
            ) from None
        if response.status_code != 200:
            raise self._refusal(response)
        return response

    def _refusal(self, response: Any) -> Exception:
        try:
            said = self._json.loads(response.content)
            message, fix, error = said["message"], said["fix"], said["error"]
        except (ValueError, KeyError, TypeError):
            return EndpointUnavailable(self.name, f"it answered with HTTP {response.status_code}")
        if error == "SignatureMismatch":
            mismatch = SignatureMismatch(said["field"], "", said["row"], fix)
            mismatch.message = message
            return mismatch
        if error == "Unauthorized":
            return Unauthorized(message, fix)
        if error == "PredictionFailed":
            return PredictionFailed(message, fix)
        if response.status_code < 500:
            return BadInput(message, fix)
        return EndpointUnavailable(self.name, message.rstrip("."), fix)


def _as_frame(table: Any) -> "pd.DataFrame":
    """Return a polars or Arrow table as a pandas frame."""
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
