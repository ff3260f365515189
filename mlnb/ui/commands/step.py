"""``%%step``: a cell whose result is kept and given back while nothing it depends on changes."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from mlnb.core.errors import BadInput, UnknownName
from mlnb.ui.grammar import Noun, Surface

if TYPE_CHECKING:
    from mlnb.execution.steps.caching import StepOptions


@click.group("step", cls=Noun)
def step() -> None:
    """Cache a cell: it runs only when its code, its inputs or the modules it uses have changed.

    %%step NAME on the first line of a cell caches that cell.
    """


class Names(click.ParamType[tuple[str, ...]]):
    """Names of variables, with commas between them."""

    name = "a,b,…"

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> tuple[str, ...]:
        """Split at commas."""
        if isinstance(value, tuple):
            return value
        names = tuple(name.strip() for name in value.split(",") if name.strip())
        for name in names:
            if not name.isidentifier():
                self.fail(f"{name!r} is no name of a variable.", parameter, context)
        return names


@step.command("cell")
@click.argument("name")
@click.option(
    "--in", "inputs", type=Names(), help="Variables that count; those the code reads by default."
)
@click.option(
    "--out", "outputs", type=Names(), help="Variables to keep; those the code assigns by default."
)
@click.option("--force", is_flag=True, help="Run the cell and keep its result anew.")
@click.option("--no-cache", is_flag=True, help="Run the cell; look nothing up and keep nothing.")
@click.option("--explain", is_flag=True, help="Say why the cell ran, or did not.")
def cell(**_options: Any) -> Any:
    """Cache this cell; what %%step does."""
    from mlnb.ui.step_cell import StepSession

    if not StepSession.open:
        raise BadInput("A step is a cell.", "Write %%step NAME on the first line of the cell.")
    return StepSession.open.pop().begin()


def options_of(
    arguments: Sequence[str], namespace: Mapping[str, Any]
) -> "tuple[StepOptions, bool]":
    """Return what a cell's first line says, and whether to explain.

    Raises
    ------
    BadInput
        If a name cannot be one, or an input is not there.
    """
    from mlnb.core.names import check_name
    from mlnb.execution.steps.caching import StepOptions

    context = cell.make_context("%%step", list(arguments), obj=Surface(namespace=namespace))
    given = context.params
    check_name("step", given["name"])
    for name in given["inputs"] or ():
        if name not in namespace:
            raise UnknownName("variable", name, [n for n in namespace if not n.startswith("_")])
    options = StepOptions(
        name=given["name"],
        inputs=given["inputs"],
        outputs=given["outputs"],
        force=given["force"],
        no_cache=given["no_cache"],
    )
    return options, given["explain"]
