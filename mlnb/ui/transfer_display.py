"""A running push or pull: a bar on a terminal, one line that changes in a notebook, lines in a log.

Only transfers that take a while are shown at all.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from mlnb.datasets.remotes.records import Progress
from mlnb.ui.grammar import Surface
from mlnb.ui.views.dataset import size

Display = Callable[[Progress], None]

_QUIET = 0.5
"""Seconds after which a transfer is worth showing."""
_LOG_EVERY = 10.0
"""Seconds between the lines of a log."""
_DRAW_EVERY = 0.25
"""Seconds between two states of a line that changes."""
_WORDS = {"push": "Pushing", "pull": "Pulling", "repair": "Repairing", "verify": "Verifying"}


@contextmanager
def display_for(surface: Surface) -> Iterator[Display]:
    """Give the display that suits where the command was typed."""
    if not surface.progress or surface.json:
        yield lambda progress: None
    elif sys.stdout.isatty():
        with _bar() as display:
            yield display
    elif surface.namespace is not None:
        line = ChangingLine(sys.stdout)
        try:
            yield line
        finally:
            line.clear()
    else:
        yield LogLines(sys.stderr)


def text_of(progress: Progress) -> str:
    """Return a transfer's state as one line: objects, bytes, rate and what is left."""
    word = _WORDS[progress.action]
    if progress.phase == "comparing":
        return f"{word}: comparing …"
    if progress.phase == "recording":
        return f"{word}: recording …"
    parts = [
        f"{progress.objects:,}/{progress.objects_total:,} objects",
        f"{size(progress.bytes)} of {size(progress.bytes_total)}",
    ]
    if progress.rate:
        parts.append(f"{size(round(progress.rate))}/s")
    if progress.remaining is not None:
        parts.append(f"{_duration(progress.remaining)} left")
    return f"{word}: " + ", ".join(parts)


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02d} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d} h"


class ChangingLine:
    """Writes one line over and over, and removes it at the end."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._started = time.monotonic()
        self._drawn = 0.0
        self._width = 0

    def __call__(self, progress: Progress) -> None:
        """Show the newest state, at most four times a second."""
        now = time.monotonic()
        if now - self._started < _QUIET or now - self._drawn < _DRAW_EVERY:
            return
        text = text_of(progress)
        self._stream.write("\r" + text.ljust(self._width))
        self._stream.flush()
        self._drawn, self._width = now, len(text)

    def clear(self) -> None:
        """Leave an empty line."""
        if self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()


class LogLines:
    """Writes a line now and then."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._written = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        """Write the newest state, if the last was written long enough ago."""
        if time.monotonic() - self._written >= _LOG_EVERY:
            print(text_of(progress), file=self._stream, flush=True)
            self._written = time.monotonic()


@contextmanager
def _bar() -> Iterator[Display]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bars

    columns: list[Any] = [
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[objects]}"),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    ]
    with Bars(*columns, console=Console(highlight=False), transient=True) as bars:
        task = bars.add_task("", total=None, objects="")

        def show(progress: Progress) -> None:
            word = _WORDS[progress.action]
            bars.update(
                task,
                description=word if progress.phase == "copying" else f"{word}: {progress.phase}",
                completed=progress.bytes,
                total=progress.bytes_total or None,
                objects=f"{progress.objects:,}/{progress.objects_total:,} objects",
            )

        yield show
