"""``mlnb ci`` / ``%ci``: run pipelines in CI systems."""

from pathlib import Path
from typing import Any

import click

from mlnb.pipelines.ci import CiCheck
from mlnb.pipelines.exporters import Exported
from mlnb.ui.commands.export import options_of, with_options
from mlnb.ui.grammar import Listing, Noun, Outcome


@click.group("ci", cls=Noun)
def ci() -> None:
    """Run pipelines in CI, and keep its files in step with them."""


@ci.command("init")
@click.argument("pipeline", type=click.Path(path_type=Path), default=".")
@click.option(
    "--to", "target", type=click.Choice(["github", "gitlab", "jenkins"]), default="github",
    help="The CI system.",
)  # fmt: skip
@with_options
@click.option("--force", is_flag=True, help="Replace files that were written by hand.")
def init(pipeline: Path, target: str, force: bool, **names: Any) -> Listing[Exported]:
    """Write the CI file of PIPELINE, checks before a commit, and a Dockerfile.

    The checks (for the program pre-commit) strip outputs from notebooks, plan the pipeline with its
    parameters, and compare the CI file with it.
    """
    from mlnb.pipelines import ci as files
    from mlnb.pipelines import spec

    options = options_of(target, names, set(spec.load(spec.find(pipeline)).steps))
    made = files.init(pipeline, options, force=force)
    return Listing(made, title="Files for CI", empty="")


@ci.command("check")
@click.argument("files", type=click.Path(path_type=Path), nargs=-1)
def check(files: tuple[Path, ...]) -> Outcome:
    """Say whether FILES that mlnb made still match the pipeline; by default all that are found.

    Ends with 0 when they do, with 1 when one does not, with 4 when that cannot be told.
    """
    from mlnb.pipelines import ci

    found: CiCheck = ci.check(files)
    return Outcome(found, ci.failure(found))
