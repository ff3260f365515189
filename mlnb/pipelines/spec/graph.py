"""Which step needs which: what the file says, and what declared inputs and outputs tell."""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from mlnb.core.errors import CyclicPipeline
from mlnb.pipelines.spec import data
from mlnb.pipelines.spec.models import Pipeline


def needs(pipeline: Pipeline) -> dict[str, list[str]]:
    """Return the steps that each step needs: the named ones, then the makers of its inputs.

    A step that by its own `needs` comes later is no maker of an earlier step's input: it makes
    the next version of a dataset.
    """
    named = {name: list(step.needs) for name, step in pipeline.steps.items()}
    outputs = {
        name: [data.read(item) for item in step.outputs] for name, step in pipeline.steps.items()
    }
    found: dict[str, list[str]] = {}
    for name, step in pipeline.steps.items():
        inputs = [data.read(item) for item in step.inputs]
        makers = [
            other
            for other, made in outputs.items()
            if other != name
            and any(data.makes(output, item) for output in made for item in inputs)
            and name not in before(named, other)
        ]
        found[name] = list(dict.fromkeys([*named[name], *makers]))
    return found


def order(pipeline: Pipeline) -> list[str]:
    """Return the names of the steps in an order in which they could run one by one.

    Raises
    ------
    CyclicPipeline
        If steps need each other.
    """
    try:
        return list(TopologicalSorter(needs(pipeline)).static_order())
    except CycleError as error:
        raise CyclicPipeline(reversed(error.args[1])) from None


def ancestors(pipeline: Pipeline, name: str) -> set[str]:
    """Return the names of all steps that come before one."""
    return before(needs(pipeline), name)


def before(graph: Mapping[str, list[str]], name: str) -> set[str]:
    """Return the names of all steps that come before one in what `needs` has returned."""
    found: set[str] = set()
    waiting = list(graph.get(name, ()))
    while waiting:
        need = waiting.pop()
        if need not in found:
            found.add(need)
            waiting += graph.get(need, ())
    return found
