"""The pipeline file: YAML → `Pipeline`, with one clear error for whatever is wrong in it."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from mlnb.core.errors import InvalidName, InvalidPipeline, UnknownName, suggestion
from mlnb.core.names import check_name

FILE_NAMES = ("pipeline.yaml", "pipeline.yml")


TriggerRule = Literal["all_success", "none_failed", "all_done"]
"""Airflow's words: every needed step finished; none failed, though some may have been skipped by
their condition; whatever became of them."""


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Step(BaseModel):
    """One step: a notebook with parameters, run when the steps it needs have finished."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    notebook: str = Field(min_length=1)
    """Path relative to the pipeline file."""
    needs: Annotated[list[str], BeforeValidator(_listed)] = []
    matrix: dict[str, Annotated[list[Any], Field(min_length=1)]] = {}
    """One job per combination; the values are injected as parameters."""
    params: dict[str, Any] = {}
    when: bool | str = True
    """An expression; the step is SKIPPED when its value is false."""
    trigger_rule: TriggerRule = "all_success"
    """What must have become of the steps it needs."""
    timeout: float | None = Field(None, gt=0)
    """Seconds for the whole notebook."""
    retries: int = Field(0, ge=0, le=100)
    kernel: str | None = None


class Pipeline(BaseModel):
    """A pipeline file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: str = ""
    params: dict[str, Any] = {}
    """Parameters of the pipeline, with their defaults."""
    steps: Annotated[dict[str, Step], Field(min_length=1)]


def find(path: Path) -> Path:
    """Return the pipeline file that a path (of a file or its folder) means.

    Raises
    ------
    UnknownName
        If there is none, naming the nearest file.
    """
    for file in (path, *(path / name for name in FILE_NAMES)):
        if file.is_file():
            return file.absolute()
    folder = path if path.is_dir() else path.parent
    nearby = [str(item) for end in ("yaml", "yml") for item in folder.glob(f"*.{end}")]
    raise UnknownName("pipeline", str(path), nearby)


def load(file: Path) -> Pipeline:
    """Read a pipeline file.

    Raises
    ------
    InvalidPipeline
        If it does not describe a pipeline; unknown keys come with a suggestion.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidPipeline(f"{file.name} cannot be read: {error}.") from None
    if file.suffix == ".ipynb":
        raise InvalidPipeline(
            f"{file.name} is a notebook, not a pipeline.",
            f"Write a pipeline.yaml with it as a step: {{notebook: {file.name}}}.",
        )
    body = parse_mapping(text, file.name)
    try:
        pipeline = Pipeline.model_validate(body)
    except ValidationError as error:
        raise _clear(file.name, error) from None
    _check_names(file.name, pipeline)
    return pipeline


def parse_mapping(text: str, where: str) -> dict[str, Any]:
    """Read a YAML mapping; ``{}`` when there is nothing.

    Raises
    ------
    InvalidPipeline
        If it is no YAML, or no mapping, or gives a key twice.
    """
    try:
        body = yaml.load(text, Loader=_Loader)  # noqa: S506  (it is a safe loader)
        json.dumps(body, default=str, skipkeys=True)  # what refers to itself has no end
    except (RecursionError, ValueError) as error:
        raise InvalidPipeline(f"{where}: it is nested without an end: {error}.") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise InvalidPipeline(f"{where}{line}: {error.problem}.") from None
    except yaml.YAMLError as error:
        raise InvalidPipeline(f"{where}: {error}.") from None
    if body is None:
        return {}
    if not isinstance(body, dict) or not all(isinstance(key, str) for key in body):
        raise InvalidPipeline(f"{where} holds no mapping of names.", "Write `name: value`.")
    return body


def _check_names(file: str, pipeline: Pipeline) -> None:
    try:
        check_name("pipeline", pipeline.name)
        for step in pipeline.steps:
            check_name("step", step)
    except InvalidName as error:
        raise InvalidPipeline(f"{file}: {error.message}", error.fix) from None
    for name in pipeline.params:
        if not name.isidentifier():
            raise InvalidPipeline(
                f"{file}: {name!r} cannot name a parameter.", "Use a Python identifier."
            )
    for step, spec in pipeline.steps.items():
        for need in spec.needs:
            if need not in pipeline.steps:
                raise InvalidPipeline(
                    f"{file}: step {step!r} needs {need!r}, which is no step.",
                    suggestion(need, set(pipeline.steps) - {step}),
                )
        if twice := sorted(set(spec.matrix) & set(spec.params)):
            raise InvalidPipeline(
                f"{file}: step {step!r} has {twice[0]!r} in its matrix and in its params.",
                "Remove one of them.",
            )


def _clear(file: str, error: ValidationError) -> InvalidPipeline:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part != "[key]")
    if first["type"] == "extra_forbidden":
        key = str(first["loc"][-1])
        known = Step.model_fields if len(first["loc"]) > 1 else Pipeline.model_fields
        inside = f"Step {first['loc'][1]!r}" if len(first["loc"]) > 1 else file
        return InvalidPipeline(
            f"{inside} has {key!r}, which is no key of it.", suggestion(key, known, listed=10)
        )
    if first["type"] == "missing":
        return InvalidPipeline(f"{file}: {place!r} is missing.")
    return InvalidPipeline(f"{file}: {place}: {first['msg']}.")


class _Loader(yaml.SafeLoader):
    """Safe YAML that refuses a key given twice and leaves dates as text, as papermill does."""

    yaml_implicit_resolvers = {  # noqa: RUF012  (PyYAML's own class attribute)
        first: [item for item in items if item[0] != "tag:yaml.org,2002:timestamp"]
        for first, items in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping."""
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value!r} is given twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)
