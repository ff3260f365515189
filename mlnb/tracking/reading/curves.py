"""How metrics went over the steps of runs, thinned out to what a picture can show."""

from collections.abc import Sequence

from mlnb.core.project import Project
from mlnb.tracking import store
from mlnb.tracking.reading import database
from mlnb.tracking.reading.records import MetricCurve
from mlnb.tracking.reading.stored import StoredRun

POINTS = 240
"""So many points of a curve are kept: the ends, and of each stretch the lowest and highest."""
METRICS = 24
"""Curves of at most so many metrics."""

Point = tuple[int, float | None, int]


def curves(
    project: Project, runs: Sequence[StoredRun], keys: Sequence[str], most: int = METRICS
) -> list[MetricCurve]:
    """Return the curves of metrics that any of the runs has logged more than once.

    Of at most so many metrics, the first ones.
    """
    found: list[MetricCurve] = []
    drawn = 0
    with database.open_store(project.tracking_uri) as opened:
        for key in keys:
            histories = [points_of(project, opened, run, key) for run in runs]
            if max(map(len, histories), default=0) < 2:
                continue
            drawn += 1
            for place, points in enumerate(histories):
                if points:
                    kept = thinned(points)
                    steps, values = [one[0] for one in kept], [one[1] for one in kept]
                    found.append(MetricCurve(metric=key, run=place, steps=steps, values=values))
            if drawn == most:
                break
    return found


def points_of(
    project: Project, opened: database.Database | None, run: StoredRun, key: str
) -> Sequence[Point]:
    """Return all points of a metric of a run, by step."""
    if key not in run.metrics:
        return []
    if opened is not None:
        return opened.points(run.id, key)
    client = store.connection(project.tracking_uri)
    with store.failures():
        history = client.get_metric_history(run.id, key)
    points: list[Point] = [
        (one.step, None if one.value != one.value else one.value, one.timestamp) for one in history
    ]
    return sorted(points, key=lambda point: (point[0], point[2]))


def thinned(points: Sequence[Point], most: int = POINTS) -> list[Point]:
    """Return points that draw the same picture: first, last, and every stretch's extremes."""
    if len(points) <= most:
        return list(points)
    stretches = (most - 2) // 2
    inner = points[1:-1]
    kept = [points[0]]
    for number in range(stretches):
        part = inner[number * len(inner) // stretches : (number + 1) * len(inner) // stretches]
        numbers = [place for place, point in enumerate(part) if point[1] is not None]
        if not numbers:
            kept += part[:1]
            continue
        extremes = {
            min(numbers, key=lambda place: part[place][1] or 0.0),
            max(numbers, key=lambda place: part[place][1] or 0.0),
        }
        kept += [part[place] for place in sorted(extremes)]
    return [*kept, points[-1]]
