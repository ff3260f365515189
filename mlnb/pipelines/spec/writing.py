"""`Pipeline` → the YAML that reads back as the same; only what differs from the defaults."""

from pathlib import Path
from typing import Any

import yaml

from mlnb.pipelines.spec.models import Pipeline, Step
from mlnb.pipelines.spec.parts import TYPED, Parameter

_LINE_ENDS = {"\x85", "\u2028", "\u2029"}
_FIRST = ("notebook", "script", "function", "needs", "inputs", "outputs")


def to_yaml(pipeline: Pipeline, *, schema: str = "", about: str = "") -> str:
    """Return the text of a pipeline file.

    Parameters
    ----------
    pipeline : Pipeline
        What to write.
    schema : str
        Address or path of the JSON Schema, for editors: the first line then names it.
    about : str
        A comment for the top.
    """
    lines = [f"# yaml-language-server: $schema={schema}"] if schema else []
    lines += [f"# {line}".rstrip() for line in about.splitlines()]
    body = yaml.dump(
        to_mapping(pipeline), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100
    )
    return "\n".join([*lines, body])


def write(pipeline: Pipeline, path: Path, *, schema: str = "", about: str = "") -> Path:
    """Write a pipeline file, which is whole at any moment."""
    text = to_yaml(pipeline, schema=schema, about=about)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
    return path


def to_mapping(pipeline: Pipeline) -> dict[str, Any]:
    """Return a pipeline as its file has it."""
    body = pipeline.model_dump(exclude_defaults=True)
    shown: dict[str, Any] = {"name": pipeline.name}
    if pipeline.description:
        shown["description"] = pipeline.description
    if pipeline.schedule:
        given = body["schedule"]
        shown["schedule"] = given["cron"] if list(given) == ["cron"] else given
    if pipeline.params:
        shown["params"] = {name: _parameter(item) for name, item in pipeline.params.items()}
    shown |= {key: body[key] for key in ("env", "limits", "notify") if key in body}
    shown["steps"] = {name: _step(item) for name, item in pipeline.steps.items()}
    if pipeline.on_failure:
        shown["on_failure"] = _step(pipeline.on_failure)
    return shown


def _parameter(item: Parameter) -> Any:
    value = item.default
    if item.plain and not (isinstance(value, dict) and TYPED & set(value)):
        return value
    body = item.model_dump(exclude_defaults=True)
    if item.required and {"type", "choices"} & set(body):
        del body["required"]
    elif not item.required and not item.secret:
        body = {"default": value} | body
    return body


def _step(step: Step) -> dict[str, Any]:
    body = step.model_dump(exclude_defaults=True)
    if "retries" in body and list(body["retries"]) == ["limit"]:
        body["retries"] = step.retries.limit
    if "matrix" in body:
        body["matrix"] = step.matrix.axes | body["matrix"]
    first = {key: body[key] for key in _FIRST if key in body}
    return first | body


class _Dumper(yaml.SafeDumper):
    """Safe YAML with lists of plain values on one line and text of several lines as it is."""

    def ignore_aliases(self, _data: Any) -> bool:
        """Write a value again where it is used again; an alias says nothing to a reader."""
        return True


def _list(dumper: _Dumper, items: list[Any]) -> yaml.Node:
    plain = all(not isinstance(item, dict | list) for item in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=plain)


def _text(dumper: _Dumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text.strip("\n") else None
    if _LINE_ENDS & set(text):
        style = '"'  # which YAML would read as ordinary line ends
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(list, _list)
_Dumper.add_representer(str, _text)
