"""Which runs and models name versions of a dataset: those are not removed."""

import json

from mlnb.core import project as projects
from mlnb.tracking import store
from mlnb.tracking.registry import DATA, Registry, pages
from mlnb.tracking.runs import list_runs

_ALL = 1_000_000


def of_dataset(name: str) -> dict[int, list[str]]:
    """Return who names the versions of a dataset, by their numbers.

    A run names what it has read, a model what it was trained on. What a run has made it does not
    name: that it was made there is said by the version.

    Raises
    ------
    TrackingUnavailable
        If the tracking store does not answer.
    """
    found: dict[int, list[str]] = {}

    def add(refs: list[str], who: str) -> None:
        for ref in refs:
            dataset, _, number = ref.partition("@")
            if dataset == name and number.isdecimal():
                found.setdefault(int(number), []).append(who)

    for run in list_runs(filter=f"dataset.name = '{name}'", limit=_ALL):
        add(run.inputs, f"run {run.name} ({run.id[:8]})")
    if not store.absent(projects.current().tracking_uri):
        registry = Registry()
        with store.failures(registry.uri):
            for item in pages(registry.client.search_model_versions):
                add(json.loads(item.tags.get(DATA, "[]")), f"model {item.name}@{item.version}")
    return found
