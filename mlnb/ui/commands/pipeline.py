"""``mlnb pipeline`` / ``%pipeline``, and ``mlnb run``: run pipelines of notebooks."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from mlnb import pipelines
from mlnb.core import project
from mlnb.core.errors import UnknownName
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun
from mlnb.pipelines.planning import Plan, project_of
from mlnb.ui.grammar import Listing, Noun, Outcome, Surface, Verb

Command = Callable[..., Any]


def _with_parameters(command: Command) -> Command:
    """Add papermill's parameter options; of several, the later kind wins as it does there."""
    options = (
        click.option(
            "-p", "--parameters", "single", nargs=2, multiple=True, metavar="NAME VALUE",
            help="A parameter; numbers, True, False and None are recognised.",
        ),
        click.option(
            "-r", "--parameters_raw", "raw", nargs=2, multiple=True, metavar="NAME VALUE",
            help="A parameter taken as text.",
        ),
        click.option(
            "-f", "--parameters_file", "files", multiple=True, metavar="FILE",
            type=click.Path(path_type=Path), help="A YAML file of parameters.",
        ),
        click.option(
            "-y", "--parameters_yaml", "texts", multiple=True, metavar="YAML",
            help="Parameters as YAML text.",
        ),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@click.group("pipeline", cls=Noun)
def pipeline() -> None:
    """Run pipelines of notebooks."""


@click.command("run", cls=Verb)
@click.argument("pipeline", type=click.Path(path_type=Path))
@_with_parameters
@click.option("-w", "--workers", type=click.IntRange(1, 256), help="Steps at a time.")
@click.pass_obj
def run(
    surface: Surface | None,
    pipeline: Path,
    single: tuple[tuple[str, str], ...],
    raw: tuple[tuple[str, str], ...],
    files: tuple[Path, ...],
    texts: tuple[str, ...],
    workers: int | None,
) -> Outcome:
    """Run PIPELINE: a pipeline file, or the folder of a pipeline.yaml."""
    from mlnb.ui.progress_display import display_for

    given = _given(single, raw, files, texts)
    with display_for(surface or Surface()) as display:
        ended = pipelines.run(pipeline, parameters=given, workers=workers, on_progress=display)
    shown = _from_here(ended, project_of(pipeline))
    return Outcome(shown, pipelines.failure(shown))


pipeline.add_command(run)


@pipeline.command("plan")
@click.argument("pipeline", type=click.Path(path_type=Path))
@_with_parameters
def plan(
    pipeline: Path,
    single: tuple[tuple[str, str], ...],
    raw: tuple[tuple[str, str], ...],
    files: tuple[Path, ...],
    texts: tuple[str, ...],
) -> Plan:
    """Check PIPELINE and show what a run would do; nothing is run or written."""
    return pipelines.plan(pipeline, _given(single, raw, files, texts))


@pipeline.command("list")
@click.option("-n", "--limit", type=click.IntRange(1), default=20, help="At most this many.")
def list_runs(limit: int) -> Listing[PipelineRun]:
    """List pipeline runs, newest first; running ones too."""
    return Listing(
        pipelines.runs(limit=limit),
        title="Pipeline runs",
        empty="No pipeline has run yet. Start one with `mlnb run PIPELINE`.",
    )


@pipeline.command("show")
@click.argument("run", default="latest")
def show(run: str) -> PipelineRun:
    """Show a RUN: its id or the beginning of it, a pipeline's name, or `latest`."""
    return _from_here(pipelines.show(run), project.current())


def _from_here(run: PipelineRun, home: Project) -> PipelineRun:
    """Give the files of a run as the working directory sees them, so that they can be opened."""

    def seen(path: str) -> str:
        return Path(os.path.relpath(home.root / path)).as_posix() if path else ""

    steps = [replace(step, output=seen(step.output)) for step in run.steps]
    return replace(run, report=seen(run.report), steps=steps)


def _given(
    single: tuple[tuple[str, str], ...],
    raw: tuple[tuple[str, str], ...],
    files: tuple[Path, ...],
    texts: tuple[str, ...],
) -> dict[str, Any]:
    from mlnb.pipelines.spec import parse_mapping

    given: dict[str, Any] = {}
    for file in files:
        if not file.is_file():
            raise UnknownName("parameter file", str(file), _files_near(file))
        given |= parse_mapping(file.read_text(encoding="utf-8"), str(file))
    for text in texts:
        given |= parse_mapping(text, "-y")
    for name, value in single:
        given[name] = _typed(value)
    return given | dict(raw)


def _typed(text: str) -> Any:
    """Read a value as papermill's ``-p`` does."""
    named = {"True": True, "False": False, "None": None}
    if text in named:
        return named[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _files_near(file: Path) -> list[str]:
    folder = file.parent
    return [str(item) for item in folder.glob("*.y*ml")] if folder.is_dir() else []
