"""Stop a run of a pipeline from anywhere; serve a pipeline's schedule."""

from pathlib import Path
from typing import Any

import click

from mlnb import pipelines
from mlnb.core import project, redaction
from mlnb.core.records import PipelineRun
from mlnb.ui.commands.reading import from_here
from mlnb.ui.grammar import Verb


@click.command("cancel", cls=Verb)
@click.argument("run", default="latest")
@click.option("-m", "--message", default="", help="Why; kept with the request.")
def cancel(run: str, message: str) -> PipelineRun:
    """Stop a RUN that goes on anywhere: its kernels end at once, and it can be resumed."""
    return from_here(pipelines.cancel(run, reason=message), project.current())


def serve(pipeline: Path, values: dict[str, Any], options: list[str]) -> None:
    """Start runs when the schedule says so, and say what happens, until somebody stops it."""
    from mlnb.pipelines.triggers import serving

    def tell(line: str) -> None:
        click.echo(redaction.text(line))

    serving.serve(pipeline, parameters=values, options=options, tell=tell)
