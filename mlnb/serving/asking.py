"""One question to an endpoint, with its retries: the same for clients that wait and that do not.

`question` is a generator: it yields what is to be done (send a request, or pause) and is sent the
answer. A client that blocks and one that awaits each drive it in their own way.
"""

import random
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from mlnb.core.errors import (
    BadInput,
    EndpointUnavailable,
    MlnbError,
    PredictionFailed,
    SignatureMismatch,
    Unauthorized,
)

AGAIN = frozenset({429, 502, 503, 504})
"""Statuses after which the same request may be answered a moment later."""
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 5.0


@dataclass(frozen=True)
class Send:
    """Send this; the answer is a response, or the transport's error."""

    method: str
    path: str
    content: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pause:
    """Wait for so many seconds."""

    seconds: float


Step = Send | Pause


def question(
    name: str, url: str, send: Send, retries: int, loads: Callable[[bytes], Any]
) -> Generator[Step, Any, Any]:
    """Ask until there is an answer, or no retry left; return the response.

    A request that is sent again has the same id, so the prediction log shows what it was.

    Raises
    ------
    MlnbError
        What the endpoint refused with, or that it does not answer.
    """
    for attempt in range(retries + 1):
        answer = yield send
        last = attempt == retries
        if isinstance(answer, Exception):
            if last:
                raise EndpointUnavailable(
                    name,
                    f"{url} does not answer ({answer})",
                    f"See `mlnb endpoint show {name}` and `mlnb endpoint logs {name}`.",
                ) from None
            yield Pause(_pause(attempt))
        elif answer.status_code == 200:
            return answer
        elif answer.status_code not in AGAIN or last:
            raise refusal(name, answer.status_code, answer.content, loads)
        else:
            yield Pause(max(_pause(attempt), _asked_for(answer)))
    raise AssertionError("the last attempt returns or raises")  # pragma: no cover


def _pause(attempt: int) -> float:
    """Return how long to wait: longer each time, and not all clients alike."""
    longest = min(FIRST_PAUSE * 2.0**attempt, LONGEST_PAUSE)
    return longest * random.uniform(0.5, 1)  # noqa: S311  (no secret depends on it)


def _asked_for(response: Any) -> float:
    try:
        return min(float(response.headers.get("retry-after", "0")), LONGEST_PAUSE)
    except ValueError:
        return 0.0


def refusal(name: str, status: int, content: bytes, loads: Callable[[bytes], Any]) -> MlnbError:
    """Return an endpoint's refusal as the error it was there."""
    try:
        said = loads(content)
        message, fix, error = said["message"], said["fix"], said["error"]
    except (ValueError, KeyError, TypeError):
        return EndpointUnavailable(name, f"it answered with HTTP {status}")
    if error == "SignatureMismatch":
        mismatch = SignatureMismatch(said["field"], "", said["row"], fix)
        mismatch.message = message
        return mismatch
    if error == "Unauthorized":
        return Unauthorized(message, fix)
    if error == "PredictionFailed":
        return PredictionFailed(message, fix)
    if status < 500 and status not in AGAIN:
        return BadInput(message, fix)
    return EndpointUnavailable(name, message.rstrip("."), fix)


def moved(error: SignatureMismatch, rows: int) -> SignatureMismatch:
    """Return an error about a later batch with the row's place in the whole frame."""
    if not rows or error.row is None:
        return error
    made = SignatureMismatch(error.field, "", error.row + rows, error.fix)
    made.message = error.message.replace(f"(row {error.row})", f"(row {error.row + rows})", 1)
    return made
