"""A run beside earlier ones of its pipeline: values, datasets and pictures that are others now."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlnb.core.errors import MlnbError
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun, StepResult
from mlnb.pipelines.reading import lineage

if TYPE_CHECKING:
    from mlnb.datasets.difference.records import DatasetDiff

HISTORY = 12
"""Runs that a metric is followed through."""
LARGEST = 2_000_000
"""Rows of both versions that are compared; of more, only the counts are told."""
MOVED = 0.25
"""Population stability index from which a column is said to have another distribution."""
_LONGEST = 200
"""Characters of a text that is compared: what is longer is no name or verdict."""


@dataclass(frozen=True)
class Change:
    """One value that a step handed on, now and in the run before."""

    step: str
    name: str
    now: Any
    before: Any = None
    known: bool = False
    """Whether the run before had it."""
    history: list[float] = field(default_factory=list)
    """Of a number: its values in earlier runs and this one, the oldest first."""

    @property
    def is_number(self) -> bool:
        """Tell whether it is a metric."""
        return is_number(self.now)

    @property
    def differs(self) -> bool:
        """Tell whether it is another than before."""
        return self.known and self.now != self.before

    @property
    def difference(self) -> float | None:
        """Return how much a number rose, or None."""
        return self.now - self.before if is_number(self.now) and is_number(self.before) else None


@dataclass(frozen=True)
class DatasetChange:
    """A dataset of which the two runs used or made different versions."""

    name: str
    before: str
    """``flights@2``; ``""`` when the run before had nothing to do with it."""
    now: str
    diff: "DatasetDiff | None" = None
    """None where the versions cannot be compared."""
    note: str = ""
    """What changed in other than a table, or why it cannot be told."""

    @property
    def said(self) -> str:
        """Return in words what changed."""
        return _said(self.diff) if self.diff else self.note


def before(earlier: Sequence[PipelineRun]) -> PipelineRun | None:
    """Return the run to compare with: the newest that finished, else the newest."""
    finished = (run for run in earlier if run.status == "FINISHED")
    return next(finished, earlier[0] if earlier else None)


def changes(
    run: PipelineRun, against: PipelineRun | None, earlier: Sequence[PipelineRun] = ()
) -> list[Change]:
    """Return the values of a run's steps beside those of the run before.

    Parameters
    ----------
    run, against : PipelineRun
        The run, and the one that it is compared with, if there is one.
    earlier : sequence of PipelineRun
        Further runs, the newest first, for the way that a number has taken.
    """
    old = _values(against) if against else {}
    past = [_values(item) for item in reversed(earlier)]
    found = []
    for (step, name), value in _values(run).items():
        numbers = [item.get((step, name)) for item in past] if is_number(value) else []
        way = [*filter(is_number, numbers), value] if numbers else []
        known = (step, name) in old
        found.append(Change(step, name, value, old.get((step, name)), known, way))
    return found


def dataset_changes(
    project: Project, run: PipelineRun, against: PipelineRun | None, *, compare: bool = True
) -> list[DatasetChange]:
    """Return the datasets of which a run used or made other versions than the run before.

    Parameters
    ----------
    project : Project
        The project of both.
    run, against : PipelineRun
        The run, and the one that it is compared with.
    compare : bool
        Whether the versions are compared, which takes reading them.
    """
    if against is None:
        return []
    new, old = lineage.datasets(project, run), lineage.datasets(project, against)
    changed = [name for name in new if old.get(name) != new[name]]
    make = _dataset_change if compare else DatasetChange
    return [make(name, old.get(name, ""), new[name]) for name in changed]


def is_number(value: Any) -> bool:
    """Tell whether a value is a metric: a number, and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _values(run: PipelineRun) -> dict[tuple[str, str], Any]:
    return {
        (step.name, name): value for step in run.steps for name, value in _flat(step, step.values)
    }


def _flat(step: StepResult, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what can be compared at a glance: numbers, words, and those in a mapping."""
    for name, value in values.items():
        inner = value.items() if isinstance(value, dict) else [("", value)]
        for key, item in inner:
            is_short = isinstance(item, str) and len(item) <= _LONGEST
            if is_short or isinstance(item, bool | int | float):
                yield (f"{name}.{key}" if isinstance(value, dict) else name), item


def _dataset_change(name: str, before: str, now: str) -> DatasetChange:
    if not before:
        return DatasetChange(name, before, now, note="The run before did not use it.")
    from mlnb import datasets

    try:
        old, new = datasets.resolve(before), datasets.resolve(now)
        if old.rows + new.rows > LARGEST:
            text = f"{old.rows:,} rows became {new.rows:,}; `dataset diff {before} {now}` has more"
            return DatasetChange(name, before, now, note=text)
        diff = datasets.diff(before, now)
    except MlnbError as error:
        return DatasetChange(name, before, now, note=error.message)
    if isinstance(diff, datasets.DatasetDiff):
        return DatasetChange(name, before, now, diff)
    counts = {"added": diff.added, "removed": diff.removed, "changed": diff.changed}
    text = "files " + ", ".join(f"{what}: {len(files)}" for what, files in counts.items())
    return DatasetChange(name, before, now, note=text)


def _said(diff: "DatasetDiff") -> str:
    """Return a difference of tables in a sentence."""
    if diff.identical:
        return "nothing: another version with the same content"
    counts = {
        "rows added": diff.rows_added,
        "rows removed": diff.rows_removed,
        "rows changed": diff.rows_changed,
        "cells changed": diff.cells_changed,
    }
    parts = [f"{count:,} {what}" for what, count in counts.items() if count]
    names = {
        "columns added": [item.name for item in diff.columns_added],
        "columns removed": [item.name for item in diff.columns_removed],
        "of another type": [item.name for item in diff.columns_changed],
        "renamed": [f"{item.before} → {item.after}" for item in diff.columns_renamed],
    }
    parts += [f"{what}: {_listed(found)}" for what, found in names.items() if found]
    moved = [
        item.name
        for item in diff.columns
        if item.psi is not None and item.psi > MOVED and item.name not in diff.key
    ]
    if moved:
        parts.append(f"another distribution: {_listed(moved)}")
    if not parts:
        parts.append("the order of rows" if diff.order_changed else "the order of columns")
    return " · ".join(parts)


def _listed(names: Sequence[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"
