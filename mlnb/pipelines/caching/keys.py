"""The key of a step: the digest of all that its result is known to depend on before it runs."""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from mlnb.core import redaction
from mlnb.core.hashing import digest_bytes, digest_file
from mlnb.core.project import Project
from mlnb.execution.steps import modules
from mlnb.execution.steps.signing import Signer
from mlnb.pipelines import artifacts
from mlnb.pipelines.caching import code as codes
from mlnb.pipelines.caching import environment
from mlnb.pipelines.caching.code import StepCode
from mlnb.pipelines.kinds import pipeline_folder, working_folder
from mlnb.pipelines.performing import StepJob
from mlnb.pipelines.sources import search_path

FORMAT = 1
"""Part of every key: raise it when keys are made otherwise."""
_SHORT = 80
"""Characters of a value that is kept as it is, so that a change can be shown."""


@dataclass
class StepKey:
    """A key, with what it was made from."""

    parts: dict[str, Any]
    code: StepCode
    listing: bytes = field(default=b"", repr=False)
    """The installed distributions, where they count."""

    @cached_property
    def body(self) -> bytes:
        """Return the parts as the object whose digest is the key."""
        text = json.dumps(self.parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode(errors="replace")

    @cached_property
    def digest(self) -> str:
        """Return the key itself."""
        return digest_bytes(self.body)

    def put(self, project: Project) -> None:
        """Store the parts, so that a later run can tell what has changed."""
        project.store.put(self.body, self.digest)
        if self.listing:
            project.store.put(self.listing)


def key_of(project: Project, job: StepJob, given: Mapping[str, str]) -> StepKey:
    """Return the key of a step.

    Parameters
    ----------
    project : Project
        Whose modules and lock file count.
    job : StepJob
        The step.
    given : mapping
        Its declared inputs as they are now: a dataset → ``flights@3 DIGEST``, a file → its digest.

    Raises
    ------
    MlnbError
        If its code cannot be read.
    """
    code = _code_of(project, job)
    parts: dict[str, Any] = {
        "format": FORMAT,
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "step": job.name,
        "kind": job.kind,
        "language": code.language,
        "cells": code.cells,
        "outputs": sorted(job.outputs),
        "secrets": sorted(job.secrets),
    }
    if job.cwd:
        parts["cwd"] = job.cwd
    if job.kernel:
        parts["kernel"] = job.kernel
    if job.kind == "function":
        parts["function"] = job.source
    parts["inputs"] = dict(given)
    signer = Signer(project)
    parts["parameters"] = {name: _shown(name, v, signer) for name, v in job.parameters.items()}
    parts["variables"] = {name: _shown(name, v, signer) for name, v in job.environment.items()}
    files = _modules(project, job, code)
    parts["modules"] = {**files, **_declared_modules(project, job)}
    if code.asks_inputs or codes.asks_inputs(project.root, files):
        parts["needs"] = {
            f"{step}.{name}": _shown(name, value, signer)
            for step, values in job.needs.items()
            for name, value in values.items()
        }
    key = StepKey(parts, code)
    _add_environment(project, key)
    return key


def _code_of(project: Project, job: StepJob) -> StepCode:
    if job.kind == "notebook":
        return codes.of_notebook(project.root / job.source)
    if job.kind == "script":
        return codes.of_file(project.root / job.source)
    return StepCode(imports=[job.source.partition(":")[0]])


def _modules(project: Project, job: StepJob, code: StepCode) -> dict[str, str]:
    """Return the project's modules that the code imports, and what they import in turn."""
    folder = working_folder(project, job)
    first = [folder, *search_path(project, pipeline_folder(project, job))]
    if job.kind == "script":
        first.insert(0, (project.root / job.source).parent)
    ours = modules.ProjectModules(project.root, first, imported=False)
    return ours.closure(code.imports)


def _declared_modules(project: Project, job: StepJob) -> dict[str, str]:
    """Return the digests of the files that the step names as modules, and of those below folders.

    Of Python files, the code counts; of others, the content.
    """
    folder = pipeline_folder(project, job)
    found: dict[str, str] = {}
    for declared in job.modules:
        for path in artifacts.named(folder, declared):
            file = folder / path
            if "__pycache__" in file.parts:
                continue
            is_code = file.suffix == ".py"
            digest = codes.of_file(file).cells[0] if is_code else digest_file(file)
            found[project.relative(file)] = digest
    return found


def _add_environment(project: Project, key: StepKey) -> None:
    if key.code.language != "python":
        return
    lock = environment.lock_of(project)
    if lock is None:
        key.listing = environment.listing()
        key.parts["environment"] = digest_bytes(key.listing)
        return
    files = [project.root / name for name in key.parts["modules"]]
    imports = [name for file in files if file.suffix == ".py" for name in _imports(file)]
    key.parts["lock"] = {project.relative(lock): environment.digest_of(lock)}
    key.parts["libraries"] = environment.imported(project, [*key.code.imports, *imports])


def _imports(file: Path) -> Iterable[str]:
    return codes.of_file(file).imports if file.is_file() else []


def _shown(name: str, value: Any, signer: Signer) -> str:
    """Return what stands for a value: a short one itself, of what may be secret a fingerprint.

    Others could try out what has a plain digest, and a fingerprint says nothing without our key.
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    if redaction.named(name, value) != value or redaction.text(text) != text:
        return f"secret:{signer.fingerprint(text)}"
    return text if len(text) <= _SHORT else f"digest:{digest_bytes(text.encode(errors='replace'))}"
