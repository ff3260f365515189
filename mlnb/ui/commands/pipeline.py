"""``mlnb pipeline`` / ``%pipeline``, and ``mlnb run``: run pipelines of notebooks."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from mlnb import pipelines
from mlnb.core.errors import BadInput
from mlnb.core.records import PipelineRun
from mlnb.execution.parameters.binding import Text
from mlnb.pipelines import results
from mlnb.pipelines.planning import Plan, project_of
from mlnb.ui.commands.closing import close
from mlnb.ui.commands.controlling import cancel, serve
from mlnb.ui.commands.export import export, perform, with_handed_files
from mlnb.ui.commands.giving import given, with_parameters
from mlnb.ui.commands.pipeline_files import import_file, schema
from mlnb.ui.commands.reading import comment, from_here, seen, show, with_files
from mlnb.ui.commands.selecting import resume, resumed, selected, with_secrets, with_selection
from mlnb.ui.grammar import Listing, Noun, Outcome, Surface, Verb


@click.group("pipeline", cls=Noun)
def pipeline() -> None:
    """Run pipelines of notebooks."""


@click.command("run", cls=Verb)
@click.argument("pipeline", type=click.Path(path_type=Path))
@with_parameters
@click.option("-w", "--workers", type=click.IntRange(1, 256), help="Steps at a time.")
@with_files
@click.option(
    "--executor",
    default="threads",
    show_default=True,
    help="Where steps are performed: threads, processes or dask://HOST:PORT.",
)
@click.option(
    "--serve-schedule",
    is_flag=True,
    help="Stay, and start a run whenever the pipeline's `schedule` says so.",
)
@with_selection
@with_secrets
@click.option(
    "--resume",
    "going_on",
    is_flag=False,
    flag_value="latest",
    metavar="[RUN]",
    help="Go on with a run of this pipeline that failed or was stopped; by default the latest.",
)
@click.pass_obj
def run(
    surface: Surface | None,
    pipeline: Path,
    single: tuple[tuple[str, str], ...],
    raw: tuple[tuple[str, str], ...],
    files: tuple[str, ...],
    texts: tuple[str, ...],
    workers: int | None,
    junit: Path | None,
    summary: Path | None,
    executor: str,
    serve_schedule: bool,
    force: tuple[str, ...],
    since: str,
    only: str,
    until: str,
    going_on: str | None,
) -> Outcome | None:
    """Run PIPELINE: a pipeline file, or the folder of a pipeline.yaml."""
    from mlnb.pipelines.reading import publishing
    from mlnb.ui.progress_display import display_for

    publishing.check(junit, summary)
    values = given(single, raw, files, texts, typed=Text)
    if serve_schedule:
        more = ["--workers", str(workers)] if workers else []
        serve(pipeline, values, ["--executor", executor, *more])
        return None
    if going_on is not None:
        _check_alone(values, force, since, only, until)
        return resumed(
            surface,
            going_on,
            path=pipeline,
            workers=workers,
            executor=executor,
            files=(junit, summary),
        )
    with display_for(surface or Surface()) as display:
        ended = pipelines.run(
            pipeline,
            parameters=values,
            workers=workers,
            executor=executor,
            selection=selected(force, since, only, until),
            on_progress=display,
        )
    home = project_of(pipeline)
    publishing.publish(home, ended, junit=junit, summary=summary)
    shown = from_here(ended, home)
    return Outcome(shown, pipelines.failure(shown))


pipeline.add_command(run)
pipeline.add_command(cancel)
pipeline.add_command(close)
pipeline.add_command(export)
pipeline.add_command(show)
pipeline.add_command(comment)
pipeline.add_command(import_file)
pipeline.add_command(schema)


def _check_alone(values: dict[str, Any], *selection: str | tuple[str, ...]) -> None:
    if values or any(selection):
        raise BadInput(
            "A run that goes on has its parameters and its selection already.",
            "Leave them out, or start a new run without --resume.",
        )


pipeline.add_command(resume)


@pipeline.command("plan")
@click.argument("pipeline", type=click.Path(path_type=Path))
@with_parameters
@with_selection
def plan(
    pipeline: Path,
    single: tuple[tuple[str, str], ...],
    raw: tuple[tuple[str, str], ...],
    files: tuple[str, ...],
    texts: tuple[str, ...],
    force: tuple[str, ...],
    since: str,
    only: str,
    until: str,
) -> Plan:
    """Check PIPELINE and show what a run would do and why; nothing is run or written."""
    values = given(single, raw, files, texts, typed=Text)
    wanted = selected(force, since, only, until)
    return pipelines.foresee(pipeline, values, selection=wanted)


@pipeline.command("step")
@click.argument("pipeline", type=click.Path(path_type=Path))
@click.argument("step", required=False)
@click.option("--run", default="", help="Id of the run: any name, the same for all its steps.")
@with_secrets
@with_parameters
@with_handed_files
@click.option("-w", "--workers", type=click.IntRange(1, 256), help="Jobs of a matrix at a time.")
def step(
    pipeline: Path,
    step: str | None,
    run: str,
    single: tuple[tuple[str, str], ...],
    raw: tuple[tuple[str, str], ...],
    files: tuple[str, ...],
    texts: tuple[str, ...],
    workers: int | None,
    **handed: Any,
) -> Outcome:
    """Carry out one STEP of PIPELINE in a run that other machines take part in, as CI does.

    STEP is a step, or one job of its matrix: `train[logistic]`. The steps that it needs must have
    a result in the run; results and files are handed on through the object store, or in files.
    """
    values = given(single, raw, files, texts, typed=Text)
    made = perform(pipeline, step, handed, run=run, parameters=values, workers=workers)
    home = project_of(pipeline)
    shown = [replace(item, output=seen(home, item.output)) for item in made]
    return Outcome(
        Listing(shown, title=f"Run {run}".strip(), empty="Nothing to do."), results.failure(made)
    )


@pipeline.command("list")
@click.option("-n", "--limit", type=click.IntRange(1), default=20, help="At most this many.")
def list_runs(limit: int) -> Listing[PipelineRun]:
    """List pipeline runs, newest first; running ones too."""
    return Listing(
        pipelines.runs(limit=limit),
        title="Pipeline runs",
        empty="No pipeline has run yet. Start one with `mlnb run PIPELINE`.",
    )
