"""pandas frames ↔ stored tables, exactly: dtypes, categories, index, column labels.

Each column becomes an Arrow array and, only where its dtype is not the one that array gives by
default, a *hint* that brings the dtype back. A frame of default dtypes with a plain index
therefore has no pandas layout at all, and the same content as the Arrow or polars table of its
values. The layout is JSON::

    {"hints": {"1": {"dtype": "Int64"}},                    by position in the stored table
     "index": {"range": [0, 10, 2], "name": null},          or {"levels": 2, "names": […], …}
     "labels": {…}}                                         column labels that are not all text
"""

import base64
import json
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from mlnb.core.errors import UnsupportedData
from mlnb.datasets.pandas_columns import from_series, to_series
from mlnb.datasets.storage.workers import workers
from mlnb.datasets.tables import Content, check_unique, content

Label = str | int | None
_MOST_BLOCKS = 50


def from_pandas(frame: Any) -> Content:
    """Return a frame's content.

    Raises
    ------
    UnsupportedData
        Naming the column or index that cannot be stored exactly, and why.
    """
    columns = [(str(name), frame.iloc[:, at]) for at, name in enumerate(_labels(frame.columns))]
    layout: dict[str, Any] = {}
    if (labels := _label_layout(frame.columns)) is not None:
        layout["labels"] = labels
    index, levels = _index_layout(frame.index, {name for name, _ in columns})
    if index is not None:
        layout["index"] = index
    hints: dict[str, Any] = {}
    arrays = []
    named = [*columns, *levels]
    with workers(len(frame) * len(named), light=True) as pool:
        converted = list(pool.map(lambda item: from_series(item[1], item[0]), named))
    for position, (array, hint) in enumerate(converted):
        arrays.append(array)
        if hint is not None:
            hints[str(position)] = hint
    if hints:
        layout["hints"] = hints
    names = [name for name, _ in [*columns, *levels]]
    if not columns:
        raise UnsupportedData("The frame has no columns.", "Give it at least one column.")
    return content(pa.table(arrays, names=_unique(names)), layout)


def to_pandas(
    stored: Content,
    positions: Sequence[int] | None = None,
    first: int = 0,
    *,
    own: bool = False,
) -> Any:
    """Return the frame that a content was made from.

    Parameters
    ----------
    stored : Content
        The table, with the index columns last.
    positions : sequence of int, optional
        Where each of its columns stood in the stored table, when it is a selection.
    first : int
        Which row of the stored table its first row is.
    own : bool
        The table's memory is the caller's alone, and may become the frame's.
    """
    table, layout = stored.table, stored.pandas
    if not layout and b"pandas" in (table.schema.metadata or {}):
        return table.to_pandas()  # an Arrow table that pyarrow itself made from a frame
    places = list(positions) if positions is not None else list(range(table.num_columns))
    hints = layout.get("hints", {})
    with workers(table.num_rows * table.num_columns) as pool:
        series = list(
            pool.map(
                lambda column, place: to_series(column, hints.get(str(place)), own=own),
                table.columns,
                places,
            )
        )
    levels = int(layout.get("index", {}).get("levels", 0))
    data = series[: len(series) - levels]
    index = _index(layout.get("index"), series[len(series) - levels :], table.num_rows, first)
    for item in data:
        item.index = index
    # One block per column saves a copy; for many columns pandas would warn of the fragments.
    frame = pd.DataFrame(dict(enumerate(data)), index=index, copy=len(data) > _MOST_BLOCKS)
    labels = _columns(layout.get("labels"), table.schema.names[: len(data)], places[: len(data)])
    frame.columns = labels
    return frame


# -- column labels -------------------------------------------------------------------------------


def _labels(columns: Any) -> list[str]:
    """Return the stored names of the columns."""
    return _unique(
        ["_".join(str(part) for part in label) if isinstance(label, tuple) else str(label)
         for label in columns]
    )  # fmt: skip


