"""What an endpoint counts, per release: in shared memory, so that counting costs next to nothing.

Each worker process has a small file of numbers in the endpoint's metrics folder, mapped into its
memory: a count is one addition, and whoever reads adds up the files. Without a folder (in tests)
the numbers are the process's own. The file is one JSON line (format, release, model, pid), padded
to `HEADER` bytes, and then doubles in the order of `SLOTS`.
"""

import fcntl
import json
import mmap
import os
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlnb.core.extras import require

FORMAT = 1
SHARED = "MLNB_SERVING_METRICS"
"""Folder in which the processes of one endpoint share their counts."""
SUFFIX = ".counts"
HEADER = 512
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Seconds."""
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
"""Rows predicted at a time."""
STATUSES = (200, 400, 401, 403, 404, 405, 408, 411, 413, 415, 422, 429, 431, 500, 503, 504)
OTHER = 0
"""The status under which all others are counted."""

_STATUS = {status: place for place, status in enumerate((*STATUSES, OTHER))}
_TIMES = len(_STATUS)
_BATCHES = _TIMES + len(BUCKETS) + 1
_SECONDS = _BATCHES + len(SIZES) + 1
_ROWS = _SECONDS + 1
_BATCH_ROWS = _SECONDS + 2
_IN_FLIGHT = _SECONDS + 3
SLOTS = _SECONDS + 4


class Metrics:
    """What one worker counts; used by one thread.

    Parameters
    ----------
    release : str
        Release number, the label of every series.
    model : str
        ``name@number``.
    """

    def __init__(self, release: str, model: str) -> None:
        self._own = {"format": FORMAT, "release": release, "model": model, "pid": os.getpid()}
        self._folder = os.environ.get(SHARED, "")
        memory = self._shared() if self._folder else memoryview(self._memory())
        self._slots = memory[HEADER:].cast("d")

    def begin(self) -> None:
        """Count a request in."""
        self._slots[_IN_FLIGHT] += 1.0

    def end(self, status: int, seconds: float, rows: int = 0) -> None:
        """Count a request out."""
        slots = self._slots
        slots[_IN_FLIGHT] -= 1.0
        slots[_STATUS.get(status, _STATUS[OTHER])] += 1.0
        slots[_TIMES + bisect_left(BUCKETS, seconds)] += 1.0
        slots[_SECONDS] += seconds
        slots[_ROWS] += rows

    def leave(self) -> None:
        """Count a request out that another process answers, and counts."""
        self._slots[_IN_FLIGHT] -= 1.0

    def batch(self, rows: int) -> None:
        """Count the rows that were predicted at a time."""
        self._slots[_BATCHES + bisect_left(SIZES, rows)] += 1.0
        self._slots[_BATCH_ROWS] += rows

    def exposition(self) -> tuple[bytes, str]:
        """Return the text that Prometheus scrapes, and its content type."""
        if self._folder:
            counts = read(self._folder)
        else:
            own = {**self._own, "values": list(self._slots)}
            counts = {str(self._own["release"]): _counts(own)}
        return exposition(counts.values())

    def _memory(self) -> bytearray:
        header = json.dumps(self._own).encode().ljust(HEADER - 1) + b"\n"
        return bytearray(header + bytes(8 * SLOTS))

    def _shared(self) -> memoryview:
        path = Path(self._folder) / f"{self._own['release']}-{os.getpid()}{SUFFIX}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self._memory())
        with path.open("r+b") as file:
            return memoryview(mmap.mmap(file.fileno(), HEADER + 8 * SLOTS))


@dataclass
class Counts:
    """What the workers of one release counted together."""

    release: str
    model: str
    requests: dict[int, int] = field(default_factory=dict)
    """By HTTP status; 0 for rare ones."""
    predictions: int = 0
    """Rows."""
    seconds: float = 0.0
    """Of all requests together."""
    times: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    """Requests by duration: those over `BUCKETS[i - 1]`, up to `BUCKETS[i]`."""
    batches: list[int] = field(default_factory=lambda: [0] * (len(SIZES) + 1))
    """Batches by rows, likewise over `SIZES`."""
    batch_rows: int = 0
    in_flight: int = 0
    """Requests being answered, of processes that live."""
    alive: bool = False

    @property
    def total(self) -> int:
        """Return how many requests were answered."""
        return sum(self.requests.values())

    @property
    def errors(self) -> int:
        """Return how many of them in error."""
        return sum(count for status, count in self.requests.items() if not 200 <= status < 400)

    def add(self, values: list[float], alive: bool) -> None:
        """Add one process's numbers."""
        for status, place in _STATUS.items():
            if values[place]:
                self.requests[status] = self.requests.get(status, 0) + int(values[place])
        for place in range(len(self.times)):
            self.times[place] += int(values[_TIMES + place])
        for place in range(len(self.batches)):
            self.batches[place] += int(values[_BATCHES + place])
        self.seconds += values[_SECONDS]
        self.predictions += int(values[_ROWS])
        self.batch_rows += int(values[_BATCH_ROWS])
        if alive:
            self.alive = True
            self.in_flight += int(values[_IN_FLIGHT])


