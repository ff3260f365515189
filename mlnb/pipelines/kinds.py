"""What a step runs → the notebook that runs: its own, or one cell that calls a script or function.

So each kind of step gets the same: a warm kernel, parameters, limits, an interrupt, an executed
notebook with all that was shown, values that it glues.
"""

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlnb.core import redaction
from mlnb.core.errors import InvalidPipeline
from mlnb.core.hashing import digest_json
from mlnb.core.project import Project
from mlnb.execution import notebooks
from mlnb.execution.executor import NotebookJob
from mlnb.execution.parameters.secret import variable
from mlnb.pipelines import artifacts, passing
from mlnb.pipelines.sources import search_path

if TYPE_CHECKING:
    from mlnb.pipelines.performing import StepJob

GRACE = 0.5
"""Seconds that a cell has to clean up when its run is stopped: kernels are gone within a second."""


def pipeline_folder(project: Project, job: "StepJob") -> Path:
    """Return the folder of the pipeline file, which declared files are relative to."""
    return (project.root / job.path).parent if job.path else project.root


def working_folder(project: Project, job: "StepJob") -> Path:
    """Return where a step runs: where it says, beside its notebook, or its pipeline file."""
    if job.cwd:
        return project.root / job.cwd
    if job.kind == "notebook":
        return (project.root / job.source).parent
    return pipeline_folder(project, job)


def notebook_job(
    project: Project,
    job: "StepJob",
    output: Path,
    cancelled: threading.Event,
    given: Mapping[str, str],
) -> NotebookJob:
    """Return what executes a step.

    Parameters
    ----------
    project : Project
        The current one.
    job : StepJob
        The step.
    output : Path
        The executed notebook.
    cancelled : threading.Event
        Stops it.
    given : mapping
        The declared inputs as they are: ``dataset:flights@latest`` → ``flights@3``, a file → its
        digest.

    Raises
    ------
    InvalidPipeline
        If a secret that the step needs is not in the environment.
    """
    source = project.root / job.source
    if job.kind != "notebook":
        source = output.with_name(f".{output.stem}.source.ipynb")
        notebooks.write(_calling(project, job), source)
    return NotebookJob(
        notebook=source,
        output=output,
        title="" if job.kind == "notebook" else job.source,
        cwd=working_folder(project, job),
        parameters=job.parameters if job.kind == "notebook" else {},
        step=job.name,
        pipeline_run=job.run,
        timeout=job.timeout,
        kernel=job.kernel,
        environment={
            **job.threads,
            **job.environment,
            **_secrets(job),
            **_handed(project, job, output, given),
        },
        hidden=tuple(form for name in job.hidden for form in (name, variable(name))),
        memory=job.memory,
        resume=job.resume,
        context=digest_json([job.run, dict(given)]),  # no checkpoint of other runs, other inputs
        cancelled=cancelled,
        grace=GRACE,
    )


def _calling(project: Project, job: "StepJob") -> dict[str, Any]:
    """Return a notebook of one cell that runs a script or calls a function."""
    folder = working_folder(project, job)
    call = "run_script" if job.kind == "script" else "run_function"
    target = job.source
    if job.kind == "script":
        target = Path(os.path.relpath(project.root / job.source, folder)).as_posix()
    places = search_path(project, pipeline_folder(project, job)) if job.kind == "function" else []
    shown = [repr(Path(os.path.relpath(place, folder)).as_posix()) for place in places]
    keywords = [f"**{{{name!r}: {value!r}}}" for name, value in job.parameters.items()]
    arguments = ", ".join([repr(target), *shown, *keywords])
    code = f"from mlnb.pipelines.passing import {call}\n\n{call}({arguments})"
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "call",
        "metadata": {},
        "source": code,
        "outputs": [],
        "execution_count": None,
    }
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "cells": [cell],
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _secrets(job: "StepJob") -> dict[str, str]:
    """Return the secrets of a step as variables: under their names, and as `Secret` parameters."""
    found: dict[str, str] = {}
    for name in job.secrets:
        value = os.environ.get(name) or os.environ.get(variable(name))
        if value is None:
            raise InvalidPipeline(
                f"Step {job.name!r} needs the secret {name!r}, which is not in the environment.",
                f"Set {name} or {variable(name)}, or name a file of secrets.",
            )
        found |= {name: value, variable(name): value}
    redaction.register(found)
    return found


def _handed(
    project: Project, job: "StepJob", output: Path, given: Mapping[str, str]
) -> dict[str, str]:
    """Write what ``mlnb.inputs`` is to give; nothing is written when that is nothing."""
    if not job.needs and not job.inputs:
        return {passing.VARIABLE: ""}
    folder = pipeline_folder(project, job)
    files: dict[str, Any] = {}
    datasets: dict[str, str] = {}
    for declared in job.inputs:
        if artifacts.is_file(declared):
            paths = [path for path in given if artifacts.fits(path, declared)]
            files[declared] = paths[0] if paths == [declared] else paths
        else:
            datasets[declared.partition("@")[0]] = given.get(declared, "")
    place = output.with_name(f".{output.stem}.inputs.json")
    body = {
        "format": 1,
        "folder": Path(os.path.relpath(folder, place.parent)).as_posix(),
        "values": job.needs,
        "datasets": datasets,
        "files": files,
    }
    place.write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")
    return {passing.VARIABLE: str(place)}
