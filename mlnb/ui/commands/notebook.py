"""``mlnb notebook`` / ``%notebook``: single notebooks, headless."""

from pathlib import Path
from typing import Any

import click

from mlnb.core.errors import InvalidParameter
from mlnb.execution.headless import ENGINES
from mlnb.execution.locations import PIPE
from mlnb.ui.commands import papermill
from mlnb.ui.commands.giving import given, with_parameters
from mlnb.ui.grammar import Listing, Noun, Outcome, Surface

_SECONDS = click.FloatRange(0, min_open=True)


@click.group("notebook", cls=Noun)
def notebook() -> None:
    """Run single notebooks headlessly, and see what parameters they take."""


@notebook.command("run")
@click.argument("path", metavar="NOTEBOOK")
@click.argument("output", metavar="OUTPUT", required=False)
@with_parameters
@papermill.with_options
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    help="How the cells run; by default the setting `runner`. papermill's engines mlnb and"
    " nbclient mean kernel.",
)
@click.option("--timeout", type=_SECONDS, metavar="SECONDS", help="For the whole notebook.")
@click.option(
    "--memory", type=click.IntRange(1), metavar="MIB", help="Memory that the cells may allocate."
)
@click.option(
    "--resume",
    is_flag=True,
    help="Go on after the last checkpoint before which nothing has changed.",
)
@click.option(
    "--skip-tag",
    "skip_tags",
    multiple=True,
    metavar="TAG",
    help="Pass over cells with this tag, as those tagged skip-ci always are.",
)
@click.option(
    "--only-tag",
    "only_tags",
    multiple=True,
    metavar="TAG",
    help="Pass over cells without this tag, except the parameters.",
)
@click.pass_obj
def run(
    surface: Surface | None,
    /,
    path: str,
    output: str | None,
    help_notebook: bool,
    progress_bar: bool | None,
    **options: Any,
) -> Any:
    """Execute NOTEBOOK with parameters and write it, with its outputs, to OUTPUT.

    Either may be `-`, for standard input and output, or an address that papermill can reach, like
    s3://bucket/a.ipynb. The options are papermill's. The exit code is 0 when every cell ran, 1 when
    one failed, 2 when it was interrupted, 4 when something given is wrong.
    """
    from mlnb.execution import headless, parameters

    if help_notebook:
        return parameters.describe(Path(path))
    if output is None:
        raise click.UsageError("Missing argument 'OUTPUT'.")
    values = _values(path, output, options)
    if options["log_output"]:
        papermill.log_to_stderr(options.pop("log_level"))
    echoed = headless.Echoed(
        **{name: options.pop(name) for name in ("log_output", "stdout_file", "stderr_file")}
    )
    options.pop("log_level", None)
    wanted = not echoed.log_output if progress_bar is None else progress_bar
    shown: Any = wanted and (surface or Surface()).progress
    if shown and progress_bar:  # asked for, so also where it is not redrawn: in a job's log
        shown = "lines"
    ended = headless.run(path, output, values, progress=shown, echoed=echoed, **options)
    return Outcome(None if output == PIPE else ended.record, ended.error)


def _values(path: str, output: str, options: dict[str, Any]) -> dict[str, Any]:
    """Take the values of parameters from the options; of several, papermill's order decides."""
    from mlnb.execution.parameters.binding import Text

    every = options.pop("inject_paths")
    values: dict[str, Any] = papermill.paths_as_parameters(
        path,
        output,
        source=options.pop("inject_input_path") or every,
        destination=options.pop("inject_output_path") or every,
    )
    encoded = tuple(map(_decoded, options.pop("encoded")))
    values |= given((), (), (), encoded, typed=Text)
    single, raw, files, texts = map(options.pop, ("single", "raw", "files", "texts"))
    return values | given(single, raw, files, texts, typed=Text)


@notebook.command("test")
@click.argument(
    "paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--lax", is_flag=True, help="Compare only cells marked NBVAL_CHECK_OUTPUT.")
@click.option("--update", is_flag=True, help="Let notebooks take over the outputs that differ.")
@click.option(
    "--tolerance",
    type=click.FloatRange(0),
    default=1e-6,
    show_default=True,
    help="Relative difference of two numbers that is none.",
)
@click.option(
    "--sanitize-with",
    "sanitize",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="What to replace in text before it is compared: nbval's file of `regex` and `replace`.",
)
@click.option(
    "--engine",
    type=click.Choice(["inprocess", "kernel"]),
    help="How the cells run; by default the setting `runner`.",
)
@click.option("-k", "--kernel", help="The kernelspec, instead of the notebooks' own.")
@click.option(
    "--cell-timeout",
    type=_SECONDS,
    metavar="SECONDS",
    help="For each cell; by default the setting `cell_timeout`.",
)
@click.option("--junit", metavar="FILE", type=click.Path(path_type=Path), help="Write JUnit's XML.")
@click.option("-w", "--workers", type=click.IntRange(1, 256), help="Notebooks at a time.")
def test(
    paths: tuple[Path, ...],
    lax: bool,
    update: bool,
    tolerance: float,
    sanitize: Path | None,
    engine: str | None,
    kernel: str | None,
    cell_timeout: float | None,
    junit: Path | None,
    workers: int | None,
) -> Outcome:
    """Execute the notebooks at each PATH and compare their outputs with those they hold.

    A PATH is a notebook or a folder. The markers are nbval's: NBVAL_IGNORE_OUTPUT,
    NBVAL_CHECK_OUTPUT, NBVAL_RAISES_EXCEPTION and NBVAL_SKIP, in a comment or as a tag.
    """
    from mlnb.execution import notebook_tests
    from mlnb.ui import junit as reports

    asked = notebook_tests.Asked(
        rules=notebook_tests.rules(tolerance, sanitize),
        lax=lax,
        update=update,
        kernel=kernel,
        engine=engine or "",
        cell_timeout=cell_timeout,
    )
    tested = notebook_tests.check(paths, asked, workers=workers)
    if junit is not None:
        reports.write(tested, junit)
    listing = Listing(tested, title="Notebooks", empty="There is no notebook.")
    return Outcome(listing, notebook_tests.failure(tested))


def _decoded(text: str) -> str:
    from base64 import b64decode

    try:
        return b64decode(text, validate=True).decode()
    except ValueError as error:
        raise InvalidParameter(
            "-b", text, f"it is no Base64 of text: {error}", "the command"
        ) from None


@notebook.command("params")
@click.argument("path", metavar="NOTEBOOK", type=click.Path(path_type=Path))
@click.option("--schema", is_flag=True, help="Print the JSON Schema of the parameters instead.")
def params(path: Path, schema: bool) -> Any:
    """Show the parameters that NOTEBOOK declares: types, defaults and help; nothing is executed."""
    from mlnb.execution import parameters
    from mlnb.ui.render import to_json

    described = parameters.describe(path)
    return to_json(described.schema()) if schema else described
