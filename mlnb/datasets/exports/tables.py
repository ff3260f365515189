"""Export of a table to one file: Parquet, CSV, JSON."""

import warnings
from pathlib import Path
from typing import Any

from mlnb.core.errors import UnsupportedData
from mlnb.datasets.exports import losses, targets
from mlnb.datasets.exports.records import Loss
from mlnb.datasets.files import read_file, write_file
from mlnb.datasets.tables import Content


def write(content: Content, path: Path, *, suffix: str) -> None:
    """Write a table to a new file, whatever the file's own suffix is."""
    with targets.beside(path) as folder:
        part = folder / f"part{suffix}"
        if suffix == ".parquet":
            _write_parquet(content, part)
        else:
            write_file(content.table, part)
        targets.place(part, path)


def lost(content: Content, path: Path, *, suffix: str) -> tuple[list[Loss], int | None]:
    """Return what a written file does not keep, and how many rows that was checked on.

    Of a large table the first rows are written again, apart, and read back.
    """
    if content.table.num_rows <= losses.CHECKED:
        return _compared(content, path, suffix), None
    part = Content(content.table.slice(0, losses.CHECKED), content.pandas)
    with targets.beside(path) as folder:
        file = folder / f"part{suffix}"
        write(part, file, suffix=suffix)
        return _compared(part, file, suffix), losses.CHECKED


def _compared(content: Content, path: Path, suffix: str) -> list[Loss]:
    parquet = suffix == ".parquet"
    back = read_file(path, suffix=suffix).table if content.table.num_rows else None
    if back is None and not parquet:
        return losses.layout_lost(content, None)  # no values to infer types from
    if back is None:
        back = read_file(path, suffix=suffix).table
    if not parquet:
        return losses.found(content, back, pandas=losses.layout_lost)
    named = back.rename_columns(content.table.schema.names)  # unnamed index columns get one
    return losses.found(content, named, pandas=lambda _content, _back: _pandas_lost(content, back))


def _write_parquet(content: Content, path: Path) -> None:
    """Write Parquet with pandas' own note, so that ``pandas.read_parquet`` gives the frame back."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = _with_note(content) if content.pandas else content.table
    try:
        pq.write_table(table, path, compression="zstd")
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise UnsupportedData(f"Parquet cannot hold this table: {error}.") from None


def _with_note(content: Content) -> Any:
    """Return the table under the names and with the note that pandas would give it.

    The values stay as they are: pandas itself would write NaN as null.
    """
    import pyarrow as pa

    from mlnb.datasets.pandas_frames import to_pandas

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pyarrow's use of what pandas 4 will drop
            schema = pa.Schema.from_pandas(to_pandas(content))
        table = content.table.rename_columns(schema.names)
        return table.replace_schema_metadata({b"pandas": schema.metadata[b"pandas"]})
    except (pa.ArrowException, ValueError, TypeError):
        return content.table


def _pandas_lost(content: Content, back: Any) -> list[Loss]:
    """Return what pandas does not give back of its frame."""
    if not content.pandas:
        return []
    from mlnb.datasets.pandas_frames import to_pandas

    was, now = to_pandas(content), back.to_pandas()
    lost = []
    if not _same_index(was.index, now.index):
        lost.append(Loss(column="", was=_described(was.index), now=_described(now.index)))
    if not _same_index(was.columns, now.columns):
        lost.append(Loss(column="", was="pandas column labels", now=_described(now.columns)))
        return lost
    for name, before, after in zip(was.columns, was.dtypes, now.dtypes, strict=True):
        if before != after:
            lost.append(
                Loss(column=str(name), was=f"pandas dtype {before}", now=f"pandas dtype {after}")
            )
    return lost


def _same_index(was: Any, now: Any) -> bool:
    same_kind = type(was) is type(now) and was.names == now.names
    return same_kind and bool(was.equals(now)) and str(was.dtype) == str(now.dtype)


def _described(index: Any) -> str:
    names = [str(name) for name in index.names if name is not None]
    return f"pandas {type(index).__name__}" + (f" {', '.join(names)}" if names else "")
