"""A running pipeline in the terminal: a live table on a tty, one line per step elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO, Any

from mlnb.core.records import now
from mlnb.pipelines.progress import ENDED, PipelineProgress, StepProgress
from mlnb.pipelines.wording import duration
from mlnb.ui.grammar import Surface

Display = Callable[[PipelineProgress], None]

_LOOKS = {
    "PENDING": ("·", "dim"),
    "RUNNING": ("▶", "cyan"),
    "FINISHED": ("✔", "green"),
    "FAILED": ("✘", "bold red"),
    "KILLED": ("✘", "red"),
    "SKIPPED": ("-", "dim"),
}
BAR = 20
"""Characters of a progress bar."""


@contextmanager
def display_for(surface: Surface) -> Iterator[Display]:
    """Give the display that suits where the command was typed."""
    if surface.progress and not surface.json and sys.stdout.isatty():
        with _live() as display:
            yield display
    elif surface.progress:
        yield Lines(sys.stderr if surface.json else sys.stdout)
    else:
        yield lambda progress: None


class Lines:
    """Writes a line when a step starts and when it ends: for CI logs and notebooks."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._seen: dict[str, tuple[str, int]] = {}

    def __call__(self, progress: PipelineProgress) -> None:
        """Write what is new."""
        if not self._seen:
            count = len(progress.steps)
            self._write(f"{progress.id}: {count} {'step' if count == 1 else 'steps'}")
        for step in progress.steps:
            state = (step.status, step.attempt)
            if self._seen.get(step.name, ("PENDING", 1)) != state:
                self._write(_line(step, progress.updated or now()))
            self._seen[step.name] = state

    def _write(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


def _line(step: StepProgress, time: datetime) -> str:
    text = f"{time.astimezone():%H:%M:%S}  {step.name}: {step.status}"
    if step.status == "RUNNING":
        tried = f", attempt {step.attempt}" if step.attempt > 1 else ""
        return f"{text} {step.notebook}{tried}"
    took = f" after {duration(step.started, step.ended)}" if step.started else ""
    cells = f", {step.cells_done}/{step.cells} cells" if step.started else ""
    reason = f": {step.error.splitlines()[0]}" if step.error else ""
    return f"{text}{took}{cells}{reason}"


@contextmanager
def _live() -> Iterator[Display]:
    from rich.console import Console
    from rich.live import Live

    table = LiveTable()
    with Live(
        get_renderable=table.render,
        console=Console(highlight=False),
        refresh_per_second=8,
        transient=True,  # the result is printed in its place
    ):
        yield table


class LiveTable:
    """The steps as they are now; drawn again eight times a second, so that times run."""

    def __init__(self) -> None:
        self._progress: PipelineProgress | None = None

    def __call__(self, progress: PipelineProgress) -> None:
        """Take the newest progress."""
        self._progress = progress

    def render(self) -> Any:
        """Return the table."""
        from rich.table import Table
        from rich.text import Text

        progress = self._progress
        if progress is None:
            return Text("Reading the notebooks …", style="dim")
        done = sum(step.status in ENDED for step in progress.steps)
        took = duration(progress.started, progress.ended)
        title = f"{progress.id}  {done}/{len(progress.steps)} steps  {took}"
        table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
        for name, justify in (("", "left"), ("step", "left"), ("cell", "right")):
            table.add_column(name, justify=justify)  # type: ignore[arg-type]  # a literal
        table.add_column("", no_wrap=True)
        table.add_column("time", justify="right")
        table.add_column("", overflow="ellipsis", no_wrap=True)
        for step in progress.steps:
            glyph, style = _LOOKS[step.status]
            table.add_row(
                Text(glyph, style=style),
                Text(step.name, style=style),
                Text(_cell(step)),
                _bar(step),
                Text(duration(step.started, step.ended)),
                Text(step.error.splitlines()[0] if step.error else "", style=style),
            )
        return table


def _cell(step: StepProgress) -> str:
    if step.started is None:
        return ""
    current = step.cells_done + (step.status == "RUNNING")
    return f"{min(current, step.cells)}/{step.cells}"


def _bar(step: StepProgress) -> Any:
    from rich.text import Text

    if step.status == "PENDING" or not step.cells or step.started is None:
        return Text("")
    full = round(BAR * step.cells_done / step.cells)
    return Text("━" * full, style=_LOOKS[step.status][1]) + Text("━" * (BAR - full), style="grey30")
