"""``mlnb pipeline`` / ``%pipeline``, and ``mlnb run``: run pipelines of notebooks."""

import os
from dataclasses import replace
from pathlib import Path

import click

from mlnb import pipelines
from mlnb.core import project
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun
from mlnb.pipelines import results
from mlnb.pipelines.planning import Plan, project_of
from mlnb.ui.commands.giving import given, typed, with_parameters
from mlnb.ui.grammar import Listing, Noun, Outcome, Surface, Verb


@click.group("pipeline", cls=Noun)
def pipeline() -> None:
    """Run pipelines of notebooks."""


@click.command("run", cls=Verb)
@click.argument("pipeline", type=click.Path(path_type=Path))
@with_parameters
@click.option("-w", "--workers", type=click.IntRange(1, 256), help="Steps at a time.")
@click.pass_obj
def run(
    surface: Surface | None,
    pipeline: Path,
    single: tuple[tuple[str, str], ...],
    raw: tuple[tuple[str, str], ...],
    files: tuple[str, ...],
    texts: tuple[str, ...],
    workers: int | None,
) -> Outcome:
    """Run PIPELINE: a pipeline file, or the folder of a pipeline.yaml."""
    from mlnb.ui.progress_display import display_for

    values = given(single, raw, files, texts, typed=typed)
    with display_for(surface or Surface()) as display:
        ended = pipelines.run(pipeline, parameters=values, workers=workers, on_progress=display)
    shown = _from_here(ended, project_of(pipeline))
    return Outcome(shown, pipelines.failure(shown))


pipeline.add_command(run)


@pipeline.command("plan")
@click.argument("pipeline", type=click.Path(path_type=Path))
@with_parameters
def plan(
    pipeline: Path,
    single: tuple[tuple[str, str], ...],
    raw: tuple[tuple[str, str], ...],
    files: tuple[str, ...],
    texts: tuple[str, ...],
) -> Plan:
    """Check PIPELINE and show what a run would do; nothing is run or written."""
    return pipelines.plan(pipeline, given(single, raw, files, texts, typed=typed))


@pipeline.command("step")
@click.argument("pipeline", type=click.Path(path_type=Path))
@click.argument("step")
@click.option("--run", required=True, help="Id of the run: any name, the same for all its steps.")
@with_parameters
@click.option("-w", "--workers", type=click.IntRange(1, 256), help="Jobs of a matrix at a time.")
def step(
    pipeline: Path,
    step: str,
    run: str,
    single: tuple[tuple[str, str], ...],
    raw: tuple[tuple[str, str], ...],
    files: tuple[str, ...],
    texts: tuple[str, ...],
    workers: int | None,
) -> Outcome:
    """Carry out one STEP of PIPELINE in a run that other machines take part in, as CI does.

    STEP is a step, or one job of its matrix: `train[logistic]`. The steps that it needs must have
    a result in the run; results and files are handed on through the object store.
    """
    values = given(single, raw, files, texts, typed=typed)
    made = pipelines.perform_step(pipeline, step, run=run, parameters=values, workers=workers)
    home = project_of(pipeline)
    shown = [replace(item, output=_seen(home, item.output)) for item in made]
    return Outcome(Listing(shown, title=f"Run {run}"), results.failure(made))


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
    steps = [replace(step, output=_seen(home, step.output)) for step in run.steps]
    return replace(run, report=_seen(home, run.report), steps=steps)


def _seen(home: Project, path: str) -> str:
    return Path(os.path.relpath(home.root / path)).as_posix() if path else ""
