"""The versions of a dataset, some at a time: of a long history only those are read."""

from mlnb.core import project
from mlnb.core.records import DatasetVersion
from mlnb.datasets import history, versions
from mlnb.datasets.records import VersionPage


def page(name: str, *, before: int = 0, limit: int = 100) -> VersionPage:
    """Return some versions of a dataset, newest first, without those that were removed.

    Parameters
    ----------
    name : str
        The dataset.
    before : int
        Only versions of smaller numbers; 0 for the newest.
    limit : int
        So many.

    Raises
    ------
    UnknownName
        If there is no such dataset.
    """
    versions.check_exists(name)
    store = project.current().store
    gone = history.removed(store, name)
    log = history.versions_log(name)
    numbers = [number for number in store.numbers(log) if number not in gone]
    older = [number for number in numbers if not before or number < before]
    chosen = older[len(older) - limit :] if limit < len(older) else older
    pointing: dict[int, list[str]] = {}
    for tag, number in sorted(versions.shown_tags(store, name).items()):
        pointing.setdefault(number, []).append(tag)
    found, damaged = history.some(store, name, chosen)
    kept: list[DatasetVersion] = [one.public(pointing.get(one.number, [])) for one in found]
    return VersionPage(
        name=name,
        versions=kept[::-1],
        damaged=damaged,
        total=len(numbers),
        more=len(older) > len(chosen),
    )
