"""``mlnb notebook`` / ``%notebook``: single notebooks, headless."""

from pathlib import Path
from typing import Any

import click

from mlnb.core.errors import InvalidParameter
from mlnb.ui.commands.giving import given, with_parameters
from mlnb.ui.grammar import Noun, Outcome, Surface


@click.group("notebook", cls=Noun)
def notebook() -> None:
    """Run single notebooks headlessly, and see what parameters they take."""


@notebook.command("run")
@click.argument("path", metavar="NOTEBOOK", type=click.Path(path_type=Path))
@click.argument("output", metavar="OUTPUT", type=click.Path(path_type=Path))
@with_parameters
@click.option(
    "-b",
    "--parameters_base64",
    "encoded",
    multiple=True,
    metavar="TEXT",
    help="Parameters as YAML text in Base64.",
)
@click.option(
    "--inject-input-path", is_flag=True, help="Give NOTEBOOK as the parameter PAPERMILL_INPUT_PATH."
)
@click.option(
    "--inject-output-path", is_flag=True, help="Give OUTPUT as the parameter PAPERMILL_OUTPUT_PATH."
)
@click.option("--inject-paths", is_flag=True, help="Give both paths as parameters.")
@click.option(
    "--engine",
    type=click.Choice(["inprocess", "kernel"]),
    help="How the cells run; by default the setting `runner`.",
)
@click.option("-k", "--kernel", help="The kernelspec, instead of the notebook's own.")
@click.option(
    "--cwd",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Working directory of the cells, instead of the notebook's folder.",
)
@click.option("--prepare-only", is_flag=True, help="Write OUTPUT with parameters; execute nothing.")
@click.option("--report-mode", is_flag=True, help="Hide the cells' sources in OUTPUT.")
@click.option(
    "--progress-bar/--no-progress-bar", default=True, help="Show which cell runs, at a terminal."
)
@click.option(
    "--execution-timeout",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="For each cell; by default the setting `cell_timeout`.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="For the whole notebook.",
)
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
    path: Path,
    output: Path,
    single: tuple[tuple[str, str], ...],
    raw: tuple[tuple[str, str], ...],
    files: tuple[Path, ...],
    texts: tuple[str, ...],
    encoded: tuple[str, ...],
    inject_input_path: bool,
    inject_output_path: bool,
    inject_paths: bool,
    progress_bar: bool,
    **options: Any,
) -> Outcome:
    """Execute NOTEBOOK with parameters and write it, with its outputs, to OUTPUT.

    The options are papermill's. The exit code is 0 when every cell ran, 1 when one failed, 2 when
    it was interrupted, 4 when something given is wrong.
    """
    from mlnb.execution import headless
    from mlnb.execution.parameters.binding import Text

    texts = (*texts, *map(_decoded, encoded))
    values = given(single, raw, files, texts, typed=Text)
    if inject_input_path or inject_paths:
        values["PAPERMILL_INPUT_PATH"] = str(path)
    if inject_output_path or inject_paths:
        values["PAPERMILL_OUTPUT_PATH"] = str(output)
    shown = progress_bar and (surface or Surface()).progress
    ended = headless.run(path, output, values, progress=shown, **options)
    return Outcome(ended.record, ended.error)


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
