"""The pipeline file: YAML → `Pipeline`, with one clear error for whatever is wrong in it."""

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from mlnb.core.errors import InvalidPipeline, UnknownName
from mlnb.pipelines.spec.checking import check
from mlnb.pipelines.spec.explaining import explain
from mlnb.pipelines.spec.models import Pipeline

FILE_NAMES = ("pipeline.yaml", "pipeline.yml")


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
    """Read a pipeline file, mlnb's own or Elyra's.

    Raises
    ------
    InvalidPipeline
        If it does not describe a pipeline; unknown keys come with a suggestion.
    """
    if file.suffix == ".pipeline":
        from mlnb.pipelines.spec import elyra

        return elyra.load(file)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidPipeline(f"{file.name} cannot be read: {error}.") from None
    if file.suffix == ".ipynb":
        raise InvalidPipeline(
            f"{file.name} is a notebook, not a pipeline.",
            f"Write a pipeline.yaml with it as a step: {{notebook: {file.name}}}.",
        )
    return parse(text, file.name)


def parse(text: str, where: str) -> Pipeline:
    """Make a pipeline of YAML text; `where` is what errors call it.

    Raises
    ------
    InvalidPipeline
        If it does not describe one.
    """
    return made(parse_mapping(text, where), where)


def made(body: dict[str, Any], where: str) -> Pipeline:
    """Make a pipeline of a mapping, and check it.

    Raises
    ------
    InvalidPipeline
        If it does not describe one; `where` is what the error calls it.
    """
    try:
        pipeline = Pipeline.model_validate(body)
    except ValidationError as error:
        raise explain(where, body, error) from None
    check(where, pipeline)
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
            if isinstance(key, yaml.ScalarNode) and key.tag == "tag:yaml.org,2002:bool":
                key.tag = "tag:yaml.org,2002:str"  # YAML 1.1 takes the key `on` for true
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value!r} is given twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)
