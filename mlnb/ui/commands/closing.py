"""``mlnb pipeline close``: the last job of a run whose steps CI jobs or containers carry out."""

from pathlib import Path

import click

from mlnb import pipelines
from mlnb.execution.parameters.binding import Text
from mlnb.pipelines.planning import project_of
from mlnb.ui.commands.giving import given, with_parameters
from mlnb.ui.commands.reading import from_here, with_files
from mlnb.ui.commands.selecting import with_secrets
from mlnb.ui.grammar import Outcome, Verb


@click.command("close", cls=Verb)
@click.argument("pipeline", type=click.Path(path_type=Path))
@click.option("--run", required=True, help="Id of the run: the one that its steps were given.")
@with_secrets
@with_parameters
@with_files
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(["notify", "on_failure"]),
    help="Leave out what the pipeline wants to follow a run.",
)
def close(
    pipeline: Path,
    run: str,
    single: tuple[tuple[str, str], ...],
    raw: tuple[tuple[str, str], ...],
    files: tuple[str, ...],
    texts: tuple[str, ...],
    junit: Path | None,
    summary: Path | None,
    without: tuple[str, ...],
) -> Outcome:
    """End a run of PIPELINE whose steps were carried out one by one by `mlnb pipeline step`.

    Writes its record and its report, runs `on_failure` when a step has failed, and tells those
    whom `notify` names. Ends with the exit code that `mlnb run` would end with.
    """
    from mlnb.pipelines.reading import publishing

    publishing.check(junit, summary)
    values = given(single, raw, files, texts, typed=Text)
    ended = pipelines.close(pipeline, run=run, parameters=values, without=without)
    home = project_of(pipeline)
    publishing.publish(home, ended, junit=junit, summary=summary)
    shown = from_here(ended, home)
    return Outcome(shown, pipelines.failure(shown))