def read(folder: str | Path) -> dict[str, Counts]:
    """Return what was counted since the endpoint started, by release."""
    import psutil

    found: dict[str, Counts] = {}
    with _held(folder, fcntl.LOCK_SH):
        for file in sorted(Path(folder).glob(f"*{SUFFIX}")):
            with suppress(OSError, ValueError):  # just being written
                own = _content(file)
                counts = found.setdefault(own["release"], Counts(own["release"], own["model"]))
                counts.add(own["values"], own["pid"] != 0 and psutil.pid_exists(own["pid"]))
    return found


@contextmanager
def _held(folder: str | Path, how: int) -> Iterator[None]:
    """Keep numbers from being moved while they are added up: a counter must never go back."""
    try:
        file = (Path(folder) / "lock").open("ab")
    except FileNotFoundError:  # nothing has counted here yet
        yield
        return
    with file:
        fcntl.flock(file, how)
        yield


def retire(folder: str | Path, pid: int) -> None:
    """Add the numbers of a process that has ended to those of all ended ones of its release."""
    with _held(folder, fcntl.LOCK_EX):
        for file in Path(folder).glob(f"*-{pid}{SUFFIX}"):
            _move(file)


def _move(file: Path) -> None:
    own = _content(file)
    total = file.with_name(f"{own['release']}-0{SUFFIX}")
    values = own["values"]
    values[_IN_FLIGHT] = 0.0
    if total.exists():
        values = [a + b for a, b in zip(values, _content(total)["values"], strict=True)]
    header = {key: own[key] for key in ("format", "release", "model")} | {"pid": 0}
    body = json.dumps(header).encode().ljust(HEADER - 1) + b"\n"
    written = total.with_suffix(".new")
    written.write_bytes(body + array("d", values).tobytes())
    written.replace(total)
    file.unlink()


def _content(file: Path) -> dict[str, Any]:
    raw = file.read_bytes()
    own: dict[str, Any] = json.loads(raw[:HEADER])
    if own["format"] != FORMAT or len(raw) != HEADER + 8 * SLOTS:
        raise ValueError(f"{file.name} has another format")
    own["values"] = list(memoryview(raw)[HEADER:].cast("d"))
    return own


def _counts(own: dict[str, Any]) -> Counts:
    counts = Counts(own["release"], own["model"])
    counts.add(own["values"], alive=True)
    return counts


def totals(folder: str | Path) -> tuple[int, int]:
    """Return how many requests the processes sharing a folder answered, and how many in error."""
    found = read(folder).values()
    return sum(each.total for each in found), sum(each.errors for each in found)


def exposition(counts: Iterable[Counts]) -> tuple[bytes, str]:
    """Return counts as the text that Prometheus scrapes, and its content type."""
    client = require("prometheus_client", "serving")
    registry = client.CollectorRegistry(auto_describe=False)
    registry.register(_Collector(list(counts)))
    return client.generate_latest(registry), client.CONTENT_TYPE_LATEST


class _Collector:
    """Hands counts to prometheus_client."""

    def __init__(self, counts: list[Counts]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Any]:
        core = require("prometheus_client.core", "serving")
        requests = core.CounterMetricFamily(
            "mlnb_requests", "Requests by HTTP status.", labels=["release", "status"]
        )
        rows = core.CounterMetricFamily(
            "mlnb_predictions", "Rows predicted.", labels=["release", "model"]
        )
        seconds = core.HistogramMetricFamily(
            "mlnb_request_seconds", "Duration of requests.", labels=["release"]
        )
        batches = core.HistogramMetricFamily(
            "mlnb_batch_rows", "Rows predicted at a time.", labels=["release"]
        )
        flight = core.GaugeMetricFamily(
            "mlnb_requests_in_flight", "Requests being answered.", labels=["release"]
        )
        info = core.GaugeMetricFamily(
            "mlnb_release_info", "The releases and models that serve.", labels=["release", "model"]
        )
        for each in self._counts:
            for status, count in sorted(each.requests.items()):
                requests.add_metric([each.release, str(status or "other")], count)
            rows.add_metric([each.release, each.model], each.predictions)
            seconds.add_metric([each.release], _cumulated(BUCKETS, each.times), each.seconds)
            batches.add_metric([each.release], _cumulated(SIZES, each.batches), each.batch_rows)
            if each.alive:
                flight.add_metric([each.release], each.in_flight)
                info.add_metric([each.release, each.model], 1)
        yield from (requests, rows, seconds, batches, flight, info)


def _cumulated(limits: Iterable[float], counts: list[int]) -> list[tuple[str, float]]:
    names = [*(repr(float(limit)) for limit in limits), "+Inf"]
    total, pairs = 0, []
    for name, count in zip(names, counts, strict=True):
        total += count
        pairs.append((name, float(total)))
    return pairs
