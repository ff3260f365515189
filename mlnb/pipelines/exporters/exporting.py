"""Pipeline file and options → the file of another system, written beside the project."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from mlnb.core.errors import Conflict
from mlnb.core.project import Project
from mlnb.core.records import Record
from mlnb.pipelines.exporters import features, headers, installing, workflow
from mlnb.pipelines.exporters.options import Options
from mlnb.pipelines.exporters.workflow import Workflow
from mlnb.pipelines.planning import prepare
from mlnb.pipelines.plans import Prepared


@dataclass(frozen=True, kw_only=True)
class Exported(Record):
    """A file made from a pipeline."""

    target: str
    path: str
    """Relative to the working directory."""
    text: str
    changed: bool
    """Whether it was not there like this already."""


def export(
    path: Path | str,
    options: Options,
    *,
    parameters: Mapping[str, Any] | None = None,
    force: bool = False,
) -> Exported:
    """Write a pipeline as a file of another system.

    Raises
    ------
    BadInput
        If the pipeline is none, or has a feature that the target cannot express.
    Conflict
        If there is a file of that name which was not made by mlnb.
    """
    file, text = render(path, options, parameters=parameters)
    return put(file, text, options.target, force=force)


def put(file: Path, text: str, target: str, *, force: bool = False) -> Exported:
    """Write a file, unless there is one that somebody has written by hand.

    Raises
    ------
    Conflict
        If there is.
    """
    shown = _from_here(file)
    there = file.read_text(encoding="utf-8") if file.exists() else None
    if there is not None and there != text and not headers.is_ours(there) and not force:
        raise Conflict(
            f"{shown} is there and was not made by mlnb.",
            "Choose another file with --output, or replace it with --force.",
        )
    if there != text:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return Exported(target=target, path=shown, text=text, changed=there != text)


def render(
    path: Path | str, options: Options, *, parameters: Mapping[str, Any] | None = None
) -> tuple[Path, str]:
    """Return a file's place and its text, without writing it.

    Raises
    ------
    BadInput
        As `export` does.
    """
    prepared = prepare(path, parameters)
    shared = workflow.is_shared(prepared.project.settings.store)
    features.check(prepared.pipeline, options, shared=shared)
    given = {name: prepared.plan.parameters[name] for name in parameters or {}}  # of their types
    made = _workflow(prepared, options, given)
    module = import_module(f"mlnb.pipelines.exporters.{options.target}")
    base = base_of(prepared.project)
    return base / (options.output or module.path(made)), module.write(made)


def _workflow(prepared: Prepared, options: Options, parameters: Mapping[str, Any]) -> Workflow:
    base = base_of(prepared.project)
    file = (prepared.project.root / prepared.plan.path).relative_to(base).as_posix()
    header = headers.of(file, options, parameters)
    install = options.install or (
        "" if options.image else installing.command(prepared.project, base)
    )
    return workflow.of(prepared, base, replace(options, install=install), header, parameters)


def base_of(project: Project) -> Path:
    """Return the folder that another system checks out: the top of the git work tree."""
    for folder in (project.root, *project.root.parents):
        if (folder / ".git").exists():
            return folder
    return project.root


def _from_here(file: Path) -> str:
    return Path(os.path.relpath(file)).as_posix()
