"""``mlnb pipeline show`` and ``comment``; the options that write files for CI systems."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from mlnb import pipelines
from mlnb.core import project as projects
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun
from mlnb.ui.grammar import Verb

Run = TypeVar("Run", bound=PipelineRun)
_FILE = click.Path(path_type=Path, dir_okay=False)


def with_files(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--junit`` and ``--summary`` to a verb that ends with a run."""
    options = (
        click.option(
            "--junit", metavar="FILE", type=_FILE, help="Write JUnit's XML, a case per cell."
        ),
        click.option("--summary", metavar="FILE", type=_FILE, help="Write a summary in Markdown."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.command("show", cls=Verb)
@click.argument("run", default="latest")
@with_files
def show(run: str, junit: Path | None, summary: Path | None) -> PipelineRun:
    """Show a RUN, what failed first and why: its id, a pipeline's name, or `latest`.

    The beginning of an id is enough.
    """
    from mlnb.pipelines.reading import publishing, showing

    home = projects.current()
    found = pipelines.show(run)
    if junit or summary:
        publishing.check(junit, summary)
        publishing.publish(home, found, junit=junit, summary=summary)
    read = showing.of(home, found)
    if failure := read.first_failure:
        read = replace(read, first_failure=replace(failure, output=seen(home, failure.output)))
    return from_here(read, home)


@click.command("comment", cls=Verb)
@click.argument("run", default="latest")
@click.option("--against", metavar="RUN", help="Compare with this run; by default the one before.")
def comment(run: str, against: str | None) -> str:
    """Print a comment on a pull request about a RUN: what it changes against another one.

    Failures, metrics, datasets, plots and notebooks that differ, in Markdown that fits into a
    comment on GitHub.
    """
    from mlnb.pipelines.reading import showing

    other = pipelines.show(against) if against else None
    return showing.comment(projects.current(), pipelines.show(run), other)


def from_here(run: Run, home: Project) -> Run:
    """Give the files of a run as the working directory sees them, so that they can be opened."""
    steps = [replace(step, output=seen(home, step.output)) for step in run.steps]
    return replace(run, report=seen(home, run.report), steps=steps)


def seen(home: Project, path: str) -> str:
    """Give a file of the project as the working directory sees it."""
    return Path(os.path.relpath(home.root / path)).as_posix() if path else ""
