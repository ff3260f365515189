"""A step → its jobs: each combination with its parameters, checked against what it runs."""

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mlnb.core.errors import (
    InvalidParameter,
    InvalidPipeline,
    MlnbError,
    UnknownParameter,
)
from mlnb.core.project import Project
from mlnb.execution import parameters
from mlnb.execution.parameters.binding import convert
from mlnb.pipelines import expressions, sources
from mlnb.pipelines.expressions import Scope
from mlnb.pipelines.plans import PlannedStep
from mlnb.pipelines.references import check_json, step_of
from mlnb.pipelines.sources import Source
from mlnb.pipelines.spec import Pipeline, Step
from mlnb.pipelines.spec.combining import combinations


@dataclass(frozen=True)
class Planner:
    """Plans the jobs of one step."""

    project: Project
    file: Path
    """The pipeline file."""
    pipeline: Pipeline
    values: Mapping[str, Any]
    """Of the pipeline's parameters."""
    name: str

    @property
    def step(self) -> Step:
        """Return the step."""
        return step_of(self.pipeline, self.name)

    @cached_property
    def source(self) -> Source:
        """Return what the step runs, which must be there."""
        try:
            return sources.look(self.project, self.file.parent, self.step)
        except MlnbError as error:
            error.message = f"Step {self.name!r}: {error.message}"
            raise

    def combinations(self) -> list[dict[str, Any]]:
        """Return the combinations of the step's matrix; one empty one when it has none."""
        matrix = self.step.matrix
        if not matrix:
            return [{}]
        axes: dict[str, Any] = {}
        for key, given in matrix.axes.items():
            axes[key] = self._evaluated(given, {})
            if not isinstance(axes[key], list) or not axes[key]:
                raise InvalidPipeline(
                    f"Step {self.name!r}: {key!r} of its matrix has become {axes[key]!r:.80}, "
                    "which is no list of values.",
                    "Give it at least one value; use foreach where there may be none.",
                )
        check_json(f"Step {self.name!r}: matrix", axes)
        include = self._evaluated(matrix.include, {})
        found = combinations(axes, include, self._evaluated(matrix.exclude, {}))
        check_json(f"Step {self.name!r}: matrix", {"include": include})
        if not found:
            raise InvalidPipeline(
                f"Step {self.name!r}: its matrix excludes every combination.",
                "Exclude fewer, or remove the step.",
            )
        return found

    def items(self) -> list[Any] | str:
        """Return the list that a job is made for each item of, or the expression that waits."""
        assert self.step.foreach is not None  # noqa: S101  (only asked of such a step)
        given = self.step.foreach.items
        if self._waits(given):
            if isinstance(given, list):
                raise InvalidPipeline(
                    f"Step {self.name!r}, foreach: an item of the list is not known yet.",
                    "Make one expression of all of it: ${{ [1, steps.STEP.VALUE] }}.",
                )
            return given
        items = self._evaluated(given, {})
        if not isinstance(items, list):
            raise InvalidPipeline(
                f"Step {self.name!r}: its foreach has become {items!r:.80}, which is no list.",
                "Give it a list.",
            )
        check_json(f"Step {self.name!r}", {"foreach": items})
        return items

    def waiting(
        self, items: list[Any] | str, needs: list[str], stage: int, others: Sequence[PlannedStep]
    ) -> PlannedStep:
        """Return the step as one that stands for jobs that are not known yet."""
        assert self.step.foreach is not None  # noqa: S101  (only asked of such a step)
        each = self.step.foreach.name
        self._check({}, dict.fromkeys([each, *self.step.params]))
        return PlannedStep(
            name=self.name,
            step=self.name,
            notebook=self.source.shown,
            kind=self.source.kind,
            cwd=self.source.cwd,
            needs=needs,
            stage=stage,
            foreach=items if isinstance(items, str) else "${{ [] }}",
            each=each,
            parameters=dict(self.step.params),
            when="" if self.step.when is True else str(self.step.when),
            inputs=list(self.step.inputs),
            outputs=list(self.step.outputs),
            environment={**self.pipeline.env, **self.step.env},
            resources=dict(self.step.resources),
            cells=self.source.cells,
            file=file_name(self.name, [item.file for item in others]),
        )

    def jobs(
        self,
        combined: Sequence[Mapping[str, Any]],
        needs: list[str],
        stage: int,
        others: Sequence[PlannedStep],
    ) -> list[PlannedStep]:
        """Return a job for each combination; names and files differ from those of the others."""
        step, made = self.step, list[PlannedStep]()
        for combination in combined:
            matrix = dict(combination)
            known, waiting = self._given(matrix)
            self._check(known, waiting)
            label = _label(self.name, list(matrix.values()), [item.name for item in made])
            variables = self._evaluated({**self.pipeline.env, **step.env}, matrix)
            made.append(
                PlannedStep(
                    name=label,
                    step=self.name,
                    notebook=self.source.shown,
                    kind=self.source.kind,
                    cwd=self.source.cwd,
                    needs=needs,
                    stage=stage,
                    matrix=matrix,
                    parameters={**known, **waiting},
                    when="" if step.when is True else str(step.when),
                    inputs=self._evaluated(step.inputs, matrix),
                    outputs=self._evaluated(step.outputs, matrix),
                    environment={k: expressions.as_text(v) for k, v in variables.items()},
                    resources=dict(step.resources),
                    cells=self.source.cells,
                    file=file_name(label, [item.file for item in (*others, *made)]),
                )
            )
        return made

    def _given(self, matrix: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the parameters that are known, and those that wait."""
        known: dict[str, Any] = dict(matrix)
        waiting: dict[str, Any] = {}
        for key, value in self.step.params.items():
            if self._waits(value):
                waiting[key] = value
            else:
                known[key] = self._evaluated(value, matrix)
        return known, waiting

    def _waits(self, value: Any) -> bool:
        found = expressions.references(value, self.pipeline.steps)
        return any(item.root in ("steps", "run") for item in found)

    def _evaluated(self, value: Any, matrix: Mapping[str, Any]) -> Any:
        def unknown(_step: str, _value: str) -> Any:
            raise AssertionError("only called for values that are known")

        scope = Scope(self.values, matrix, unknown)
        return expressions.evaluate(value, scope, self.pipeline.steps)

    def _check(self, known: Mapping[str, Any], waiting: Mapping[str, Any]) -> None:
        """Check parameters against what the notebook or the function declares."""
        source = self.source
        try:
            if source.kind == "notebook" and source.path is not None:
                declared = source.declared or []
                parameters.check_names(source.path, declared, waiting)
                parameters.check_values(source.path, declared, known)
                self._check_secrets(known)
            elif source.declared is not None:
                _check_keywords(source, known, waiting, self.step.secrets)
        except MlnbError as error:
            error.message = f"Step {self.name!r}: {error.message}"
            raise

    def _check_secrets(self, known: Mapping[str, Any]) -> None:
        """Check that secrets of the pipeline go only into parameters declared as such."""
        secret = {item.name for item in self.source.declared or [] if item.secret}
        for key in set(known) - secret:
            for item in expressions.references(self.step.params.get(key), self.pipeline.steps):
                if item.root == "params" and self.pipeline.params[item.name].secret:
                    raise InvalidParameter(
                        key,
                        f"${{{{ params.{item.name} }}}}",
                        f"it would get a secret, so it must be declared as {key}: mlnb.Secret",
                        self.source.shown,
                    )


def _check_keywords(
    source: Source,
    known: Mapping[str, Any],
    waiting: Mapping[str, Any],
    secrets: Sequence[str],
) -> None:
    declared = {item.name: item for item in source.declared or []}
    for key in (*known, *waiting):
        if key not in declared:
            error = UnknownParameter(key, declared, source.shown)
            error.fix = error.fix if declared else "It takes none."
            raise error
    for key, value in known.items():
        convert(declared[key], value, source.shown)
    held = {name.upper() for name in secrets}  # which a parameter of the name is given
    for key in source.required:
        if key not in known and key not in waiting and key.upper() not in held:
            raise InvalidPipeline(
                f"{source.shown} must be given {key!r}, for it has no default.",
                "Add it to the step's `params`.",
            )


def _label(step: str, combination: Sequence[Any], taken: Sequence[str]) -> str:
    if not combination:
        return step
    shown = (
        item if isinstance(item, str) else json.dumps(item, default=str) for item in combination
    )
    label = f"{step}[{','.join(text[:40] for text in shown)}]"
    twins = sum(name == label or name.startswith(f"{label}#") for name in taken)
    return f"{label}#{twins + 1}" if twins else label


def file_name(label: str, taken: Sequence[str]) -> str:
    """Return the name of a job's executed notebook, which differs from those that are taken."""
    used = {item.lower() for item in taken}
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", label).strip("-.") or "step"
    names = (f"{stem}{f'-{n}' if n else ''}.ipynb" for n in itertools.count())
    return next(name for name in names if name.lower() not in used)
