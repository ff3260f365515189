"""Tables in files: .parquet, .csv, .json (a list of objects) and .jsonl (an object a line)."""

import json
import math
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from mlnb.core.errors import Conflict, UnsupportedData
from mlnb.datasets.tables import Content, content, plain


def read_file(path: Path, *, suffix: str | None = None) -> Content:
    """Read a table from a file, of another suffix than its own when one is given.

    Types come from the file (Parquet) or from its values. In CSV an empty field, ``NA``, ``NaN``
    and ``null`` are nulls, and whole numbers stay whole numbers when some are missing.

    Raises
    ------
    UnsupportedData
        If the suffix is none of these or the file is not what its suffix says.
    """
    suffix = suffix or path.suffix.lower()
    reader = _readers().get(suffix)
    if reader is None:
        raise _unknown_suffix(path)
    try:
        return content(reader(path))
    except (pa.ArrowException, ValueError, OSError) as error:
        first = (str(error).splitlines() or [""])[0]
        raise UnsupportedData(f"{str(path)!r} cannot be read as {suffix}: {first}") from None


def write_file(table: Any, path: Path, *, replace: bool = False) -> None:
    """Write an Arrow table to a file, whole or not at all.

    Raises
    ------
    Conflict
        If the file exists and ``replace`` is false.
    UnsupportedData
        If the suffix is unknown, or the format cannot hold a column.
    """
    check_target(path, replace=replace)
    write = _writers()[path.suffix.lower()]
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(descriptor)
    part = Path(name)
    try:
        write(table, part)
        part.chmod(0o666 & ~_umask())
        part.replace(path)
    except (pa.ArrowException, ValueError, TypeError) as error:
        fix = "Write a .parquet file."
        raise UnsupportedData(f"{path.suffix} cannot hold this table: {error}.", fix) from None
    finally:
        part.unlink(missing_ok=True)


def check_target(path: Path, *, replace: bool) -> None:
    """Raise, before any work is done, what `write_file` would raise about the path."""
    if path.suffix.lower() not in _writers():
        raise _unknown_suffix(path)
    if not path.parent.is_dir():
        raise UnsupportedData(f"There is no folder {str(path.parent)!r}.", "Make it first.")
    if path.exists() and not replace:
        raise Conflict(f"{str(path)!r} exists.", "Choose another name, or replace it with --force.")


def _readers() -> dict[str, Callable[[Path], Any]]:
    return {
        ".parquet": pq.read_table,
        ".csv": _read_csv,
        ".json": lambda path: _from_objects(json.loads(path.read_text(encoding="utf-8"))),
        ".jsonl": lambda path: _from_objects(
            [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
        ),
    }


def _writers() -> dict[str, Callable[[Any, Path], None]]:
    return {
        ".parquet": lambda table, path: pq.write_table(table, path, compression="zstd"),
        ".csv": lambda table, path: pa_csv.write_csv(plain(table), path),
        ".json": lambda table, path: _write_text(path, json.dumps(_objects(table))),
        ".jsonl": lambda table, path: _write_text(
            path, "".join(json.dumps(item) + "\n" for item in _objects(table))
        ),
    }


def _read_csv(path: Path) -> Any:
    options = pa_csv.ConvertOptions(strings_can_be_null=True)
    table = pa_csv.read_csv(path, convert_options=options)
    for item in table.schema:
        if pa.types.is_binary(item.type):
            raise ValueError(f"column {item.name!r} is not UTF-8 text")
    return table


def _from_objects(objects: Any) -> Any:
    if not isinstance(objects, list) or not all(isinstance(item, dict) for item in objects):
        raise ValueError("it is no list of objects")
    names = list(dict.fromkeys(name for item in objects for name in item))
    return pa.table({name: pa.array([item.get(name) for item in objects]) for name in names})


def _objects(table: Any) -> list[dict[str, Any]]:
    for column, item in zip(table, table.schema, strict=True):
        if pa.types.is_floating(item.type) and _has_infinity(column):
            raise ValueError(f"column {item.name!r} holds infinite numbers")
    rows: list[dict[str, Any]] = plain(table).to_pylist()
    return [{name: _json_value(value) for name, value in row.items()} for row in rows]


def _has_infinity(column: Any) -> bool:
    return bool(pc.any(pc.is_inf(column)).as_py())


def _json_value(value: Any) -> Any:
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if value is None or isinstance(value, str | int | bool | list | dict):
        return value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, bytes):
        raise ValueError("it has binary values")
    return str(value)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _unknown_suffix(path: Path) -> UnsupportedData:
    return UnsupportedData(
        f"{str(path)!r} has no known table format.", "Use .parquet, .csv, .json or .jsonl."
    )
