"""What can be saved: a pandas or polars frame, an Arrow table, or a file of one."""

import sys
from pathlib import Path
from typing import Any

from mlnb.core.errors import UnknownName, UnsupportedData
from mlnb.datasets.tables import Content, content

_HINTS = {
    "Series": "Make it a frame: `data.to_frame()`.",
    "LazyFrame": "Collect it first: `data.collect()`.",
}


def read(data: Any) -> Content:
    """Return the content of anything that can be saved.

    Raises
    ------
    UnsupportedData
        If it is no table, or has a column that cannot be stored exactly.
    UnknownName
        If a path is given and there is no such file.
    """
    import pyarrow as pa

    if isinstance(data, str | Path):
        return _file(Path(data))
    if _is(data, "pandas", "DataFrame"):
        from mlnb.datasets.pandas_frames import from_pandas

        return from_pandas(data)
    try:
        if _is(data, "polars", "DataFrame"):
            return _polars(data)
        if isinstance(data, pa.RecordBatch):
            return content(pa.Table.from_batches([data]))
        if isinstance(data, pa.Table):
            return content(data)
        if hasattr(data, "__arrow_c_stream__") and type(data).__name__ not in _HINTS:
            return content(pa.table(data))
    except (pa.ArrowException, TypeError) as error:
        raise UnsupportedData(f"The table cannot be stored: {error}.") from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # how polars reports a dtype Arrow lacks
            raise
        raise UnsupportedData(f"The table cannot be stored: {error}.") from None
    kind = f"{type(data).__module__}.{type(data).__qualname__}".removeprefix("builtins.")
    raise UnsupportedData(
        f"A dataset is a table; this is of type {kind}.",
        _HINTS.get(type(data).__name__, "Give a pandas or polars DataFrame, or an Arrow table."),
    )


def _polars(frame: Any) -> Content:
    import polars as pl

    for name, dtype in frame.schema.items():
        if dtype == pl.Object:  # polars would hand out memory addresses
            fix = "Convert it to text or numbers, or drop it."
            raise UnsupportedData(f"Column {name!r} holds Python objects.", fix)
    return content(frame.to_arrow())


def _file(path: Path) -> Content:
    from mlnb.datasets.files import read_file

    if path.is_dir():
        raise UnsupportedData(f"{str(path)!r} is a folder.", "Give a file, one table.")
    if not path.is_file():
        nearby = [str(item) for item in path.parent.glob("*")] if path.parent.is_dir() else []
        raise UnknownName("file", str(path), nearby)
    return read_file(path)


def _is(data: Any, module: str, name: str) -> bool:
    """Tell whether data is of a library's class, without importing the library."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(data, getattr(loaded, name))
