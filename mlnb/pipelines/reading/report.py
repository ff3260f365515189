"""The HTML report of a pipeline run: one file that needs no other, nor a network."""

import glob
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

from mlnb.core import project as projects
from mlnb.core import redaction
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun, StepResult
from mlnb.pipelines.planning import Plan, PlannedStep
from mlnb.pipelines.reading import cells, diagram, excerpts, gathering, sparks, timeline
from mlnb.pipelines.reading.excerpts import Excerpt, Picture
from mlnb.pipelines.reading.gathering import Reading, State, StepReading
from mlnb.pipelines.reading.plots import PlotChange
from mlnb.pipelines.wording import duration, shown

FILE = "report.html"
PICTURES_LIMIT = 30_000_000
"""Characters of embedded pictures; the rest are only in the executed notebooks."""
_PICTURE = re.compile('"(picture:[0-9a-f]+)"')
ERROR_LIMIT = 4_000
"""Characters of an error."""
EXCERPTS_LIMIT = 12
"""So many failed steps are shown with their cells."""


@dataclass
class Part:
    """One step as the report shows it."""

    read: StepReading
    planned: PlannedStep
    number: int
    """Names its place in the page."""
    excerpt: Excerpt
    pictures: list[Picture] = field(default_factory=list)
    left_out: int = 0
    """Pictures that did not fit."""
    attempts: list[str] = field(default_factory=list)
    """Notebooks of failed attempts."""
    link: str = ""
    """The executed notebook as the report's folder sees it."""

    @property
    def result(self) -> StepResult:
        """Return the step's record."""
        return self.read.result

    @property
    def state(self) -> State:
        """Return its status; CACHED when a stored result was used."""
        return self.read.state


@dataclass
class _Room:
    """How much of the page pictures may still take."""

    left: int
    pictures: dict[str, Picture] = field(default_factory=dict)

    def take(self, picture: Picture) -> bool:
        if len(picture.body) > self.left:
            return False
        self.left -= len(picture.body)
        self.pictures[_place(picture)] = picture
        return True


def write(run: PipelineRun, plan: Plan, folder: Path, project: Project) -> Path:
    """Write the report of a run beside its executed notebooks and return its path.

    Parameters
    ----------
    run : PipelineRun
        The run, ended.
    plan : Plan
        What its steps need; of jobs that were made while it ran, what can be told is shown.
    folder : Path
        Where its executed notebooks are.
    project : Project
        Its project; must be the current one.
    """
    executed = any(step.started and not step.cached_from for step in run.steps)
    # Where all was there already, nobody should wait for a comparison.
    reading = gathering.gather(project, run, compares_data=executed)
    room = _Room(PICTURES_LIMIT)
    plots = [change for change in reading.plots if _fits(change, room)]
    parts = _parts(reading, plan, folder, room)
    failures = [part for step in reading.failures for part in parts if part.read is step]
    html = _template().render(
        run=run,
        plan=plan,
        project=project.name,
        reading=reading,
        parts=parts,
        failures=failures,
        shown_whole=EXCERPTS_LIMIT,
        any_runs=any(step.runs for step in run.steps),
        diagram=diagram.draw(_graph(parts)) if parts else None,
        size=diagram,
        timeline=timeline.draw(run),
        by_name={part.result.name: part for part in parts},
        metrics=[item for item in reading.changes if item.is_number],
        other_values=[item for item in reading.changes if item.differs and not item.is_number],
        plots=plots,
        code_light=excerpts.style_sheet("default"),
        code_dark=excerpts.style_sheet("monokai"),
    )
    path = folder / FILE
    path.write_text(_with_pictures(redaction.text(html), room), encoding="utf-8")
    return path


def _parts(reading: Reading, plan: Plan, folder: Path, room: _Room) -> list[Part]:
    planned = {step.name: step for step in plan.steps}
    wrong = reading.failures
    parts: list[Part] = []
    for number, step in enumerate(reading.steps, start=1):
        place = planned.get(step.result.name) or _unplanned(step.result, plan.steps, planned)
        planned.setdefault(place.name, place)
        whole = any(step is item for item in wrong[:EXCERPTS_LIMIT])
        part = Part(step, place, number, excerpts.of(step.cells, whole=whole))
        for picture in part.excerpt.pictures:
            if room.take(picture):
                part.pictures.append(picture)
            else:
                part.left_out += 1
        output = reading.project.root / step.result.output
        if step.result.output and output.is_file():
            part.link = Path(os.path.relpath(output, folder)).as_posix()
        stem = glob.escape(Path(place.file or step.result.output).stem)
        part.attempts = sorted(path.name for path in folder.glob(f"{stem}.attempt-*.ipynb"))
        parts.append(part)
    return parts


def _graph(parts: Sequence[Part]) -> list[PlannedStep]:
    """Return the steps as the graph shows them: needs that did not take part are left out."""
    names = {part.planned.name for part in parts}
    return [
        replace(part.planned, needs=[need for need in part.planned.needs if need in names])
        for part in parts
    ]


def _unplanned(
    result: StepResult, steps: Sequence[PlannedStep], known: dict[str, PlannedStep]
) -> PlannedStep:
    """Return the place of a job that was made while the run went on: that of its step."""
    step = result.name.partition("[")[0]
    like = next((item for item in [*steps, *known.values()] if item.step == step), None)
    return PlannedStep(
        name=result.name,
        step=step,
        notebook=result.notebook,
        needs=[need for need in like.needs if need != result.name] if like else [],
        stage=like.stage if like else 1,
        cells=result.cells,
        file=Path(result.output).name,
    )


def _fits(change: PlotChange, room: _Room) -> bool:
    return all(room.take(item) for item in (change.before, change.now) if item is not None)


def _place(picture: Picture) -> str:
    return f"picture:{hash(picture.uri) & (1 << 63) - 1:x}"


def _with_pictures(html: str, room: _Room) -> str:
    """Put the pictures in: afterwards, so that nobody looks for secrets in their bytes."""
    return _PICTURE.sub(lambda match: f'"{room.pictures[match[1]].uri}"', html)


@cache
def _template() -> Any:
    from mlnb.core.pages import templates  # Jinja

    environment = templates("mlnb.pipelines.reading", projects.current().local / "templates")
    environment.filters["duration"] = lambda item: duration(item.started, item.ended)
    environment.filters["clock"] = _clock
    environment.filters["shown"] = shown
    environment.filters["short"] = lambda text: text if len(text) <= 21 else f"{text[:20]}…"
    environment.filters["cut"] = lambda text, limit=ERROR_LIMIT: cells.cut(text, limit)
    environment.filters["place"] = _place
    environment.filters["spark"] = lambda numbers: Markup(sparks.svg(numbers))  # noqa: S704  (numbers only)
    return environment.get_template("report.html")


def _clock(time: datetime | None) -> str:
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z") if time else ""
