"""What changed between two lists of columns, and which can be compared by value."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from mlnb.core.records import Column
from mlnb.datasets.difference.arrays import decoded
from mlnb.datasets.difference.records import ColumnChange
from mlnb.datasets.difference.sides import RecastSide, Side


@dataclass(frozen=True)
class Columns:
    """Which columns two tables have."""

    added: list[Column]
    removed: list[Column]
    changed: list[ColumnChange]
    renamed: list[ColumnChange]
    reordered: bool
    compared: list[str]
    """Those of both whose values can be compared, in the later table's order."""


def columns_of(before: Side, after: Side) -> tuple[Columns, Side, Side]:
    """Return what changed, and both tables with comparable columns of one type each."""
    old, new = before.types, after.types
    both = [name for name in new if name in old]
    changed = [name for name in both if old[name] != new[name]]
    recast = {name: pair for name in changed if (pair := _recast(before, after, name)) is not None}
    renamed = _renamed(before, after)
    gone, come = {change.before for change in renamed}, {change.after for change in renamed}
    found = Columns(
        added=[
            Column(name=name, type=new[name])
            for name in new
            if name not in old and name not in come
        ],
        removed=[
            Column(name=name, type=old[name])
            for name in old
            if name not in new and name not in gone
        ],
        changed=[ColumnChange(name=name, before=old[name], after=new[name]) for name in changed],
        renamed=renamed,
        reordered=both != [name for name in old if name in new],
        compared=[name for name in both if name not in changed or name in recast],
    )
    left = RecastSide(before, {name: pair[0] for name, pair in recast.items()})
    return found, left, RecastSide(after, {name: pair[1] for name, pair in recast.items()})


def _renamed(before: Side, after: Side) -> list[ColumnChange]:
    """Return columns of equal content under another name, where that content is only theirs."""
    if before.rows != after.rows:
        return []
    old = {name: tuple(before.units(name)) for name in before.types if name not in after.types}
    new = {name: tuple(after.units(name)) for name in after.types if name not in before.types}
    uses = Counter([*old.values(), *new.values()])
    sources = {units: name for name, units in old.items() if units}
    return [
        ColumnChange(name=name, before=sources[units], after=name)
        for name, units in new.items()
        if units in sources and uses[units] == 2
    ]


def _recast(before: Side, after: Side, name: str) -> tuple[Any, Any] | None:
    """Return a column of both tables in one type that loses nothing, or None if there is none."""
    left, right = (decoded(side.read([name])[0]) for side in (before, after))
    kind = common_type(left.type, right.type)
    if kind is None:
        return None
    try:
        return left.cast(kind), right.cast(kind)
    except pa.ArrowInvalid:  # a number or a time that the other type does not hold
        return None


def common_type(left: Any, right: Any) -> Any:
    """Return a type that may hold the values of two types, or None if none can be expected to.

    Casting to it fails for values that would change.
    """
    if left == right:
        return left
    if pa.types.is_null(left) or pa.types.is_null(right):
        return right if pa.types.is_null(left) else left
    for kinds in (_numbers, _times, _texts):
        found = kinds(left, right)
        if found is not None:
            return found
    return None


def _numbers(left: Any, right: Any) -> Any:
    types = pa.types
    pair = (left, right)
    if all(types.is_integer(kind) for kind in pair):
        unsigned = all(types.is_unsigned_integer(kind) for kind in pair)
        return pa.uint64() if unsigned else pa.int64()
    if all(types.is_integer(kind) or types.is_floating(kind) for kind in pair):
        return pa.float64()
    if all(types.is_integer(kind) or types.is_decimal(kind) for kind in pair):
        scale = max(kind.scale for kind in pair if types.is_decimal(kind))
        return pa.decimal256(76, scale)
    return None


def _times(left: Any, right: Any) -> Any:
    types = pa.types
    units = ("s", "ms", "us", "ns")
    if types.is_date(left) and types.is_date(right):
        return pa.date32()
    if types.is_timestamp(left) and types.is_timestamp(right):
        if bool(left.tz) != bool(right.tz):
            return None
        unit = max(left.unit, right.unit, key=units.index)
        return pa.timestamp(unit, "UTC" if left.tz else None)
    for one, other in ((left, right), (right, left)):
        if types.is_date(one) and types.is_timestamp(other) and not other.tz:
            return other
    if types.is_duration(left) and types.is_duration(right):
        return pa.duration(max(left.unit, right.unit, key=units.index))
    if types.is_time(left) and types.is_time(right):
        unit = max(left.unit, right.unit, key=units.index)
        return pa.time32(unit) if unit in ("s", "ms") else pa.time64(unit)
    return None


def _texts(left: Any, right: Any) -> Any:
    types = pa.types
    if all(types.is_string(kind) or types.is_large_string(kind) for kind in (left, right)):
        return pa.large_string()
    return None
