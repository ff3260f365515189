"""One run, looked at closely: what it ran on, its files, its relatives, how its metrics went."""

import re
from collections.abc import Sequence

from mlnb.core import project as projects
from mlnb.core.errors import BadInput, UnknownName
from mlnb.core.project import Project
from mlnb.tracking import inputs, journal
from mlnb.tracking.reading import artifacts, code, curves, database, finding, listing
from mlnb.tracking.reading.records import (
    Packages,
    RunCurve,
    RunDetail,
    RunFile,
    RunHistory,
    RunLink,
    RunName,
)
from mlnb.tracking.reading.stored import StoredRun, json_list

FACTS = {
    "Python": "mlnb.python",
    "operating system": "mlnb.os",
    "processor": "mlnb.cpu",
    "processors": "mlnb.cpu_count",
    "memory (GB)": "mlnb.ram_gb",
    "seeds": "mlnb.seeds",
    "branch": "mlflow.source.git.branch",
    "source": "mlflow.source.name",
    "pipeline run": "mlnb.pipeline_run",
    "step": "mlnb.step",
}
"""What is known of where a run ran, and the tags that say it."""
FILES = 500
"""At most so many files are named."""
CHILDREN = 50
POINTS = 24_000
"""So many points of all curves together are shown, and of each curve at least `FEWEST`."""
FEWEST, MOST = 60, 600
_LARGEST = 1e308
"""A SQL store keeps an infinity as the largest number it has."""


def detail(ref: str) -> RunDetail:
    """Return one run with all that is known of it but the content of its files.

    Raises
    ------
    UnknownName
        If there is none.
    BadInput
        If several ids begin so.
    """
    project = projects.current()
    run = _found(project, ref)
    files = artifacts.sized(run)
    return RunDetail(
        run=run.record(),
        facts={name: run.tags[tag] for name, tag in FACTS.items() if run.tags.get(tag)},
        note=run.tags.get("mlflow.note.content", ""),
        links=_links(run),
        parent=_parent(project, run),
        children=_children(run),
        files=[RunFile(path=path, size=size) for path, size in files[:FILES]],
        more_files=max(0, len(files) - FILES),
    )


def history(ref: str, *, metrics: Sequence[str] = (), after: int = 0) -> RunHistory:
    """Return how metrics went that were logged more than once, thinned to what can be seen.

    Parameters
    ----------
    ref : str
        A run as in `runs.show`.
    metrics : sequence of str
        Only these; all by default.
    after : int
        Only points that came after the answer that said this; a store that cannot tell says that
        its answer is ``whole``.

    Raises
    ------
    UnknownName, BadInput
        As in `detail`.
    """
    project = projects.current()
    run = _found(project, ref, settled=False)
    with database.open_store(project.tracking_uri) as store:
        keys = [key for key in run.metrics if not metrics or key in metrics]
        if store is not None:
            found, latest = store.points_after(run.id, after, keys if metrics else None)
        else:
            found, latest = (
                {key: list(curves.points_of(project, None, run, key)) for key in keys},
                0,
            )
    whole = not after or store is None
    drawn = {key: points for key, points in found.items() if len(points) > 1 or not whole}
    most = max(FEWEST, min(MOST, POINTS // max(1, len(drawn))))
    return RunHistory(
        run=run.record(),
        whole=whole,
        after=latest,
        curves=[_curve(key, drawn[key], most) for key in sorted(drawn)],
    )


def read(ref: str, path: str, most: int) -> tuple[bytes, int]:
    """Return the beginning of a run's file, and how long the file is.

    Parameters
    ----------
    ref : str
        A run as in `runs.show`.
    path : str
        The file, as `detail` names it.
    most : int
        At most so many bytes.

    Raises
    ------
    UnknownName
        If there is no such run or it has no such file.
    """
    found = artifacts.beginning(_found(projects.current(), ref), path, most)
    if found is None:
        raise UnknownName("file", path)
    return found


def packages(ref: str) -> Packages:
    """Return the packages that a run had, by name; None where no list was kept."""
    listed = artifacts.read(_found(projects.current(), ref), artifacts.PACKAGES)
    return Packages(packages=code.packages(listed))


def _found(project: Project, ref: str, *, settled: bool = True) -> StoredRun:
    """Find a run; with an id, whoever looks again and again does not wait for the delivery."""
    if listing.nothing_recorded(project):
        raise UnknownName("run", ref)
    if settled or not re.fullmatch(r"[0-9a-f]{32}", ref):
        listing.settle(project)
    with finding.finder(project) as find:
        return find(ref)


def _curve(key: str, points: Sequence[curves.Point], most: int) -> RunCurve:
    kept = curves.thinned(points, most)
    return RunCurve(
        metric=key,
        points=len(points),
        steps=[step for step, _, _ in kept],
        values=[_finite(value) for _, value, _ in kept],
        times=[time / 1000 for _, _, time in kept],
    )


def _finite(value: float | None) -> float | None:
    return None if value is None or abs(value) > _LARGEST else value


def _links(run: StoredRun) -> list[RunLink]:
    """Return what was read and written, and of which kind each is."""
    record = run.record()
    datasets = {name: kind for name, kind, _ in run.datasets}
    found = [
        RunLink(direction="input", kind="dataset" if _is_ours(ref, datasets) else "other", ref=ref)
        for ref in record.inputs
    ]
    for ref in json_list(run.tags.get(inputs.MODEL_INPUTS)):
        found.append(RunLink(direction="input", kind="model", ref=ref))
    for ref in record.outputs:
        kind = "dataset" if _is_ours(ref, datasets) else "model"
        found.append(RunLink(direction="output", kind=kind, ref=ref))  # type: ignore[arg-type]  # one of the two
    return found


def _is_ours(ref: str, datasets: dict[str, str]) -> bool:
    return datasets.get(ref.partition("@")[0]) == inputs.SOURCE_TYPE


def _parent(project: Project, run: StoredRun) -> RunName | None:
    parent = run.tags.get("mlflow.parentRunId")
    if not parent:
        return None
    try:
        with finding.finder(project) as find:
            found = find(parent)
    except (UnknownName, BadInput):
        return None
    return RunName(id=found.id, name=found.name, status=found.record().status)


def _children(run: StoredRun) -> list[RunName]:
    ids = [run.id, run.tags.get(journal.ORIGIN, "")]
    named = ", ".join(f"'{one}'" for one in ids if re.fullmatch(r"[0-9a-f]{32}", one))
    if not named:
        return []
    condition = f"tags.`mlflow.parentRunId` IN ({named})"
    try:
        found = listing.page(filter=condition, limit=CHILDREN).runs
    except BadInput:  # MLflow's own search has IN for few things
        condition = f"tags.`mlflow.parentRunId` = '{run.id}'"
        found = listing.page(filter=condition, limit=CHILDREN).runs
    return [RunName(id=one.id, name=one.name, status=one.status) for one in found]