def _label_layout(columns: Any) -> dict[str, Any] | None:
    plain = pd.Index([str(label) for label in columns])
    if columns.nlevels == 1 and columns.name is None and columns.dtype == plain.dtype:
        return None
    names = [_name(name, "columns") for name in columns.names]
    if isinstance(columns, pd.RangeIndex):
        return {"range": [columns.start, columns.stop, columns.step], "names": names}
    table = columns.to_frame(index=False)
    table.columns = pd.Index([f"level_{level}" for level in range(columns.nlevels)])
    return {"names": names, "frame": _embed(from_pandas(table)), **_frequency(columns)}


def _columns(layout: dict[str, Any] | None, names: list[str], places: list[int]) -> Any:
    if layout is None:
        return pd.Index(names)
    if "range" in layout:
        whole: Any = pd.RangeIndex(*layout["range"])
    else:
        levels = to_pandas(_extract(layout["frame"]))
        whole = _from_levels([levels[name] for name in levels], layout)
    if places != list(range(len(whole))):
        whole = whole.take(places)
    return whole.rename(layout["names"] if whole.nlevels > 1 else layout["names"][0])


# -- the index -----------------------------------------------------------------------------------


def _index_layout(
    index: Any, taken: set[str]
) -> tuple[dict[str, Any] | None, list[tuple[str, Any]]]:
    """Return how to restore an index, and the columns that hold its levels."""
    if isinstance(index, pd.RangeIndex):
        if (index.start, index.step, index.name) == (0, 1, None) and index.stop == len(index):
            return None, []
        steps = [index.start, index.stop, index.step]
        return {"range": steps, "names": [_name(index.name, "index")]}, []
    names = [_name(name, "index") for name in index.names]
    stored = [
        name if isinstance(name, str) and name not in taken else f"__index_level_{level}__"
        for level, name in enumerate(names)
    ]
    layout: dict[str, Any] = {"levels": len(names), "names": names, **_frequency(index)}
    levels = [_level(index, level) for level in range(len(names))]
    return layout, list(zip(_unique(stored), levels, strict=True))


def _level(index: Any, level: int) -> Any:
    """Return a level of an index as a series that shares its memory."""
    values = index.get_level_values(level)
    return pd.Series(values.array, dtype=values.dtype, copy=False)


def _index(layout: dict[str, Any] | None, levels: list[Any], rows: int, first: int) -> Any:
    if layout is None:
        return pd.RangeIndex(first, first + rows)
    if "range" in layout:
        start, stop, step = layout["range"]
        whole = pd.RangeIndex(start, stop, step, name=layout["names"][0])
        return whole[first : first + rows]
    return _from_levels(levels, layout)


def _from_levels(levels: list[Any], layout: dict[str, Any]) -> Any:
    made = [pd.Index(level.array, dtype=level.dtype) for level in levels]
    if len(made) > 1:
        return pd.MultiIndex.from_arrays(made, names=layout["names"])
    index: Any = made[0].rename(layout["names"][0])
    if "frequency" in layout:
        index.freq = layout["frequency"]
    return index


def _frequency(index: Any) -> dict[str, str]:
    if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex) and index.freqstr:
        return {"frequency": index.freqstr}
    return {}


# -- parts ---------------------------------------------------------------------------------------


def _name(name: Any, what: str) -> Label:
    if name is None or type(name) in (str, int):
        return name  # type: ignore[no-any-return]  # the two types just checked
    raise UnsupportedData(
        f"A level of the {what} is named {name!r}.", "Name it with text, a number or not at all."
    )


def _unique(names: list[str]) -> list[str]:
    check_unique(names)
    return names


def _embed(stored: Content) -> str:
    schema = stored.table.schema.with_metadata({b"mlnb": json.dumps(stored.pandas).encode()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_table(stored.table.combine_chunks())
    return base64.b64encode(sink.getvalue()).decode()


def _extract(text: str) -> Content:
    with pa.ipc.open_stream(base64.b64decode(text)) as stream:
        table = stream.read_all()
    return Content(table.replace_schema_metadata(None), json.loads(table.schema.metadata[b"mlnb"]))
