"""Runs read back: list, show, compare, restore.

::

    from mlnb.tracking import runs

    runs.frame(filter="metrics.auc > 0.7", order_by="metrics.auc DESC")
    runs.compare(["baseline", "boosting"]).frame()
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from mlnb.core import project as projects
from mlnb.core.errors import MissingNotebook, UnknownName
from mlnb.core.records import RunRecord
from mlnb.tracking import store
from mlnb.tracking.reading import artifacts, finding, listing
from mlnb.tracking.reading.artifacts import NOTEBOOK
from mlnb.tracking.reading.comparing import compare
from mlnb.tracking.reading.listing import Page, frame, list_runs, page
from mlnb.tracking.reading.records import CodeDifference, MetricCurve, RunComparison
from mlnb.tracking.reading.restoring import RunRestored, restore

__all__ = [
    "NOTEBOOK",
    "CodeDifference",
    "MetricCurve",
    "Page",
    "RunComparison",
    "RunRestored",
    "attach_notebook",
    "compare",
    "frame",
    "list_runs",
    "page",
    "restore",
    "show",
]


def show(ref: str) -> RunRecord:
    """Return one run with its artifacts.

    Parameters
    ----------
    ref : str
        A run id, the beginning of one (at least 6 characters), or a name (the newest of it).

    Raises
    ------
    UnknownName
        If there is none.
    BadInput
        If several ids begin so.
    """
    project = projects.current()
    if listing.nothing_recorded(project):
        raise UnknownName("run", ref)
    listing.settle(project)
    with finding.finder(project) as find:
        run = find(ref)
    return run.record(artifacts.names(run))


def attach_notebook(run_id: str, path: Path | str) -> None:
    """Keep an executed notebook with a run, in place of the one it has.

    Raises
    ------
    MissingNotebook
        If there is no such file.
    """
    source = Path(path)
    if not source.is_file():
        raise MissingNotebook(str(path))
    from mlnb.tracking import minting

    client = store.client()
    with TemporaryDirectory(prefix="mlnb-") as folder, store.failures():
        copy = Path(folder) / NOTEBOOK
        copy.write_bytes(source.read_bytes())
        client.log_artifact(minting.find(projects.current(), client, run_id), str(copy))
