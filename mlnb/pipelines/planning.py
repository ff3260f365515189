"""Pipeline file and parameters → a checked plan: which notebook runs after which, with what.

Everything that can be wrong is found here, before anything starts and before anything is written.
"""

import itertools
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from mlnb.core import project as projects
from mlnb.core.errors import (
    CyclicPipeline,
    InvalidParameter,
    InvalidPipeline,
    MlnbError,
    UnknownParameter,
    suggestion,
)
from mlnb.core.project import Project
from mlnb.core.records import Record
from mlnb.execution import notebooks, parameters
from mlnb.pipelines import expressions, spec
from mlnb.pipelines.spec import Pipeline, Step


@dataclass(frozen=True, kw_only=True)
class PlannedStep(Record):
    """One notebook to run: a step, or one combination of its matrix."""

    name: str
    """``train``, or ``train[logistic]`` of a matrix."""
    step: str
    notebook: str
    """Relative to the project."""
    needs: list[str]
    """Names of planned steps."""
    stage: int
    """Counts from 1; a step needs only steps of earlier stages."""
    matrix: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    """As known now; expressions that wait for a step's values are kept as text."""
    when: str = ""
    cells: int = 0
    file: str = ""
    """Name of the executed notebook."""


@dataclass(frozen=True, kw_only=True)
class Plan(Record):
    """What a run of a pipeline would do."""

    pipeline: str
    path: str
    """Pipeline file, relative to the project."""
    parameters: dict[str, Any]
    steps: list[PlannedStep]
    """In an order in which they could run one by one."""


@dataclass(frozen=True)
class Prepared:
    """A plan with what is needed to carry it out."""

    plan: Plan
    pipeline: Pipeline
    project: Project


def project_of(path: Path | str) -> Project:
    """Return the project that a pipeline belongs to: its file's, unless ``MLNB_PROJECT`` says."""
    named = "MLNB_PROJECT" in os.environ
    return projects.current(None if named else spec.find(Path(path)).parent)


def plan(path: Path | str, parameters: Mapping[str, Any] | None = None) -> Plan:
    """Return what running a pipeline would do, having checked all of it.

    Raises
    ------
    UnknownName, InvalidPipeline, CyclicPipeline, MissingNotebook, InvalidNotebook
        If the pipeline cannot run.
    UnknownParameter, InvalidParameter
        If it or one of its notebooks does not take a parameter.
    """
    return prepare(path, parameters).plan


def prepare(path: Path | str, given: Mapping[str, Any] | None = None) -> Prepared:
    """Read, check and plan a pipeline; the project is the one its file belongs to."""
    file = spec.find(Path(path))
    project = project_of(file)
    with projects.using(project):
        pipeline = spec.load(file)
        values = _pipeline_parameters(pipeline, given or {})
        _check_json("params", values)
        order = _order(pipeline)
        for name in order:
            _check_references(pipeline, name)
        steps: list[PlannedStep] = []
        for name in order:
            steps += _planned(project, file, pipeline, name, values, steps)
    made = Plan(pipeline=pipeline.name, path=project.relative(file), parameters=values, steps=steps)
    return Prepared(made, pipeline, project)


def _pipeline_parameters(pipeline: Pipeline, given: Mapping[str, Any]) -> dict[str, Any]:
    where = f"Pipeline {pipeline.name!r}"
    for name, value in given.items():
        if name not in pipeline.params:
            hint = "" if pipeline.params else "It declares no `params`."
            error = UnknownParameter(name, pipeline.params, where)
            error.fix = hint or error.fix
            raise error
        default = pipeline.params[name]
        if not _fits(value, default):
            kind = type(default).__name__
            raise InvalidParameter(name, value, f"it must be of type {kind}, as {default!r}", where)
    return {**pipeline.params, **given}


def _check_json(where: str, values: Mapping[str, Any]) -> None:
    """Values go into events and records, so they must be JSON's: no NaN, no bytes."""
    for name, value in values.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError):
            raise InvalidPipeline(
                f"{where}.{name} = {value!r} is no value that can be recorded.",
                "Use text, finite numbers, booleans, lists and mappings.",
            ) from None


