"""How an endpoint is doing right now: requests a second, latency and errors per release.

Made from what its workers count in shared memory, so looking costs the endpoint nothing.
"""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlnb.serving import folders, metrics
from mlnb.serving.metrics import BUCKETS, Counts

WINDOW = 15.0
"""Seconds that rates and latencies are about."""


@dataclass(frozen=True)
class Rate:
    """What one release did lately."""

    per_second: float = 0.0
    p50: float | None = None
    """Milliseconds; None when there was no request."""
    p99: float | None = None
    requests: int = 0
    """Since the endpoint started."""
    errors: int = 0
    """Likewise; every answer that was none."""
    failing: float = 0.0
    """Share of errors lately, 0 to 1."""


@dataclass
class Gauge:
    """Looks at an endpoint of this machine again and again; used by one thread.

    Parameters
    ----------
    name : str
        Endpoint.
    """

    name: str
    _seen: deque[tuple[float, dict[str, Counts]]] = field(default_factory=deque)

    def look(self) -> dict[int, Rate]:
        """Return what each release did since the last looks, at most `WINDOW` seconds ago."""
        now = time.monotonic()
        found = metrics.read(self._folder())
        while len(self._seen) > 1 and now - self._seen[1][0] >= WINDOW:
            self._seen.popleft()
        began, before = self._seen[0] if self._seen else (now, found)
        self._seen.append((now, found))
        return {
            int(release): _rate(counts, before.get(release), now - began)
            for release, counts in found.items()
        }

    def _folder(self) -> Path:
        return folders.endpoint_folder(self.name) / "metrics"


def _rate(counts: Counts, before: Counts | None, seconds: float) -> Rate:
    times, total, errors = list(counts.times), counts.total, counts.errors
    if before is not None and before.total <= total:
        times = [now - then for now, then in zip(times, before.times, strict=True)]
        total, errors = total - before.total, errors - before.errors
    return Rate(
        per_second=total / seconds if seconds > 0 else 0.0,
        p50=quantile(times, 0.5),
        p99=quantile(times, 0.99),
        requests=counts.total,
        errors=counts.errors,
        failing=errors / total if total else 0.0,
    )


def quantile(times: Sequence[int], share: float) -> float | None:
    """Return a quantile of latency in milliseconds, within its bucket by interpolation.

    Parameters
    ----------
    times : sequence of int
        Requests per bucket of `mlnb.serving.metrics.BUCKETS`, and one for those above.
    share : float
        0 to 1.
    """
    total = sum(times)
    if total <= 0:
        return None
    wanted, below, least = share * total, 0, 0.0
    for count, most in zip(times, BUCKETS, strict=False):
        if count and below + count >= wanted:
            return 1000 * (least + (most - least) * (wanted - below) / count)
        below, least = below + count, most
    return 1000 * BUCKETS[-1]
