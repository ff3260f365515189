"""A running pipeline in the terminal: a live table on a tty, one line per step elsewhere."""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO, Any

from mlnb.core.records import now
from mlnb.pipelines.progress import ENDED, PipelineProgress, StepProgress
from mlnb.pipelines.wording import duration, in_words
from mlnb.ui.grammar import Surface

Display = Callable[[PipelineProgress], None]

_LOOKS = {
    "PENDING": ("·", "dim"),
    "RUNNING": ("▶", "cyan"),
    "FINISHED": ("✔", "green"),
    "CACHED": ("↺", "dark_cyan"),
    "FAILED": ("✘", "bold red"),
    "KILLED": ("✘", "red"),
    "SKIPPED": ("-", "dim"),
}
_SHOWN_FIRST = ("RUNNING", "FAILED", "KILLED", "FINISHED", "CACHED", "SKIPPED", "PENDING")
"""Which steps are shown when there are more of them than lines."""
BAR = 20
"""Characters of a progress bar."""
HOLD = 0.3
"""Seconds after which it is told that a step has started."""
_AROUND = 6
"""Lines of the terminal that are not the table's rows."""


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
    """Writes a line when a step starts and when it ends: for CI logs and notebooks.

    That a step starts is told a moment later, because one whose result is stored ends at once.
    """

    def __init__(self, stream: IO[str], hold: float = HOLD) -> None:
        self._stream = stream
        self._hold = hold
        self._seen: dict[str, tuple[str, int, str]] = {}
        self._held: dict[str, str] = {}
        self._lock = threading.RLock()
        self._outlook = Outlook()

    def __call__(self, progress: PipelineProgress) -> None:
        """Write what is new."""
        with self._lock:
            self._take(progress)

    def _take(self, progress: PipelineProgress) -> None:
        if not self._seen:
            count = len(progress.steps)
            left = self._outlook.said(progress, now())
            head = f"{progress.id}: {count} {'step' if count == 1 else 'steps'}"
            self._write(f"{head}{f', {left}' if left else ''}")
        for step in progress.steps:
            waits = step.why if step.status == "RUNNING" else ""
            state = (step.status, step.attempt, waits)
            if self._seen.get(step.name, ("PENDING", 1, "")) != state:
                self._say(step, _line(step, progress.updated or now()))
            self._seen[step.name] = state

    def _say(self, step: StepProgress, line: str) -> None:
        if step.status == "RUNNING" and step.attempt == 1 and not step.why and self._hold:
            self._held[step.name] = line
            timer = threading.Timer(self._hold, self._release, [step.name])
            timer.daemon = True
            timer.start()
            return
        if _state(step) == "CACHED":
            self._held.pop(step.name, None)
        self._release(step.name)
        self._write(line)

    def _release(self, name: str) -> None:
        with self._lock:
            if (line := self._held.pop(name, None)) is not None:
                self._write(line)

    def _write(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


class Outlook:
    """Says how long a run will still take, going by earlier runs; they are read once."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] | None = None

    def said(self, progress: PipelineProgress, time: datetime) -> str:
        """Return ``about 12 s left``; ``""`` when nothing is known."""
        from mlnb.pipelines.reading import estimates

        if self._seconds is None:
            self._seconds = estimates.expected(progress.pipeline)
        left = estimates.remaining(progress, self._seconds, progress.workers or 1, time)
        if left is None or left < 1:
            return ""
        return f"about {f'{left:.0f} s' if left < 59.5 else in_words(left)} left"


def _line(step: StepProgress, time: datetime) -> str:
    state = _state(step)
    text = f"{time.astimezone():%H:%M:%S}  {step.name}: {state}"
    if state == "RUNNING" and step.why:
        return f"{text}, {step.why}"
    if state == "RUNNING":
        tried = f", attempt {step.attempt}" if step.attempt > 1 else ""
        return f"{text} {step.notebook}{tried}"
    if state == "CACHED":
        return f"{text}: {_note(step)}"
    took = f" after {duration(step.started, step.ended)}" if step.started else ""
    cells = f", {step.cells_done}/{step.cells} cells" if step.started else ""
    reason = f": {step.error.splitlines()[0]}" if step.error else ""
    return f"{text}{took}{cells}{reason}"


@contextmanager
def _live() -> Iterator[Display]:
    from rich.console import Console
    from rich.live import Live

    console = Console(highlight=False)
    table = LiveTable(lambda: console.height)
    with Live(
        get_renderable=table.render,
        console=console,
        refresh_per_second=8,
        transient=True,  # the result is printed in its place
    ):
        yield table


class LiveTable:
    """The steps as they are now; drawn again eight times a second, so that times run."""

    def __init__(self, height: Callable[[], int] = lambda: 100) -> None:
        self._progress: PipelineProgress | None = None
        self._height = height
        self._outlook = Outlook()

    def __call__(self, progress: PipelineProgress) -> None:
        """Take the newest progress."""
        if self._progress is None:
            self._outlook.said(progress, now())  # reads earlier runs in the run's own context
        self._progress = progress

    def render(self) -> Any:
        """Return the table."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        progress = self._progress
        if progress is None:
            return Text("Reading the notebooks …", style="dim")
        table = Table(box=None, padding=(0, 2, 0, 0))
        for name, justify in (("", "left"), ("step", "left"), ("cell", "right"), ("", "left")):
            table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]  # a literal
        table.add_column("time", justify="right", no_wrap=True)
        table.add_column("")  # what may be cut first is the column that could be wrapped
        shown, left_out = _chosen(progress.steps, max(self._height() - _AROUND, 3))
        for step in shown:
            glyph, style = _LOOKS[_state(step)]
            table.add_row(
                Text(glyph, style=style),
                Text(step.name, style=style),
                Text(_cell(step)),
                _bar(step),
                Text("" if step.cached_from else duration(step.started, step.ended)),
                Text(_note(step), style=style, no_wrap=True, overflow="ellipsis"),
            )
        rest = [Text(f"…  {left_out}", style="dim")] if left_out else []
        return Group(self._title(progress), table, *rest)

    def _title(self, progress: PipelineProgress) -> Any:
        from rich.text import Text

        done = sum(step.status in ENDED for step in progress.steps)
        took = duration(progress.started, progress.ended)
        left = self._outlook.said(progress, now())
        title = Text(f"{progress.id}  ", style="bold")
        title.append(f"{done}/{len(progress.steps)} steps  {took}", style="not bold")
        return title.append(f"  {left}", style="not bold cyan") if left else title


