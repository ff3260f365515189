"""Kubeflow Pipelines: the intermediate representation (IR), compiled by its own SDK.

Each step is a container that runs the step command; a matrix is a loop (`ParallelFor`). What a
step has come to is handed on as an artifact where the store is a folder, and through the store
where that is an address.
"""

import inspect
import shlex
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from mlnb.core.errors import BadInput, MissingExtra
from mlnb.pipelines.exporters.kubernetes import name_of
from mlnb.pipelines.exporters.workflow import Task, Workflow
from mlnb.pipelines.spec import Parameter

STATE = "state"
"""Name of the artifact with a job's store."""


def path(workflow: Workflow) -> str:
    """Return where it is written."""
    return f"{workflow.name}.kfp.yaml"


def write(workflow: Workflow) -> str:
    """Return the IR.

    Raises
    ------
    BadInput
        If there is no image to run.
    MissingExtra
        If Kubeflow's SDK is not installed.
    """
    if not workflow.options.image:
        raise BadInput(
            "Kubeflow Pipelines needs the container image with the project.",
            "Build one (`mlnb ci init` writes a Dockerfile) and name it with --image.",
        )
    header = list(workflow.header)
    if workflow.secrets:
        header += [
            "",
            f"The Secret {name_of(workflow)!r} must have: {', '.join(workflow.secrets)}.",
        ]
    comment = "".join(f"# {line}".rstrip() + "\n" for line in header)
    return comment + "\n" + _compiled(_pipeline(workflow), name_of(workflow))


def _compiled(pipeline: Any, name: str) -> str:
    from kfp import compiler

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pipeline.yaml"
        compiler.Compiler().compile(pipeline, str(file), pipeline_name=name)
        text = file.read_text(encoding="utf-8")
    # The SDK's own header repeats what is below, and differs between its versions.
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("#"))


def _pipeline(workflow: Workflow) -> Any:
    try:
        from kfp import dsl
    except ImportError:
        raise MissingExtra("kfp", "kfp") from None

    closes = workflow.shared  # else its last task would not see what the others have come to

    def body(*values: Any) -> None:
        given = dict(zip(workflow.given, values, strict=True))
        with dsl.ExitHandler(_closing(workflow), name="close") if closes else nullcontext():
            _tasks(workflow, given)

    body.__name__ = name_of(workflow).replace("-", "_")
    body.__doc__ = workflow.pipeline.description or None
    _sign(
        body,
        [
            inspect.Parameter(
                name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                annotation=_type(item),
                default=item.default,
            )
            for name, item in workflow.given.items()
        ],
    )
    return dsl.pipeline(name=name_of(workflow), description=workflow.pipeline.description or None)(
        body
    )


def _tasks(workflow: Workflow, given: dict[str, Any]) -> None:
    """Add a task for each step to the pipeline that is being made."""
    from kfp import dsl

    states: dict[str, list[Any]] = {}
    made: dict[str, Any] = {}
    for task in workflow.tasks:
        component = _component(workflow, task)
        arguments = {**given, **_states(task, states)}
        after = [made[need] for need in task.needs]
        if task.many:
            names = [job.name for job in task.jobs]
            with dsl.ParallelFor(items=names, name=task.slug, parallelism=task.max_parallel) as job:
                one = component(job=job, **arguments)
                _configured(workflow, task, one.after(*after))
            made[task.name] = one
            states[task.name] = [dsl.Collected(one.outputs[STATE])] if not workflow.shared else []
        else:
            one = component(job=task.jobs[0].name, **arguments)
            made[task.name] = _configured(workflow, task, one.after(*after))
            states[task.name] = [one.outputs[STATE]] if not workflow.shared else []


