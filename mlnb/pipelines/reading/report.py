"""The HTML report of a pipeline run: one file that needs no other, nor a network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from mlnb.core.project import Project
from mlnb.core.records import PipelineRun, StepResult
from mlnb.pipelines.planning import Plan, PlannedStep
from mlnb.pipelines.reading import diagram, excerpts
from mlnb.pipelines.reading.excerpts import Excerpt, Picture
from mlnb.pipelines.wording import duration, shown

FILE = "report.html"
PICTURES_LIMIT = 30_000_000
"""Characters of embedded pictures; the rest are only in the executed notebooks."""


@dataclass
class Part:
    """One step as the report shows it."""

    result: StepResult
    planned: PlannedStep
    number: int
    """Names its place in the page."""
    excerpt: Excerpt
    left: float
    """Where its bar begins on the time line, in per cent."""
    width: float
    pictures: list[Picture] = field(default_factory=list)
    left_out: int = 0
    """Pictures that did not fit."""
    attempts: list[str] = field(default_factory=list)
    """Notebooks of failed attempts."""


def write(run: PipelineRun, plan: Plan, folder: Path, project: Project) -> Path:
    """Write the report of a run beside its executed notebooks and return its path."""
    parts = _parts(run, plan, folder)
    html = _template().render(
        run=run,
        plan=plan,
        project=project.name,
        parts=parts,
        failures=[part for part in parts if part.result.status in ("FAILED", "KILLED")],
        counts=_counts(run),
        any_runs=any(step.runs for step in run.steps),
        diagram=diagram.draw(plan.steps),
        size=diagram,
        by_name={part.result.name: part for part in parts},
        code_light=excerpts.style_sheet("default"),
        code_dark=excerpts.style_sheet("monokai"),
    )
    path = folder / FILE
    path.write_text(html, encoding="utf-8")
    return path


def _parts(run: PipelineRun, plan: Plan, folder: Path) -> list[Part]:
    end = run.ended or run.started
    whole = max((end - run.started).total_seconds(), 0.001)
    room = PICTURES_LIMIT
    parts: list[Part] = []
    for number, (result, planned) in enumerate(zip(run.steps, plan.steps, strict=True), start=1):
        output = folder / planned.file
        excerpt = excerpts.read(output) if result.output and output.is_file() else Excerpt()
        started = result.started or end
        part = Part(
            result=result,
            planned=planned,
            number=number,
            excerpt=excerpt,
            left=100 * (started - run.started).total_seconds() / whole,
            width=100 * ((result.ended or started) - started).total_seconds() / whole,
            attempts=[
                output.with_suffix(f".attempt-{attempt}.ipynb").name
                for attempt in range(1, result.attempts)
            ],
        )
        for picture in excerpt.pictures:
            if len(picture.uri) <= room:
                room -= len(picture.uri)
                part.pictures.append(picture)
            else:
                part.left_out += 1
        parts.append(part)
    return parts


def _counts(run: PipelineRun) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for step in run.steps:
        counts[step.status] = counts.get(step.status, 0) + 1
    return counts


@cache
def _template() -> Any:
    from mlnb.core.pages import templates  # Jinja

    environment = templates("mlnb.pipelines.reading")
    environment.filters["duration"] = lambda item: duration(item.started, item.ended)
    environment.filters["clock"] = _clock
    environment.filters["shown"] = shown
    environment.filters["short"] = lambda text: text if len(text) <= 21 else f"{text[:20]}…"
    return environment.get_template("report.html")


def _clock(time: datetime | None) -> str:
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z") if time else ""
