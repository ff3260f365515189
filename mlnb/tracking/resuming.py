"""Runs that are continued: by another cell, another kernel, another notebook."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlnb.core.errors import BadInput, UnknownName
from mlnb.core.project import Project
from mlnb.tracking import journal

LEAST = 6
"""How many characters of an id must be given at least."""


@dataclass(frozen=True)
class Known:
    """What is known of a run that was begun before."""

    id: str
    name: str
    experiment: str
    params: dict[str, str] = field(default_factory=dict)


def find(project: Project, ref: str) -> Known:
    """Return a run by its id, the beginning of one, or its name (the newest of it).

    What is in the journal is found without the tracking store; anything else is asked of it.

    Raises
    ------
    UnknownName
        If there is no such run, with the nearest name.
    BadInput
        If several ids begin so.
    TrackingUnavailable
        If the run is not in the journal and the store does not answer.
    """
    heads = sorted(_begun(project), key=lambda item: item[1]["time"])
    exact = [item for item in heads if ref in (item[1]["run"], item[1]["name"])]
    begins = {
        item[1]["run"]: item
        for item in heads
        if len(ref) >= LEAST and item[1]["run"].startswith(ref)
    }
    if exact:
        return _known(*exact[-1])
    if len(begins) > 1:
        raise BadInput(f"{ref!r} is the beginning of {len(begins)} run ids.", "Give more of it.")
    if begins:
        return _known(*next(iter(begins.values())))
    return _stored(ref, [head["name"] for _, head in heads])


def _begun(project: Project) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in journal.files(project):
        head = journal.head(path)
        if head is not None and head["kind"] == journal.OPEN:
            yield path, head


def _known(path: Path, head: dict[str, Any]) -> Known:
    params: dict[str, str] = {}
    offset, number = 0, 0
    while (chunk := journal.read(path, offset, number, complete=False)).entries:
        for entry in chunk.entries:
            if entry.kind == journal.PARAMS:
                params = {**entry.body, **params}
        offset, number = chunk.offset, chunk.entries[-1].number
    return Known(str(head["run"]), str(head["name"]), str(head["experiment"]), params)


def _stored(ref: str, names: list[str]) -> Known:
    from mlnb.tracking import runs

    try:
        found = runs.show(ref)
    except UnknownName:
        names += [run.name for run in runs.list_runs()]
        raise UnknownName("run", ref, names) from None
    return Known(found.id, found.name, found.experiment, dict(found.params))
