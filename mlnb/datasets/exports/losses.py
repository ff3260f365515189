"""What a format does not keep, found by reading back what was written.

Types are compared as the reader of the format gives them, values after they are turned back into
what they were. How pandas had laid the table out (index, labels, dtypes of its own) is kept only
where the format keeps pandas' own note of it, as Parquet does.
"""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from mlnb.datasets.exports.records import Loss
from mlnb.datasets.tables import Content, plain, type_name

CHECKED = 100_000
"""Rows of a larger table that are written once more, apart, and read back."""


def found(
    content: Content, back: Any, *, pandas: Callable[[Content, Any], list[Loss]]
) -> list[Loss]:
    """Return what was lost.

    Parameters
    ----------
    content : Content
        The table that was written.
    back : pyarrow.Table
        What a reader of the format gives.
    pandas : callable
        Gives what is lost of the pandas layout: `layout_lost`, or what a format does better.
    """
    lost = []
    values = plain(content.table)
    for name, item in zip(content.table.schema.names, content.table.schema, strict=True):
        if name not in back.schema.names:
            lost.append(Loss(column=name, was=type_name(item.type), now="left out"))
            continue
        was, now = type_name(item.type), type_name(back.schema.field(name).type)
        if was != now:
            lost.append(Loss(column=name, was=was, now=now))
        elif pa.types.is_dictionary(item.type):
            lost += _categories(name, content.table[name], back[name])
        lost += _values(name, values[name], back[name])
    return lost + pandas(content, back)


def layout_lost(content: Content, _back: Any) -> list[Loss]:
    """Return what a format loses that knows nothing of pandas."""
    layout = content.pandas
    lost = []
    if index := layout.get("index"):
        levels = int(index.get("levels", 0))
        names = content.table.schema.names[content.table.num_columns - levels :] if levels else []
        now = f"ordinary columns: {', '.join(names)}" if names else "left out"
        lost.append(Loss(column="", was="pandas index", now=now))
    if "labels" in layout:
        lost.append(Loss(column="", was="pandas column labels", now="text"))
    return lost + _dtypes_lost(content)


def _dtypes_lost(content: Content) -> list[Loss]:
    """Return the columns whose dtype is not the one that pandas gives their values by itself."""
    hinted = {int(position) for position in content.pandas.get("hints", {})}
    if not hinted:
        return []
    from mlnb.datasets.pandas_frames import to_pandas

    dtypes = to_pandas(Content(content.table.slice(0, 0), content.pandas)).dtypes
    return [
        Loss(column=item.name, was=f"pandas dtype {dtype}", now=type_name(item.type))
        for at, (item, dtype) in enumerate(zip(content.table.schema, dtypes, strict=False))
        if at in hinted and not pa.types.is_dictionary(item.type)
    ]


def _categories(name: str, was: Any, now: Any) -> list[Loss]:
    def listed(column: Any) -> list[Any]:
        column = column.unify_dictionaries() if column.num_chunks > 1 else column
        return column.chunk(0).dictionary.to_pylist() if column.num_chunks else []

    before, after = listed(was), listed(now)
    if before == after:
        return []
    same = sorted(map(repr, before)) == sorted(map(repr, after))
    return [
        Loss(
            column=name,
            was=f"{len(before):,} categories",
            now="in another order" if same else f"{len(after):,} categories",
        )
    ]


def _values(name: str, was: Any, now: Any) -> list[Loss]:
    """Return the loss of values that differ once they have their type again."""
    try:
        now = plain(pa.table({name: now}))[name]
        again = now.cast(was.type, safe=False) if now.type != was.type else now
        if len(was) != len(again):
            return [Loss(column=name, was=f"{len(was):,} values", now=f"{len(again):,}")]
        differs = pa.array(_differs(was, again))
    except (pa.ArrowException, OverflowError):
        return []  # the types differ too much; that is said already
    count = int(pc.sum(differs).as_py() or 0)
    if not count:
        return []
    first = pc.index(differs, True).as_py()
    example = f"{_text(was[first])} is {_text(again[first])}"
    return [Loss(column=name, was=f"{len(was):,} values", now=f"{count:,} differ: {example}")]


def _text(value: Any) -> str:
    """Return an Arrow scalar's text; by Arrow, for Python knows no nanoseconds."""
    if not value.is_valid:
        return "null"
    kind = value.type
    text = str(value.cast(pa.string())) if pa.types.is_temporal(kind) else repr(value.as_py())
    return text if len(text) <= 40 else f"{text[:39]}…"


def _differs(was: Any, now: Any) -> Any:
    """Return which values differ; NaN is NaN, and null is null."""
    if pa.types.is_nested(was.type):
        pairs = zip(was.to_pylist(), now.to_pylist(), strict=True)
        return [repr(left) != repr(right) for left, right in pairs]
    if pa.types.is_null(was.type):
        return pc.is_valid(now).combine_chunks()
    if pa.types.is_float16(was.type):
        was, now = was.cast(pa.float32()), now.cast(pa.float32())
    same = pc.fill_null(pc.equal(was, now), False)
    same = pc.or_(same, pc.and_(pc.is_null(was), pc.is_null(now)))
    if pa.types.is_floating(was.type):
        both = pc.and_(pc.is_nan(was), pc.is_nan(now))
        same = pc.or_(same, pc.fill_null(both, False))
    return pc.invert(same).combine_chunks()
