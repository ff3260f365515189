"""Elyra's ``.pipeline`` files, read as pipelines of mlnb.

Notebook and Python nodes become steps with their links, environment variables, file dependencies,
output files, resources and secrets. Every output of a node is an input of all nodes after it, as
it is in Elyra. A container image is not used: steps run in the project's environment.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from mlnb.core.errors import InvalidPipeline
from mlnb.pipelines.spec.models import Pipeline
from mlnb.pipelines.spec.reading import made

SUFFIX = ".pipeline"
_KINDS = {"execute-notebook-node": "notebook", "execute-python-node": "script"}
_TYPES = {
    "string": "str",
    "integer": "int",
    "float": "float",
    "bool": "bool",
    "list": "list",
    "dict": "dict",
}
_SYSTEMS = {"APACHE_AIRFLOW": "Apache Airflow", "KUBEFLOW_PIPELINES": "Kubeflow Pipelines"}
Node = dict[str, Any]


def load(file: Path) -> Pipeline:
    """Read a ``.pipeline`` file.

    Raises
    ------
    InvalidPipeline
        If it is none, or has a node that only Airflow or Kubeflow could run.
    """
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidPipeline(f"{file.name} cannot be read as Elyra's: {error}.") from None
    return made(to_mapping(document, file.name), file.name)


def to_mapping(document: Any, where: str) -> dict[str, Any]:
    """Return an Elyra document as a pipeline file of mlnb would have it; `where` is its file.

    Raises
    ------
    InvalidPipeline
        If it cannot be one.
    """
    flow = _primary(document, where)
    about = _mapping(flow.get("app_data"))
    properties = _mapping(about.get("properties"))
    defaults = _mapping(properties.get("pipeline_defaults"))
    nodes = list(_nodes(flow, where, _system(about, properties)))
    if not nodes:
        raise InvalidPipeline(f"{where} has no node.", "Add a notebook to it in Elyra.")
    names = _names(nodes)
    parents = {node["id"]: _parents(node, names) for node in nodes}
    title = str(properties.get("name") or about.get("name") or PurePosixPath(where).stem)
    body: dict[str, Any] = {"name": _slug(title) or "pipeline"}
    description = properties.get("description") or about.get("description")
    if description:
        body["description"] = str(description)
    parameters = list(_listed(properties.get("pipeline_parameters")))
    if parameters:
        body["params"] = dict(_parameter(item) for item in parameters)
    steps: dict[str, Any] = {}
    for node in nodes:
        step = _step(node, defaults, where)
        before = [names[parent] for parent in parents[node["id"]]]
        if before:
            step["needs"] = before
        steps[names[node["id"]]] = step
    _hand_on(steps)
    return {**body, "steps": steps}


def _primary(document: Any, where: str) -> dict[str, Any]:
    flows = document.get("pipelines") if isinstance(document, dict) else None
    if not isinstance(flows, list) or not all(isinstance(flow, dict) for flow in flows):
        raise InvalidPipeline(
            f"{where} is no pipeline of Elyra.", "Elyra writes JSON that has `pipelines`."
        )
    wanted = document.get("primary_pipeline")
    found: dict[str, Any] | None = next((flow for flow in flows if flow.get("id") == wanted), None)
    if found is None:
        raise InvalidPipeline(f"{where} has no primary pipeline {wanted!r}.", "Save it in Elyra.")
    return found


def _system(about: Mapping[str, Any], properties: Mapping[str, Any]) -> str:
    kind = str(about.get("runtime_type") or properties.get("runtime_type") or "")
    return _SYSTEMS.get(kind) or str(properties.get("runtime") or "another system")


def _nodes(flow: Mapping[str, Any], where: str, system: str) -> Iterator[Node]:
    """Yield the nodes that run something; comments are none."""
    for node in _listed(flow.get("nodes")):
        if not isinstance(node, dict) or not isinstance(node.get("id"), str):
            raise InvalidPipeline(f"{where} has a node without an id.", "Save it in Elyra.")
        kind, operator = node.get("type"), str(node.get("op", ""))
        if kind == "super_node":
            raise InvalidPipeline(
                f"{where}: {_label(node)!r} is a super node.", "Expand it in Elyra, and save."
            )
        if kind != "execution_node":
            continue
        if operator not in _KINDS and not _is_shell(operator):
            what = "runs R" if operator == "execute-r-node" else f"is a component of {system}"
            raise InvalidPipeline(
                f"{where}: the node {_label(node)!r} {what} ({operator}), which mlnb does not run.",
                "Let a notebook or a Python script do its work.",
            )
        yield node


def _is_shell(operator: str) -> bool:
    return operator.endswith("_BashOperator")


def _given(node: Node) -> dict[str, Any]:
    """Return what was filled in for a node; before version 4 it stood beside its label."""
    about = _mapping(node.get("app_data"))
    return _mapping(about.get("component_parameters")) or about


def _label(node: Node) -> str:
    about = _mapping(node.get("app_data"))
    shown = _mapping(about.get("ui_data")).get("label") or about.get("title")
    given = _given(node)
    return str(about.get("label") or shown or given.get("filename") or node["id"])


def _names(nodes: list[Node]) -> dict[str, str]:
    """Return a step's name for each node, by ids."""
    names: dict[str, str] = {}
    for node in nodes:
        label = re.sub(r"\.(ipynb|py)$", "", PurePosixPath(_label(node)).name)
        stem = _slug(label) or "step"
        twins = sum(re.sub(r"-\d+$", "", name) == stem for name in names.values())
        name = stem
        while name in names.values():
            twins += 1
            name = f"{stem}-{twins}"
        names[node["id"]] = name
    return names


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-._")[:100]


