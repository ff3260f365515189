"""Options that choose which steps of a pipeline run, and ``mlnb pipeline resume``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mlnb import pipelines
from mlnb.core import project
from mlnb.pipelines.selection import EVERY, Selection
from mlnb.ui.commands.reading import from_here, with_files
from mlnb.ui.grammar import Outcome, Surface, Verb

Command = Callable[..., Any]


def with_selection(command: Command) -> Command:
    """Add the options that choose steps."""
    options = (
        click.option(
            "--force", "force", multiple=True, is_flag=False, flag_value=EVERY, metavar="[STEP]",
            help="Run this step though nothing it depends on has changed; without a name, all.",
        ),
        click.option(
            "--from", "since", default="", metavar="STEP",
            help="Run this step and those that need it again, changed or not; take the results "
            "of the steps before it as they are.",
        ),
        click.option(
            "--only", default="", metavar="STEP",
            help="Run this step alone, with the results that the steps before it have.",
        ),
        click.option(
            "--until", default="", metavar="STEP", help="Run this step and those that it needs."
        ),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def with_secrets(command: Command) -> Command:
    """Add the option that names a file of secrets."""

    def load(_context: Any, _option: Any, file: Path | None) -> None:
        if file is not None:
            from mlnb.pipelines import secret_files

            secret_files.load(file)

    return click.option(
        "--secret-file",
        type=click.Path(path_type=Path),
        expose_value=False,
        callback=load,
        help="A file with a NAME=value a line; the environment comes before it.",
    )(command)


def selected(force: tuple[str, ...], since: str, only: str, until: str) -> Selection:
    """Return the selection that the options mean."""
    return Selection(only=only, until=until, since=since, force=force)


@click.command("resume", cls=Verb)
@click.argument("run", default="latest")
@click.option("-w", "--workers", type=click.IntRange(1, 256), help="Steps at a time.")
@click.option(
    "--executor",
    default="threads",
    show_default=True,
    help="Where steps are performed: threads, processes or dask://HOST:PORT.",
)
@with_secrets
@with_files
@click.pass_obj
def resume(
    surface: Surface | None,
    run: str,
    workers: int | None,
    executor: str,
    junit: Path | None,
    summary: Path | None,
) -> Outcome:
    """Go on with a RUN that failed or was stopped: its id, the beginning of it, or `latest`.

    Steps that have finished in it are not run again, and a notebook goes on from its last
    checkpoint.
    """
    files = (junit, summary)
    return resumed(surface, run, path=None, workers=workers, executor=executor, files=files)


def resumed(
    surface: Surface | None,
    run: str,
    *,
    path: Path | None,
    workers: int | None,
    executor: str,
    files: tuple[Path | None, Path | None] = (None, None),
) -> Outcome:
    """Go on with a run, and show how it ended; the files are JUnit's XML and the summary."""
    from mlnb.pipelines.planning import project_of
    from mlnb.pipelines.reading import publishing
    from mlnb.ui.progress_display import display_for

    publishing.check(*files)
    with display_for(surface or Surface()) as display:
        ended = pipelines.resume(
            run, path=path, workers=workers, executor=executor, on_progress=display
        )
    home = project.current() if path is None else project_of(path)
    publishing.publish(home, ended, junit=files[0], summary=files[1])
    shown = from_here(ended, home)
    return Outcome(shown, pipelines.failure(shown))
