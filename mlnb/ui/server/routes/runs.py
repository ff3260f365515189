"""One run, and runs side by side."""

from mlnb.core.errors import BadInput
from mlnb.tracking.reading.records import (
    Packages,
    RunComparison,
    RunCurves,
    RunDetail,
    RunHistory,
)
from mlnb.ui.server.messages import TextFile
from mlnb.ui.server.routing import Blob, Route
from mlnb.ui.server.sources import Source

MOST_RUNS = 50
"""So many runs are compared at most."""
MOST_METRICS = 12
"""Of so many metrics the curves are answered at once."""
TEXT = 200_000
"""So many bytes of a text are shown."""
IMAGE = 20_000_000
IMAGES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}
"""What is sent as an image: shown in an ``img`` and in a sandbox, none of them runs anything."""


def run(_source: Source, *, run: str) -> RunDetail:
    """Return one run with what it ran on, its files and its relatives."""
    from mlnb.tracking.reading.detail import detail

    return detail(run)


def history(
    _source: Source,
    *,
    run: str,
    metric: list[str] = [],  # noqa: B006  (never changed)
    after: int = 0,
) -> RunHistory:
    """Return how a run's metrics went, thinned out; with ``after`` only what is new."""
    from mlnb.tracking.reading.detail import history

    return history(run, metrics=metric, after=after)


def packages(_source: Source, *, run: str) -> Packages:
    """Return the packages that a run had."""
    from mlnb.tracking.reading.detail import packages

    return packages(run)


def text(_source: Source, *, run: str, path: str) -> TextFile:
    """Return the beginning of a file of a run, if it is text."""
    from mlnb.tracking.reading.detail import read

    content, size = read(run, path, TEXT)
    is_text = b"\0" not in content
    return TextFile(
        path=path,
        size=size,
        text=content.decode(errors="replace") if is_text else None,
        cut=size > len(content),
    )


def image(_source: Source, *, run: str, path: str) -> Blob:
    """Return an image that a run has kept."""
    from mlnb.tracking.reading.detail import read

    suffix = path[path.rfind(".") :].lower() if "." in path else ""
    if suffix not in IMAGES:
        raise BadInput(f"{path!r} is no image.", f"These are shown: {', '.join(sorted(IMAGES))}.")
    content, size = read(run, path, IMAGE)
    if size > len(content):
        raise BadInput(f"{path!r} is too large to be shown: {size:,} bytes.")
    return Blob(content, IMAGES[suffix], path.rpartition("/")[2])


def compare(_source: Source, *, run: list[str], closely: bool = False) -> RunComparison:
    """Return runs side by side; closely with their packages and code, but without curves."""
    from dataclasses import replace

    from mlnb.tracking.reading.comparing import compare

    found: RunComparison = compare(_few(run), closely=closely)
    return replace(found, curves=[])


def curves(_source: Source, *, run: list[str], metric: list[str]) -> RunCurves:
    """Return how some metrics went in several runs."""
    from mlnb.tracking.reading.comparing import metric_curves

    return metric_curves(_few(run), metric, MOST_METRICS)


def _few(runs: list[str]) -> list[str]:
    if len(runs) > MOST_RUNS:
        raise BadInput(
            f"{len(runs)} runs are too many to compare.", f"Choose {MOST_RUNS} or fewer."
        )
    return runs


ROUTES = (
    Route("GET", "/runs/{run}", run),
    Route("GET", "/runs/{run}/history", history),
    Route("GET", "/runs/{run}/packages", packages),
    Route("GET", "/runs/{run}/text", text),
    Route("GET", "/runs/{run}/image", image),
    Route("GET", "/compare", compare),
    Route("GET", "/compare/curves", curves),
)