def _parents(node: Node, names: Mapping[str, str]) -> list[str]:
    links = [
        link
        for port in _listed(node.get("inputs"))
        if isinstance(port, dict)
        for link in _listed(port.get("links"))
        if isinstance(link, dict)
    ]
    return list(
        dict.fromkeys(str(link.get("node_id_ref")) for link in links if _known(link, names))
    )


def _known(link: Mapping[str, Any], names: Mapping[str, str]) -> bool:
    return link.get("node_id_ref") in names


def _step(node: Node, defaults: Mapping[str, Any], where: str) -> dict[str, Any]:
    given = _given(node)
    if _is_shell(str(node["op"])):
        return _shell(node, given, where)
    file = given.get("filename")
    if not isinstance(file, str) or not file:
        raise InvalidPipeline(
            f"{where}: the node {_label(node)!r} names no file.", "Choose one in Elyra."
        )
    file = file.replace("\\", "/")
    kind, folder = _KINDS[str(node["op"])], PurePosixPath(file).parent
    step: dict[str, Any] = {kind: file}
    if kind == "script" and folder != PurePosixPath("."):
        step["cwd"] = str(folder)  # where Elyra runs it
    deep = bool(given.get("include_subdirectories"))
    inputs = [
        _path(folder, item if not deep or "/" in item else f"**/{item}")
        for item in _texts(given.get("dependencies"))
    ]
    outputs = [_path(folder, item) for item in _texts(given.get("outputs"))]
    wanted = [str(item) for item in _listed(given.get("pipeline_parameters"))]
    variables = {
        **_variables(defaults.get("env_vars"), where),
        **{name: f"${{{{ params.{name} }}}}" for name in wanted},
        **_variables(given.get("env_vars"), where),
    }
    secrets = [
        str(item["env_var"])
        for group in (defaults.get("kubernetes_secrets"), given.get("kubernetes_secrets"))
        for item in _listed(group)
        if isinstance(item, dict) and item.get("env_var")
    ]
    found = {
        "inputs": inputs,
        "outputs": outputs,
        "env": variables,
        "secrets": list(dict.fromkeys(secrets)),
        "resources": _resources(given),
    }
    return step | {key: value for key, value in found.items() if value}


def _shell(node: Node, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return Airflow's bash operator as a call of the same command."""
    command = given.get("bash_command")
    if not isinstance(command, str) or not command.strip():
        raise InvalidPipeline(
            f"{where}: the node {_label(node)!r} has no command.", "Give it one in Elyra."
        )
    step: dict[str, Any] = {
        "function": "mlnb.pipelines.shell:run",
        "params": {"command": command},
    }
    try:
        variables = json.loads(given.get("env") or "{}")
    except (TypeError, ValueError):
        variables = None
    if not isinstance(variables, dict):
        raise InvalidPipeline(
            f"{where}: the environment of the node {_label(node)!r} is no JSON object.",
            'Write it as {"NAME": "value"}.',
        )
    if variables:
        step["env"] = {str(name): str(value) for name, value in variables.items()}
    return step


def _hand_on(steps: dict[str, dict[str, Any]]) -> None:
    """Make the outputs of each step inputs of every step after it."""

    def made_before(name: str, seen: set[str]) -> Iterator[str]:
        for need in steps[name].get("needs", ()):
            if need not in seen:
                seen.add(need)
                yield from made_before(need, seen)
                yield from steps[need].get("outputs", ())

    for name, step in steps.items():
        inputs = [*step.get("inputs", ()), *made_before(name, set())]
        own = set(step.get("outputs", ()))
        if inputs := [item for item in dict.fromkeys(inputs) if item not in own]:
            step["inputs"] = inputs


def _resources(given: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        "cpus": given.get("cpu"),
        "gpu": given.get("gpu"),
        "memory": f"{given['memory']}GB" if given.get("memory") else None,
    }
    return {name: value for name, value in found.items() if value}


def _variables(given: Any, where: str) -> dict[str, str]:
    """Return environment variables; one without a value is left to whoever starts the run."""
    found: dict[str, str] = {}
    for item in _listed(given):
        if isinstance(item, dict):
            name, value = str(item.get("env_var", "")), str(item.get("value") or "")
        else:
            name, _, value = str(item).partition("=")
        if not name.strip().isidentifier():
            raise InvalidPipeline(
                f"{where}: {item!r} is no environment variable.", "Write NAME=value."
            )
        if value:
            found[name.strip()] = value
    return found


def _parameter(item: Any) -> tuple[str, dict[str, Any]]:
    given = _mapping(item)
    value = _mapping(given.get("default_value"))
    kind = str(value.get("type") or "string").lower()
    declared: dict[str, Any] = {"type": _TYPES.get(kind, "str")}
    if given.get("description"):
        declared["help"] = str(given["description"])
    if not given.get("required"):
        declared["default"] = value.get("value", "" if kind == "string" else None)
    return str(given.get("name", "")), declared


def _path(folder: PurePosixPath, item: str) -> str:
    return str(folder / item.replace("\\", "/"))


def _texts(value: Any) -> list[str]:
    return [str(item) for item in _listed(value) if str(item).strip()]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
