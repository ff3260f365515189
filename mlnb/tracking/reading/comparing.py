"""Runs side by side: what was given, what came out, what ran, and on what."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from mlnb.core import project as projects
from mlnb.core.errors import BadInput, UnknownName
from mlnb.core.hashing import digest_bytes
from mlnb.tracking.reading import artifacts, code, finding, listing
from mlnb.tracking.reading.curves import curves
from mlnb.tracking.reading.records import RunComparison, RunCurves
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


def compare(ids: Sequence[str], *, closely: bool = True) -> RunComparison:
    """Return runs side by side.

    Parameters
    ----------
    ids : sequence of str
        Two runs or more, each as in `show`. Code is compared with that of the first.
    closely : bool
        Whether packages, code and curves are compared, too, for which files are read.

    Raises
    ------
    BadInput
        If fewer than two are given, or one twice.
    UnknownName
        If one is not there.
    """
    stored = _find_all(ids)
    params = _beside([run.params for run in stored])
    metrics = _beside([run.metrics for run in stored])
    records = [run.record() for run in stored]
    found = RunComparison(
        runs=records,
        params=params,
        metrics=metrics,
        inputs=[run.inputs for run in records],
        different=[key for key, values in (params | metrics).items() if _differ(values)],
        facts=_facts(stored, closely),
    )
    return _closely(found, stored) if closely else found


def metric_curves(ids: Sequence[str], metrics: Sequence[str], most: int) -> RunCurves:
    """Return how some metrics went in several runs, as `compare` has them.

    Parameters
    ----------
    ids : sequence of str
        The runs, as in `compare`.
    metrics : sequence of str
        Their names; of these the first so many that were logged more than once.
    """
    stored = _find_all(ids)
    return RunCurves(curves=curves(projects.current(), stored, metrics, most))


def _find_all(ids: Sequence[str]) -> list[StoredRun]:
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
    return stored


def _closely(found: RunComparison, stored: Sequence[StoredRun]) -> RunComparison:
    """Return a comparison with what files say."""
    packages = [code.packages(artifacts.read(run, artifacts.PACKAGES)) for run in stored]
    known = [one for one in packages if one is not None]
    complete = len(known) == len(packages)
    versions = _beside(known if complete else [])
    notebooks = [artifacts.read(run, artifacts.NOTEBOOK) for run in stored]
    return replace(
        found,
        packages={name: listed for name, listed in versions.items() if _differ(listed)},
        packages_same=(
            sum(not _differ(listed) for listed in versions.values()) if complete else None
        ),
        code=[
            code.difference(place, notebooks[0], notebook)
            for place, notebook in enumerate(notebooks)
            if place
        ],
        curves=curves(projects.current(), stored, list(found.metrics)),
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


def _facts(runs: Sequence[StoredRun], closely: bool) -> dict[str, list[str]]:
    found = {
        name: [run.tags.get(tag, "") for run in runs]
        for name, tag in _FACTS.items()
        if any(run.tags.get(tag) for run in runs)
    }
    if any(run.tags.get("mlnb.git.dirty") for run in runs):
        said = _uncommitted if closely else _is_uncommitted
        found["uncommitted"] = [said(run) for run in runs]
    return found


def _is_uncommitted(run: StoredRun) -> str:
    return "changes" if run.tags.get("mlnb.git.dirty") == "true" else "nothing"


def _uncommitted(run: StoredRun) -> str:
    """Say what a run had not committed, so that different changes read differently."""
    if run.tags.get("mlnb.git.dirty") != "true":
        return "nothing"
    diff = artifacts.read(run, artifacts.DIFF)
    if diff is None:
        return "changes that were not kept"
    files = sum(line.startswith(b"diff --git ") for line in diff.splitlines())
    return f"{files} file{'s' * (files != 1)} (patch {digest_bytes(diff)[:8]})"
