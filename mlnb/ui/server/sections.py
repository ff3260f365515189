"""One function per list of the panel. Each blocks, so each runs in an executor."""

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from mlnb.core import project
from mlnb.core.project import Project
from mlnb.core.records import EndpointStatus, Record, finite
from mlnb.ui.server.messages import Place, Section
from mlnb.ui.server.sources import Source

RUNS_LISTED = 50


def place(source: Source) -> Place:
    """Say which project is shown and where its files are in the file browser."""
    root, server = source.project.root, source.server_root.resolve()
    name = source.project.name
    if root.is_relative_to(server):
        return Place(name=name, prefix=_posix(root.relative_to(server)))
    if server.is_relative_to(root):
        return Place(name=name, within=_posix(server.relative_to(root)))
    return Place(name=name, reachable=False)


def _posix(path: Path) -> str:
    text = PurePosixPath(path).as_posix()
    return "" if text == "." else text


def _runs(_source: Source) -> Sequence[Record]:
    from mlnb.tracking.runs import list_runs

    return list_runs(limit=RUNS_LISTED)


def _datasets(_source: Source) -> Sequence[Record]:
    from mlnb import datasets

    return datasets.latest()


def _models(_source: Source) -> Sequence[Record]:
    from mlnb.tracking.models import list_models

    return list_models()


def _endpoints(_source: Source) -> Sequence[Record]:
    from mlnb.serving import list_endpoints

    found: list[EndpointStatus] = list_endpoints()
    return found


def _pipelines(source: Source) -> Sequence[Record]:
    return source.feed.pipelines()


LISTS: dict[Section, Callable[[Source], Sequence[Record]]] = {
    "runs": _runs,
    "datasets": _datasets,
    "models": _models,
    "endpoints": _endpoints,
    "pipelines": _pipelines,
}


def read(section: Section, source: Source) -> list[dict[str, object]]:
    """Return one list, newest first, as JSON types.

    Nothing is created where nothing was recorded yet: looking at a folder must not change it.
    """
    found = source.project
    if _untouched(found):
        return []
    with project.using(found):
        return [finite(record.to_dict()) for record in LISTS[section](source)]


def _untouched(found: Project) -> bool:
    own_state = f"{project.STATE}/"
    local = own_state in found.settings.store and own_state in found.settings.tracking_uri
    return local and not (found.root / project.STATE).exists()
