"""What two releases showed, read from the prediction log and the counts as they grow."""

import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mlnb.core.extras import require
from mlnb.serving import metrics
from mlnb.serving.prediction_log import SUFFIX, lines_of, requests_in
from mlnb.serving.rules import Seen

WINDOW = 600.0
"""Seconds that are looked back at most."""
MOST = 50_000
"""Rows kept per release."""


@dataclass
class _Side:
    """One release's newest requests and rows."""

    times: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=MOST))
    """Moment and latency (ms) of each request."""
    rows: deque[tuple[float, str, Any, Any]] = field(default_factory=lambda: deque(maxlen=MOST))
    """Moment, id, prediction and score of each row."""
    unanswered: deque[float] = field(default_factory=lambda: deque(maxlen=MOST))
    """Moments of requests that it left to the current release."""
    counts: deque[tuple[float, int, int]] = field(default_factory=deque)
    """Moment, requests and failures, as counted by its workers."""


class Observer:
    """Follows an endpoint's log; used by one thread.

    Parameters
    ----------
    folder : Path
        The endpoint's own folder.
    releases : tuple of int
        Those that are looked at.
    since : float
        Seconds since the epoch; what was before does not count.
    """

    def __init__(self, folder: Path, releases: tuple[int, ...], since: float) -> None:
        self._log, self._metrics = folder / "log", folder / "metrics"
        self._since = since
        self._sides = {release: _Side() for release in releases}
        self._files: dict[Path, tuple[int, int | None]] = {}
        """How far each segment was read, and whose it is."""
        self._loads = require("orjson", "serving").loads
        self._count()

    def look(self) -> None:
        """Read what was added."""
        for file in self._log.glob(f"*{SUFFIX}"):
            self._read(file)
        self._count()

    def seen(self, release: int) -> Seen:
        """Return what was seen of a release."""
        side, oldest = self._sides[release], max(self._since, time.time() - WINDOW)
        rows = [row for row in side.rows if row[0] >= oldest]
        requests, failures = _growth(side.counts, oldest)
        unanswered = sum(moment >= oldest for moment in side.unanswered)
        return Seen(
            requests=requests + unanswered,
            failures=failures + unanswered,
            latencies=np.array([taken for moment, taken in side.times if moment >= oldest]),
            scores=[row[2] if row[3] is None else row[3] for row in rows],
        )

    def labelled(self, release: int, labels: Any, seen: Seen) -> None:
        """Add the outcomes that are known of a release's rows."""
        rows = {row[1]: row for row in self._sides[release].rows}
        found = labels[labels.index.isin(list(rows))]
        chosen = [rows[name] for name in found.index]
        seen.truth = list(found)
        seen.predictions = [row[2] for row in chosen]
        seen.labelled_scores = [np.nan if row[3] is None else row[3] for row in chosen]

    def _count(self) -> None:
        found = metrics.read(self._metrics)
        for release, side in self._sides.items():
            counts = found.get(str(release))
            errors = {} if counts is None else counts.requests
            failed = sum(number for status, number in errors.items() if status >= 500)
            side.counts.append((time.time(), sum(errors.values()), failed))
            while len(side.counts) > 2 and side.counts[1][0] < time.time() - WINDOW:
                side.counts.popleft()

    def _read(self, file: Path) -> None:
        begun, release = self._files.get(file, (0, None))
        try:
            with file.open("rb") as stream:
                stream.seek(begun)
                data = stream.read()
        except FileNotFoundError:  # compacted
            return
        whole = data.rfind(b"\n") + 1
        for line in lines_of(data[:whole]):
            entry = self._loads(line)
            if "format" in entry:
                release = entry["release"]
            else:
                for each in requests_in(entry):
                    self._take(each, each.get("release", release))
        self._files[file] = (begun + whole, release)

    def _take(self, entry: dict[str, Any], release: int | None) -> None:
        side = self._sides.get(release) if release is not None else None
        moment = entry.get("at", 0) / 1e6
        if side is None or moment < self._since:
            return
        if "status" in entry:
            side.unanswered.append(moment)
        elif "predictions" in entry:
            side.times.append((moment, entry["us"] / 1000))
            answers = entry["predictions"]
            scores = entry.get("scores") or [None] * len(answers)
            ids = entry.get("ids") or [f"{entry['request_id']}-{n}" for n in range(len(answers))]
            for name, answer, score in zip(ids, answers, scores, strict=True):
                side.rows.append((moment, name, answer, score))


def _growth(counts: "deque[tuple[float, int, int]]", oldest: float) -> tuple[int, int]:
    """Return by how much counts have grown since a moment; they begin anew with the endpoint."""
    inside = [each for each in counts if each[0] >= oldest]
    first = next((each for each in reversed(counts) if each[0] < oldest), counts[0])
    if not inside:
        return 0, 0
    return max(0, inside[-1][1] - first[1]), max(0, inside[-1][2] - first[2])
