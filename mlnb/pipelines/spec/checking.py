"""What must fit between the parts of a pipeline file, whatever its notebooks are."""

from mlnb.core.errors import InvalidName, InvalidPipeline, suggestion
from mlnb.core.names import check_name
from mlnb.pipelines.spec import data, graph
from mlnb.pipelines.spec.models import Pipeline, Step
from mlnb.pipelines.spec.values import check_declared

ON_FAILURE = "on_failure"


def check(where: str, pipeline: Pipeline) -> None:
    """Check names, needs, fan-out, data and resources.

    Raises
    ------
    InvalidPipeline
        Naming the file (`where`), the step and the fix.
    """
    try:
        check_name("pipeline", pipeline.name)
        for name in pipeline.steps:
            check_name("step", name)
    except InvalidName as error:
        raise InvalidPipeline(f"{where}: {error.message}", error.fix) from None
    for name in pipeline.params:
        if not name.isidentifier():
            raise InvalidPipeline(
                f"{where}: {name!r} cannot name a parameter.", "Use a Python identifier."
            )
    check_declared(where, pipeline)
    for name, step in pipeline.steps.items():
        _check_needs(where, pipeline, name)
        _check_step(f"{where}: step {name!r}", pipeline, step)
    _check_outputs(where, pipeline)
    if pipeline.on_failure is not None:
        if ON_FAILURE in pipeline.steps:
            raise InvalidPipeline(f"{where}: no step can be called {ON_FAILURE!r}.", "Rename it.")
        _check_on_failure(where, pipeline.on_failure)
        _check_step(f"{where}: {ON_FAILURE}", pipeline, pipeline.on_failure)
    graph.order(pipeline)


def _check_needs(where: str, pipeline: Pipeline, name: str) -> None:
    for need in pipeline.steps[name].needs:
        if need not in pipeline.steps:
            raise InvalidPipeline(
                f"{where}: step {name!r} needs {need!r}, which is no step.",
                suggestion(need, set(pipeline.steps) - {name}),
            )


def _check_step(where: str, pipeline: Pipeline, step: Step) -> None:
    fanned = {*step.matrix.axes, *(key for item in step.matrix.include for key in item)}
    kind = "matrix"
    if step.foreach is not None:
        fanned, kind = {step.foreach.name}, "foreach"
    if twice := sorted(fanned & set(step.params)):
        raise InvalidPipeline(
            f"{where} has {twice[0]!r} in its {kind} and in its params.", "Remove one of them."
        )
    for key in sorted(fanned):
        if not key.isidentifier():
            raise InvalidPipeline(
                f"{where}: {key!r} in its {kind} cannot name a parameter.",
                "Use a Python identifier.",
            )
    for item in step.matrix.exclude:
        if unknown := sorted(set(item) - set(step.matrix.axes)):
            raise InvalidPipeline(
                f"{where}: its matrix excludes by {unknown[0]!r}, which it does not have.",
                suggestion(unknown[0], step.matrix.axes),
            )
    for key, texts in (("inputs", step.inputs), ("outputs", step.outputs)):
        for text in texts:
            try:
                declared = data.read(text)
            except InvalidPipeline as error:
                raise InvalidPipeline(f"{where}, {key}: {error.message}", error.fix) from None
            if key == "outputs" and declared.selector:
                raise InvalidPipeline(
                    f"{where}, outputs: {text!r} names a version, which only saving gives.",
                    f"Write dataset:{declared.name}.",
                )
    if step.kernel and step.kind != "notebook":
        raise InvalidPipeline(f"{where}: a {step.kind} has no kernel.", "Remove `kernel`.")
    for name, wanted in step.resources.items():
        limit = pipeline.limits.get(name)
        if limit is not None and wanted > limit:
            raise InvalidPipeline(
                f"{where} takes {wanted:g} of {name}, but the pipeline's limit is {limit:g}.",
                "It could never start.",
            )


def _check_outputs(where: str, pipeline: Pipeline) -> None:
    """Check that a file has one maker; a dataset may get versions from several steps."""
    makers: dict[str, str] = {}
    for name, step in pipeline.steps.items():
        for text in step.outputs:
            item = data.read(text)
            if item.kind == "file" and makers.setdefault(item.name, name) != name:
                raise InvalidPipeline(
                    f"{where}: steps {makers[item.name]!r} and {name!r} both write {item.name!r}.",
                    "Give each its own file.",
                )


def _check_on_failure(where: str, step: Step) -> None:
    for key in ("needs", "matrix", "foreach", "inputs", "outputs"):
        if getattr(step, key):
            raise InvalidPipeline(
                f"{where}: {ON_FAILURE} has {key!r}, but it runs once, when the run has failed.",
                "Remove it.",
            )
    if step.when is not True or step.trigger_rule != "all_success":
        raise InvalidPipeline(f"{where}: {ON_FAILURE} has a condition.", "Remove it.")
