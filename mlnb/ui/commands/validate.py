"""``mlnb validate`` / ``%validate``: test a model against its gate."""

from pathlib import Path
from typing import Any

import click

from mlnb.core.errors import GateRefused
from mlnb.ui.grammar import Outcome, Variable, Verb


class SuiteSource(Variable):
    """A suite: the notebook's variable of this name, or a YAML file."""

    name = "suite"

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> Any:
        """Return the variable's value, or the file's path."""
        found = super().convert(value, parameter, context)
        return Path(found) if isinstance(found, str) else found


@click.command("validate", cls=Verb)
@click.argument("suite", type=SuiteSource())
@click.option(
    "--model",
    type=Variable(),
    required=True,
    help="The model: a reference such as flight-delay@3, or a notebook's fitted model.",
)
@click.option(
    "--data",
    type=Variable(),
    required=True,
    help="Held-out rows: a dataset reference, a CSV, Parquet or JSON file, or a notebook's frame.",
)
@click.option("--champion", help="Model to compare with; the model's champion by default.")
@click.option("--label", help="Label column, when it is not the suite's.")
@click.option("--fail/--no-fail", default=True, help="Whether a refusal is a failure (exit 1).")
def validate(
    suite: Any, model: Any, data: Any, champion: str | None, label: str | None, fail: bool
) -> Outcome:
    """Run the checks of SUITE on a model and set the model's gate."""
    from mlnb.validation import gate, run

    result = run(suite, model, data, label=label, champion=champion)
    try:
        gate(result)
    except GateRefused as refusal:
        return Outcome(result, refusal if fail else None)
    return Outcome(result)