def _fits(value: Any, default: Any) -> bool:
    if default is None or value is None:
        return True
    if isinstance(default, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is type(default)


def _order(pipeline: Pipeline) -> list[str]:
    try:
        return list(
            TopologicalSorter({n: s.needs for n, s in pipeline.steps.items()}).static_order()
        )
    except CycleError as error:
        raise CyclicPipeline(reversed(error.args[1])) from None


def _check_references(pipeline: Pipeline, name: str) -> None:
    step = pipeline.steps[name]
    before = _ancestors(pipeline, name)
    places = {f"params.{key}": value for key, value in step.params.items()}
    places["when"] = step.when
    for place, value in places.items():
        where = f"Step {name!r}, {place}"
        try:
            text = expressions.condition(value) if place == "when" else value
            found = expressions.references(text, pipeline.steps)
        except InvalidPipeline as error:
            raise InvalidPipeline(f"{where}: {error.message}", error.fix) from None
        for reference in found:
            if reference.root == "params" and reference.name not in pipeline.params:
                raise UnknownParameter(reference.name, pipeline.params, f"{where}: the pipeline")
            if reference.root == "matrix" and reference.name not in step.matrix:
                raise InvalidPipeline(
                    f"{where}: the step's matrix has no {reference.name!r}.",
                    suggestion(reference.name, step.matrix),
                )
            if reference.root == "steps" and reference.name not in before:
                if reference.name in pipeline.steps:
                    fix = f"Add {reference.name!r} to its `needs`."
                else:
                    fix = suggestion(reference.name, before)
                raise InvalidPipeline(
                    f"{where} uses a value of {reference.name!r}, which is no step it needs.", fix
                )


def _ancestors(pipeline: Pipeline, name: str) -> set[str]:
    found: set[str] = set()
    waiting = list(pipeline.steps[name].needs)
    while waiting:
        need = waiting.pop()
        if need not in found:
            found.add(need)
            waiting += pipeline.steps[need].needs
    return found


def _planned(
    project: Project,
    file: Path,
    pipeline: Pipeline,
    name: str,
    values: Mapping[str, Any],
    earlier: list[PlannedStep],
) -> list[PlannedStep]:
    """Plan a step: one notebook, or one for each combination of its matrix."""
    step = pipeline.steps[name]
    path = file.parent / step.notebook
    try:
        notebook = notebooks.read(path)
        notebooks.kernel_for(notebook, step.kernel)
        declared = parameters.of(notebook)
    except MlnbError as error:
        error.message = f"Step {name!r}: {error.message}"
        raise
    _check_json(f"Step {name!r}: params", step.params)
    _check_json(f"Step {name!r}: matrix", step.matrix)
    needed = [planned for planned in earlier if planned.step in step.needs]
    made: list[PlannedStep] = []
    for combination in itertools.product(*step.matrix.values()):
        matrix = dict(zip(step.matrix, combination, strict=True))
        known, waiting = _given(pipeline, step, values, matrix)
        try:
            parameters.check_names(path, declared, waiting)
            parameters.check_values(path, declared, known)
        except MlnbError as error:
            error.message = f"Step {name!r}: {error.message}"
            raise
        label = _label(name, combination, [item.name for item in made])
        made.append(
            PlannedStep(
                name=label,
                step=name,
                notebook=project.relative(path),
                needs=[planned.name for planned in needed],
                stage=1 + max((planned.stage for planned in needed), default=0),
                matrix=matrix,
                parameters={**known, **waiting},
                when="" if step.when is True else str(step.when),
                cells=len(notebook.cells),
                file=_file_name(label, [item.file for item in (*earlier, *made)]),
            )
        )
    return made


def _given(
    pipeline: Pipeline, step: Step, values: Mapping[str, Any], matrix: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the parameters that are known, and those that wait for a step's values."""

    def unknown(_step: str, _value: str) -> Any:
        raise AssertionError("only called for values that are known")

    scope = expressions.Scope(values, matrix, unknown)
    known: dict[str, Any] = dict(matrix)
    waiting: dict[str, Any] = {}
    for key, value in step.params.items():
        if any(item.root == "steps" for item in expressions.references(value, pipeline.steps)):
            waiting[key] = value
        else:
            known[key] = expressions.evaluate(value, scope, pipeline.steps)
    return known, waiting


def _label(step: str, combination: tuple[Any, ...], taken: list[str]) -> str:
    if not combination:
        return step
    shown = (
        item if isinstance(item, str) else json.dumps(item, default=str) for item in combination
    )
    label = f"{step}[{','.join(text[:40] for text in shown)}]"
    twins = sum(name == label or name.startswith(f"{label}#") for name in taken)
    return f"{label}#{twins + 1}" if twins else label


def _file_name(label: str, taken: list[str]) -> str:
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", label).strip("-.") or "step"
    names = (f"{stem}{f'-{n}' if n else ''}.ipynb" for n in itertools.count())
    return next(name for name in names if name.lower() not in {item.lower() for item in taken})