def _chosen(steps: list[StepProgress], room: int) -> tuple[list[StepProgress], str]:
    """Return the steps to show, in their order, and in words those that are left out."""
    if len(steps) <= room:
        return steps, ""

    def weight(item: tuple[int, StepProgress]) -> tuple[int, float]:
        number, step = item
        newest = -step.ended.timestamp() if step.ended else float(number)
        return _SHOWN_FIRST.index(_state(step)), newest

    ranked = sorted(enumerate(steps), key=weight)
    chosen = sorted(number for number, _ in ranked[: room - 1])
    rest = Counter(_state(step).lower() for _, step in ranked[room - 1 :])
    said = ", ".join(f"{count} {state}" for state, count in rest.items())
    return [steps[number] for number in chosen], said


def _state(step: StepProgress) -> str:
    return "CACHED" if step.status == "FINISHED" and step.cached_from else step.status


def _note(step: StepProgress) -> str:
    if step.error:
        return step.error.splitlines()[0]
    return step.why.splitlines()[0] if step.why and _state(step) != "FINISHED" else ""


def _cell(step: StepProgress) -> str:
    if step.started is None or step.cached_from:
        return ""
    current = step.cells_done + (step.status == "RUNNING")
    return f"{min(current, step.cells)}/{step.cells}"


def _bar(step: StepProgress) -> Any:
    from rich.text import Text

    if step.status == "PENDING" or not step.cells or step.started is None or step.cached_from:
        return Text("")
    full = round(BAR * step.cells_done / step.cells)
    return Text("━" * full, style=_LOOKS[step.status][1]) + Text("━" * (BAR - full), style="grey30")
