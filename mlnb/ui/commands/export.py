"""``mlnb pipeline export``: a pipeline as the file of another system."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mlnb.core.errors import BadInput
from mlnb.core.records import StepResult
from mlnb.execution.parameters.binding import Text
from mlnb.pipelines.exporters import TARGETS, Exported, Options
from mlnb.pipelines.exporters.handing import Files
from mlnb.ui.commands.giving import given, with_parameters
from mlnb.ui.grammar import Verb

Command = Callable[..., Any]


def with_options(command: Command) -> Command:
    """Add the options that say how a pipeline is written for another system."""
    options = (
        click.option("-o", "--output", default="", help="File; by default the usual one."),
        click.option("--image", default="", help="Container image with the project."),
        click.option("--install", default="", help="Command that installs what the project needs."),
        click.option("--python", default=Options.python, help="Version of Python."),
        click.option("--branch", default=Options.branch, help="Branch whose changes start a run."),
        click.option(
            "--runner", "runners", multiple=True, metavar="[STEP=]LABEL",
            help="Machines (runner, agent, node) for all steps, or for one.",
        ),
        click.option(
            "--without", multiple=True, metavar="FEATURE",
            help="Leave out what the system cannot express: schedule, notify, limits, …",
        ),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def with_handed_files(command: Command) -> Command:
    """Add the options by which a step's results are handed on in files."""
    path = click.Path(path_type=Path)
    options = (
        click.option(
            "--given", "handed", type=path, multiple=True,
            help="File with the result of a step that it needs.",
        ),
        click.option("--result", type=path, help="File to write the result to, for --given."),
        click.option("--values", type=path, help="JSON file to write the glued values to."),
        click.option("--notebooks", type=path, help="Folder to copy the executed notebooks to."),
        click.option("--no-retries", is_flag=True, help="Try once; whoever calls tries again."),
        click.option(
            "--executor-input", metavar="JSON",
            help="What Kubeflow gives a container: the step, inputs, outputs.",
        ),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def perform(
    pipeline: Path, step: str | None, handed: dict[str, Any], **given: Any
) -> list[StepResult]:
    """Carry out a step with what `with_handed_files` was given.

    Raises
    ------
    BadInput
        If no step is named, neither by the caller nor by Kubeflow.
    """
    from mlnb.pipelines.exporters import executor_input, handing

    text, retries = handed.pop("executor_input"), not handed.pop("no_retries")
    if text is not None:
        return executor_input.perform_step(pipeline, text, run=given["run"], retries=retries)
    if step is None:
        raise BadInput("No step is named.", "Write mlnb pipeline step PIPELINE STEP --run RUN.")
    files = Files(given=tuple(handed.pop("handed")), **handed)
    return handing.perform_step(pipeline, step, files, retries=retries, **given)


def options_of(target: str, names: dict[str, Any], steps: set[str]) -> Options:
    """Return the options of a command line; in ``--runner a=b``, ``a`` may be a step or a label."""
    names["without"] = tuple(names["without"])
    runners: dict[str, str] = {}
    for text in names.pop("runners"):
        step, equals, label = text.partition("=")
        runners.update({step: label} if equals and step in steps else {"": text})
    return Options(target=target, runners=runners, **names)


@click.command("export", cls=Verb)
@click.argument("pipeline", type=click.Path(path_type=Path))
@click.option("--to", "target", required=True, type=click.Choice(TARGETS), help="The system.")
@with_options
@with_parameters
@click.option("--force", is_flag=True, help="Replace a file that was written by hand.")
def export(
    pipeline: Path,
    target: str,
    single: tuple[tuple[str, str], ...],
    raw: tuple[tuple[str, str], ...],
    files: tuple[str, ...],
    texts: tuple[str, ...],
    force: bool,
    **names: Any,
) -> Exported:
    """Write PIPELINE as the file of another system: GitHub, GitLab, Jenkins, KFP, DVC, Kubernetes.

    Its jobs run the steps by `mlnb pipeline step`. What the system cannot express is refused.
    """
    from mlnb.pipelines import exporters, spec

    values = given(single, raw, files, texts, typed=Text)
    options = options_of(target, names, set(spec.load(spec.find(pipeline)).steps))
    return exporters.export(pipeline, options, parameters=values, force=force)
