"""What the panel's routes cost: from the request to the last byte of the answer."""

import http.client
import json
import random
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

from lab_store import HISTORY

WORDS = ("boosting", "linear", "train-3", "failed", "run-77", "red", "0.31")
ORDERS = ("", "name", "-duration", "-metrics.metric_01", "metrics.metric_07", "status")


def measure(lab: Any, runs: int, times: int = 40, seed: int = 0) -> dict[str, list[float]]:
    """Ask each route so many times over one connection; returns the seconds of each answer.

    Filters and orders differ from request to request, so that no answer is one given before.
    """
    chance = random.Random(seed)  # noqa: S311  (no secret)
    parts = urlsplit(lab.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    found: dict[str, list[float]] = {}
    for name, path in _questions(runs, times, chance):
        begun = time.perf_counter()
        connection.request("GET", path, headers={"Authorization": f"token {lab.token}"})
        answer = connection.getresponse()
        body = answer.read()
        taken = time.perf_counter() - begun
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body[:200]!r}")
        json.loads(body)
        if not name.startswith("first"):
            found.setdefault(name, []).append(taken)
    connection.close()
    return found


def _questions(runs: int, times: int, chance: random.Random) -> Iterator[tuple[str, str]]:
    for route in ("runs", "datasets", "models", "endpoints", "pipelines", "changes"):
        yield f"first {route}", _path(route)  # the server imports what it needs
    yield "first versions", _path(f"datasets/{HISTORY}/versions")
    for number in range(times):
        offset = chance.randrange(0, runs // 100) * 100
        yield "runs, a page", _path("runs", offset=offset)
        least = round(chance.random(), 6)
        query = f"{chance.choice(WORDS)} metric_{number % 10:02d}>{least}"
        order = chance.choice(ORDERS)
        yield "runs, filtered and ordered", _path("runs", query=query, order=order)
        yield "runs, by a word", _path("runs", query=f"{chance.choice(WORDS)}{number % 10}")
        yield "datasets", _path("datasets", query=str(number), order="-created")
        yield "versions of a dataset", _path(f"datasets/{HISTORY}/versions")
        yield "models", _path("models")
        yield "endpoints", _path("endpoints")
        yield "pipelines", _path("pipelines")
        yield "changes", _path("changes", seen=1)


def _path(route: str, **query: Any) -> str:
    return f"/mlnb/api/{route}?{urlencode(query)}"


def percentile(values: list[float], share: float) -> float:
    """Return the value that so large a share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
