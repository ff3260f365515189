"""Whether what a step has made outside its result is still there."""

from collections.abc import Iterable

from mlnb.core.errors import MlnbError
from mlnb.pipelines.caching.records import Made


def gone(made: Iterable[Made]) -> str:
    """Say what keeps a result from standing for a run of its step, or ``""``."""
    for item in made:
        if item.kind == "release":  # a state of the world: nobody can give it back
            return f"it deployed {item.ref}, which only a run of it does"
        if not _is_there(item):
            short = item.name[:8] if item.kind == "run" else item.ref
            return f"the {item.kind} {short} that it made is not there any more"
    return ""


def _is_there(item: Made) -> bool:
    try:
        if item.kind == "dataset":
            from mlnb.datasets import versions

            found = versions.find(item.ref)
            return not item.digest or found.digest == item.digest
        if item.kind == "model":
            from mlnb.tracking import models

            return models.resolve(item.ref).ref == item.ref
        if item.kind == "run":
            from mlnb.tracking import runs

            return bool(runs.show(item.ref).id)
    except MlnbError:
        return False
    return False
