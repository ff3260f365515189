"""``mlnb notebook`` / ``%notebook``: single notebooks, headless."""

from pathlib import Path
from typing import Any

import click

from mlnb.ui.grammar import Noun


@click.group("notebook", cls=Noun)
def notebook() -> None:
    """Run single notebooks headlessly, and see what parameters they take."""


@notebook.command("params")
@click.argument("path", metavar="NOTEBOOK", type=click.Path(path_type=Path))
@click.option("--schema", is_flag=True, help="Print the JSON Schema of the parameters instead.")
def params(path: Path, schema: bool) -> Any:
    """Show the parameters that NOTEBOOK declares: types, defaults and help; nothing is executed."""
    from mlnb.execution import parameters
    from mlnb.ui.render import to_json

    described = parameters.describe(path)
    return to_json(described.schema()) if schema else described