def _closing(workflow: Workflow) -> Any:
    """Return the last task: the run's record and report, and what follows its end."""
    from kfp import dsl, kubernetes

    command = workflow.closing(f"kfp-{dsl.PIPELINE_JOB_ID_PLACEHOLDER}")

    def container() -> Any:
        return dsl.ContainerSpec(
            image=workflow.options.image, command=["mlnb"], args=shlex.split(command)[1:]
        )

    container.__name__ = workflow.closing_slug.replace("-", "_")
    _sign(container, [])
    made = dsl.container_component(container)()
    made.set_display_name("Record and report").set_caching_options(False)
    if names := workflow.closing_secrets:
        secret = {name: name for name in names}
        kubernetes.use_secret_as_env(made, name_of(workflow), secret)
    return made


def _states(task: Task, states: dict[str, list[Any]]) -> dict[str, Any]:
    return {_input(need): state for need in task.needs for state in states[need]}


def _input(need: str) -> str:
    plain = "".join(letter if letter.isalnum() else "_" for letter in need.lower())
    return f"{STATE}_of_{plain}"


def _component(workflow: Workflow, task: Task) -> Any:
    """Return the component of a step: the step command in the project's image."""
    from kfp import dsl

    def container(*_values: Any, **_given: Any) -> Any:
        return dsl.ContainerSpec(
            image=workflow.options.image,
            command=["mlnb"],
            args=[
                *("pipeline", "step", workflow.file),
                *("--run", f"kfp-{dsl.PIPELINE_JOB_ID_PLACEHOLDER}"),
                *(["--no-retries"] if _natively(task) else []),
                *("--executor-input", "{{$}}"),
            ],
        )

    fields: list[inspect.Parameter] = [_field("job", str)]
    fields += [_field(name, _type(item)) for name, item in workflow.given.items()]
    if not workflow.shared:
        for need in task.needs:
            many = workflow.task(need).many
            kind = dsl.Input[list[dsl.Artifact]] if many else dsl.Input[dsl.Artifact]
            fields.append(_field(_input(need), kind))
        fields.append(_field(STATE, dsl.Output[dsl.Artifact]))
    fields.append(_field("notebooks", dsl.Output[dsl.Artifact]))
    fields.append(_field("metrics", dsl.Output[dsl.Metrics]))
    fields.append(_field("values", dsl.OutputPath(dict)))
    container.__name__ = task.slug.replace("-", "_")
    _sign(container, fields)
    return dsl.container_component(container)


def _field(name: str, kind: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=kind)


def _sign(function: Callable[..., Any], fields: list[inspect.Parameter]) -> None:
    """Give a function the signature from which Kubeflow's SDK takes inputs and outputs."""
    function.__signature__ = inspect.Signature(fields)  # type: ignore[attr-defined]
    function.__annotations__ = {field.name: field.annotation for field in fields}


def _type(item: Parameter) -> type:
    named = {"int": int, "float": float, "str": str, "bool": bool}
    if item.type in named:
        return named[item.type]
    kind = type(item.default)
    return kind if kind in (bool, int, float, list, dict) else str


def _natively(task: Task) -> bool:
    """Tell whether Kubeflow repeats a step: it knows no kinds of failure."""
    retries = task.spec.retries
    return retries.limit > 0 and len(retries.on) == 3


def _configured(workflow: Workflow, task: Task, made: Any) -> Any:
    """Add retries, resources and secrets to a task."""
    made.set_display_name(task.name)
    retries = task.spec.retries
    if _natively(task):
        made.set_retry(
            num_retries=retries.limit,
            backoff_duration=f"{retries.backoff:g}s",
            backoff_factor=retries.factor,
            backoff_max_duration=f"{retries.max_delay:g}s",
        )
    made.set_caching_options(False)  # its key knows neither the notebook nor the run; mlnb's does
    for resource, amount in task.spec.resources.items():
        if resource in {"cpu", "cpus"}:
            made.set_cpu_limit(f"{amount:g}").set_cpu_request(f"{amount:g}")
        elif resource == "memory":
            made.set_memory_limit(f"{amount / 2**20:.0f}Mi").set_memory_request(
                f"{amount / 2**20:.0f}Mi"
            )
        elif resource == "gpu":
            made.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(int(amount))
    if task.secrets:
        from kfp import kubernetes

        names = {name: name for name in task.secrets}
        kubernetes.use_secret_as_env(made, name_of(workflow), names)
    return made
