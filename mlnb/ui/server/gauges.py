"""How endpoints have done while somebody looked: one gauge each, shared by all who look.

Looking costs an endpoint nothing (it counts in shared memory). Points are kept for a while, so
that a document opened again begins with what was seen before.
"""

import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from mlnb.core.records import Record
from mlnb.serving.gauging import WINDOW, Gauge

EVERY = 1.0
"""Seconds between two points, at least."""
POINTS = 1800
WATCHED = 32
"""Endpoints whose points are kept, those that were looked at last."""


@dataclass(frozen=True, kw_only=True)
class ReleaseRate(Record):
    """What one release did in the last seconds."""

    release: int
    per_second: float
    p50: float | None
    """Milliseconds; None when there was no request."""
    p99: float | None
    failing: float
    """Share of errors, 0 to 1."""
    requests: int
    """Since the endpoint started."""
    errors: int


@dataclass(frozen=True, kw_only=True)
class LivePoint(Record):
    """All releases of an endpoint at one moment."""

    time: float
    """Seconds since 1970."""
    rates: list[ReleaseRate]


@dataclass
class _Watched:
    gauge: Gauge
    points: deque[LivePoint] = field(default_factory=lambda: deque(maxlen=POINTS))
    looked: float = 0.0
    lock: Lock = field(default_factory=Lock)


_watched: OrderedDict[tuple[Path, str], _Watched] = OrderedDict()
_lock = Lock()


def look(root: Path, endpoint: str, after: float = 0.0) -> list[LivePoint]:
    """Look at an endpoint of the current project, and return the points after a moment.

    Parameters
    ----------
    root : Path
        Of the project.
    endpoint : str
        Its name.
    after : float
        Seconds since 1970.
    """
    with _lock:
        watched = _watched.setdefault((root, endpoint), _Watched(Gauge(endpoint)))
        _watched.move_to_end((root, endpoint))
        while len(_watched) > WATCHED:
            _watched.popitem(last=False)
    with watched.lock:
        now = time.time()
        if now - watched.looked > 2 * WINDOW:  # what came meanwhile is not of the last seconds
            watched.gauge = Gauge(endpoint)
            watched.gauge.look()
            watched.looked = now
            if watched.points:
                watched.points.append(LivePoint(time=now, rates=[]))  # a gap
        elif now - watched.looked >= EVERY:
            watched.looked = now
            watched.points.append(_point(watched.gauge, now))
        return [point for point in watched.points if point.time > after]


def _point(gauge: Gauge, now: float) -> LivePoint:
    return LivePoint(
        time=now,
        rates=[
            ReleaseRate(
                release=release,
                per_second=rate.per_second,
                p50=rate.p50,
                p99=rate.p99,
                failing=rate.failing,
                requests=rate.requests,
                errors=rate.errors,
            )
            for release, rate in sorted(gauge.look().items())
        ],
    )
