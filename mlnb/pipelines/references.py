"""What the expressions of a step may ask for; checked before anything runs."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mlnb.core.errors import InvalidPipeline, UnknownParameter, suggestion
from mlnb.pipelines import expressions
from mlnb.pipelines.expressions import Reference
from mlnb.pipelines.spec import Pipeline, Step
from mlnb.pipelines.spec.checking import ON_FAILURE as ON_FAILURE

LATE = ("params", "when", "foreach")
"""Where values of earlier steps may be used; all else must be known before anything starts."""


def check_json(where: str, values: Mapping[str, Any]) -> None:
    """Check that values can go into events and records: JSON's, so no NaN and no bytes.

    Raises
    ------
    InvalidPipeline
        Naming the first that cannot.
    """
    for name, value in values.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError):
            raise InvalidPipeline(
                f"{where}.{name} = {value!r} is no value that can be recorded.",
                "Use text, finite numbers, booleans, lists and mappings.",
            ) from None


def step_of(pipeline: Pipeline, name: str) -> Step:
    """Return a step, or the one that runs on failure."""
    if name == ON_FAILURE and pipeline.on_failure is not None:
        return pipeline.on_failure
    return pipeline.steps[name]


def check_references(pipeline: Pipeline, name: str, before: set[str]) -> None:
    """Check every expression of a step: it can be read, and there is what it refers to.

    Parameters
    ----------
    pipeline : Pipeline
        The pipeline.
    name : str
        A step, or `ON_FAILURE`.
    before : set of str
        The steps whose values it may use.

    Raises
    ------
    InvalidPipeline, UnknownParameter
        Naming the step and the place in it.
    """
    step = step_of(pipeline, name)
    for place, value in _places(step):
        where = f"Step {name!r}, {place}"
        try:
            text = expressions.condition(value) if place == "when" else value
            found = expressions.references(text, pipeline.steps)
        except InvalidPipeline as error:
            raise InvalidPipeline(f"{where}: {error.message}", error.fix) from None
        for reference in found:
            _check(where, pipeline, name, reference, before)
            if reference.root == "params" and pipeline.params[reference.name].secret:
                _check_secret(where, place, step, value)


def _places(step: Step) -> Iterator[tuple[str, Any]]:
    """Yield every place that may have expressions, with what stands there."""
    for group in ("params", "env"):
        for key, value in getattr(step, group).items():
            yield f"{group}.{key}", value
    for group in ("inputs", "outputs"):
        for value in getattr(step, group):
            yield group, value
    for key, value in step.matrix.axes.items():
        yield f"matrix.{key}", value
    yield "matrix.include", step.matrix.include
    yield "matrix.exclude", step.matrix.exclude
    if step.foreach is not None:
        yield "foreach", step.foreach.items
    yield "when", step.when


def _check(
    where: str, pipeline: Pipeline, name: str, reference: Reference, before: set[str]
) -> None:
    step = step_of(pipeline, name)
    place = where.rpartition(", ")[2]
    if reference.root == "params" and reference.name not in pipeline.params:
        raise UnknownParameter(reference.name, pipeline.params, f"{where}: the pipeline")
    if reference.root == "matrix":
        _check_matrix(where, place, step, reference)
    if reference.root == "run" and name != ON_FAILURE:
        raise InvalidPipeline(
            f"{where}: only {ON_FAILURE} can ask how the run ended.", "Use a value of a step."
        )
    if reference.root == "run" and reference.name not in expressions.RUN:
        raise InvalidPipeline(
            f"{where}: a run has no {reference.name!r}.",
            suggestion(reference.name, expressions.RUN),
        )
    if reference.root != "steps":
        return
    if place.partition(".")[0] not in LATE:
        raise InvalidPipeline(
            f"{where} uses a value of {reference.name!r}, but must be known before anything runs.",
            "Values of steps can be used in params, when and foreach.",
        )
    if reference.name not in before:
        known = reference.name in pipeline.steps
        raise InvalidPipeline(
            f"{where} uses a value of {reference.name!r}, which is no step it needs.",
            f"Add {reference.name!r} to its `needs`."
            if known
            else suggestion(reference.name, before),
        )


def _check_matrix(where: str, place: str, step: Step, reference: Reference) -> None:
    if place.startswith("matrix.") or place == "foreach":
        raise InvalidPipeline(
            f"{where}: {reference.name!r} of the matrix is not known yet.", "Use params."
        )
    if step.foreach is not None:
        kind, names = "foreach", {step.foreach.name}
    else:
        included = {key for item in step.matrix.include for key in item}
        kind, names = "matrix", {*step.matrix.axes, *included}
    if reference.name not in names:
        raise InvalidPipeline(
            f"{where}: the step's {kind} has no {reference.name!r}.",
            suggestion(reference.name, names),
        )


def _check_secret(where: str, place: str, step: Step, value: Any) -> None:
    whole = isinstance(value, str) and expressions.is_reference(value)
    if place.startswith("params.") and whole and step.kind == "notebook":
        return
    raise InvalidPipeline(
        f"{where}: a secret can only be the whole value of a notebook's parameter.",
        "Name it in the step's `secrets`: the step then has it as an environment variable.",
    )
