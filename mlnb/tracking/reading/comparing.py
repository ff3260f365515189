"""Runs side by side: what was given, what came out, what ran, and on what."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from mlnb.core import project as projects
from mlnb.core.errors import BadInput, UnknownName
from mlnb.core.hashing import digest_bytes
from mlnb.tracking.reading import artifacts, code, finding, listing
from mlnb.tracking.reading.curves import curves
from mlnb.tracking.reading.records import RunComparison
from mlnb.tracking.reading.stored import StoredRun

V = TypeVar("V")

_FACTS = {
    "notebook": "mlflow.source.name",
    "commit": "mlflow.source.git.commit",
    "branch": "mlflow.source.git.branch",
    "Python": "mlnb.python",
    "operating system": "mlnb.os",
    "processor": "mlnb.cpu",
    "seeds": "mlnb.seeds",
}


def compare(ids: Sequence[str]) -> RunComparison:
    """Return runs side by side.

    Parameters
    ----------
    ids : sequence of str
        Two runs or more, each as in `show`. Code is compared with that of the first.

    Raises
    ------
    BadInput
        If fewer than two are given, or one twice.
    UnknownName
        If one is not there.
    """
    if isinstance(ids, str) or len(ids) < 2:
        raise BadInput("A comparison needs two runs or more.", "Name them by id or name.")
    project = projects.current()
    if listing.nothing_recorded(project):
        raise UnknownName("run", ids[0])
    listing.settle(project)
    with finding.finder(project) as find:
        stored = [find(ref) for ref in ids]
    if len({run.id for run in stored}) < len(stored):
        raise BadInput("A run is named twice.", "Name each run once, two or more.")
    params = _beside([run.params for run in stored])
    metrics = _beside([run.metrics for run in stored])
    packages = [code.packages(artifacts.read(run, artifacts.PACKAGES)) for run in stored]
    known = [one for one in packages if one is not None]
    versions = _beside(known if len(known) == len(packages) else [])
    notebooks = [artifacts.read(run, artifacts.NOTEBOOK) for run in stored]
    records = [run.record() for run in stored]
    return RunComparison(
        runs=records,
        params=params,
        metrics=metrics,
        inputs=[run.inputs for run in records],
        different=[key for key, values in (params | metrics).items() if _differ(values)],
        facts=_facts(stored),
        packages={name: found for name, found in versions.items() if _differ(found)},
        packages_same=(
            sum(not _differ(found) for found in versions.values())
            if len(known) == len(packages)
            else None
        ),
        code=[
            code.difference(place, notebooks[0], notebook)
            for place, notebook in enumerate(notebooks)
            if place
        ],
        curves=curves(project, stored, list(metrics)),
    )


def _beside(found: Sequence[Mapping[str, V]]) -> dict[str, list[V | None]]:
    """Return the values of several mappings by key, keys first whose values differ."""
    keys = sorted({key for values in found for key in values})
    rows = {key: [values.get(key) for values in found] for key in keys}
    return dict(sorted(rows.items(), key=lambda row: not _differ(row[1])))


def _differ(values: Sequence[object]) -> bool:
    return len({_comparable(value) for value in values}) > 1


def _comparable(value: object) -> object:
    """Return a value that equals itself, which a NaN does not."""
    return "nan" if value != value else value


def _facts(runs: Sequence[StoredRun]) -> dict[str, list[str]]:
    found = {
        name: [run.tags.get(tag, "") for run in runs]
        for name, tag in _FACTS.items()
        if any(run.tags.get(tag) for run in runs)
    }
    if any(run.tags.get("mlnb.git.dirty") for run in runs):
        found["uncommitted"] = [_uncommitted(run) for run in runs]
    return found


def _uncommitted(run: StoredRun) -> str:
    """Say what a run had not committed, so that different changes read differently."""
    if run.tags.get("mlnb.git.dirty") != "true":
        return "nothing"
    diff = artifacts.read(run, artifacts.DIFF)
    if diff is None:
        return "changes that were not kept"
    files = sum(line.startswith(b"diff --git ") for line in diff.splitlines())
    return f"{files} file{'s' * (files != 1)} (patch {digest_bytes(diff)[:8]})"
