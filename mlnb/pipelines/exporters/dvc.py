"""``dvc.yaml``: one stage per job; the notebook is read, the executed one is written.

`dvc repro` runs the stages one after the other in one work tree, so the store is shared; what a
step has come to is handed on in ``executed/<job>.json``, too, which DVC pulls with the rest.
"""

from pathlib import PurePosixPath
from typing import Any

from mlnb.core.errors import BadInput
from mlnb.pipelines import expressions
from mlnb.pipelines.exporters.workflow import Task, Workflow, id_of, shell_word
from mlnb.pipelines.exporters.yaml_text import document
from mlnb.pipelines.plans import PlannedStep
from mlnb.pipelines.spec import data

FOLDER = "executed"


def path(workflow: Workflow) -> str:
    """Return where DVC looks for it: beside the pipeline file, which the stages' paths begin at."""
    return str(PurePosixPath(workflow.file).parent / "dvc.yaml")


def write(workflow: Workflow) -> str:
    """Return the file.

    Raises
    ------
    BadInput
        If two steps make the same file, which no two stages may.
    """
    header = list(workflow.header)
    if workflow.secrets:
        header += ["", f"Environment variables that it needs: {', '.join(workflow.secrets)}."]
    stages = {_name(task): _stage(workflow, task) for task in workflow.tasks}
    _check_outputs(workflow)
    return document(header, {"stages": stages}, spaced=("stages",))


def _name(task: Task) -> str:
    return task.slug if "." in task.name else task.name


def _stage(workflow: Workflow, task: Task) -> dict[str, Any]:
    if not task.many:
        return _body(workflow, task, task.jobs[0].name, id_of(task.jobs[0]))
    jobs = {id_of(job): {"job": job.name} for job in task.jobs}
    return {"foreach": jobs, "do": _body(workflow, task, "${item.job}", "${key}")}


def _body(workflow: Workflow, task: Task, job: str, stem: str) -> dict[str, Any]:
    file = PurePosixPath(workflow.file).name
    word = f"'{job}'" if task.many else shell_word(job)
    command = ["mlnb pipeline step", shell_word(file), word]
    given = [_result(item) for need in task.needs for item in workflow.task(need).jobs]
    for result in given:
        command += ["--given", shell_word(result)]
    command += ["--result", _result(stem), "--values", f"{FOLDER}/{stem}.values.json"]
    command += ["--notebooks", f"{FOLDER}/{stem}", *workflow.said]
    files = [item for item in map(data.read, task.spec.inputs) if item.kind == "file"]
    body: dict[str, Any] = {
        "cmd": " ".join(command),
        "deps": list(
            dict.fromkeys([*_sources(workflow, task), *(_place(item) for item in files), *given])
        ),
        "params": _parameters(workflow, task, file),
        "outs": [_result(stem), f"{FOLDER}/{stem}", *_outputs(task)],
        "metrics": [{f"{FOLDER}/{stem}.values.json": {"cache": False}}],
    }
    if _reads_from_outside(workflow, task):
        body["always_changed"] = True  # DVC cannot see a dataset's versions; mlnb's cache does
    return body


def _result(job: PlannedStep | str) -> str:
    return f"{FOLDER}/{job if isinstance(job, str) else id_of(job)}.json"


def _sources(workflow: Workflow, task: Task) -> list[str]:
    """Return the files of a step's code, as the pipeline file sees them."""
    return [workflow.beside(file) for file in task.sources]


def _place(item: data.Data) -> str:
    """Return a path that DVC takes: of a glob, the folder before it."""
    if not item.is_glob:
        return item.name
    parts = PurePosixPath(item.name).parts
    first = next(n for n, part in enumerate(parts) if any(mark in part for mark in "*?["))
    return str(PurePosixPath(*parts[:first])) if first else "."


def _outputs(task: Task) -> list[str]:
    made = [item for item in map(data.read, task.spec.outputs) if item.kind == "file"]
    return list(dict.fromkeys(_place(item) for item in made))


def _check_outputs(workflow: Workflow) -> None:
    owners: dict[str, str] = {}
    for task in workflow.tasks:
        for place in _outputs(task):
            if place == "." or (task.many and len(task.jobs) > 1) or place in owners:
                other = owners.get(place, task.name)
                raise BadInput(
                    f"dvc.yaml cannot express that several jobs write to {place!r} "
                    f"({other!r} and {task.name!r}).",
                    "Let each step write to a folder of its own.",
                )
            owners[place] = task.name


def _parameters(workflow: Workflow, task: Task, file: str) -> list[Any]:
    """Return the parts of the pipeline file that a stage depends on."""
    step = task.spec
    texts = [step.params, step.when, step.inputs, step.outputs, step.env]
    if isinstance(step.when, str):
        texts[1] = expressions.condition(step.when)
    found = expressions.references(texts, workflow.pipeline.steps)
    names = sorted({item.name for item in found if item.root == "params"} | set(workflow.fixed))
    if "." in task.name:  # DVC would look for a part of a part
        return [{file: None}]
    env = ["env"] if workflow.pipeline.env else []
    return [{file: [*(f"params.{name}" for name in names), *env, f"steps.{task.name}"]}]


def _reads_from_outside(workflow: Workflow, task: Task) -> bool:
    """Tell whether a step reads a dataset that no step before it makes."""
    earlier = [data.read(out) for other in workflow.before(task) for out in other.spec.outputs]
    wanted = [item for item in map(data.read, task.spec.inputs) if item.kind == "dataset"]
    return any(not any(data.makes(out, item) for out in earlier) for item in wanted)
