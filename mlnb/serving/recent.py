"""The last rows of an endpoint's prediction log, read from the ends of its newest files."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlnb.core.names import check_name
from mlnb.serving import folders

if TYPE_CHECKING:
    import pyarrow as pa

TAIL = 256 * 1024
"""Bytes that are read of a file's end."""
FILES = 16
"""Files that are looked into, the newest ones."""


def recent(name: str, rows: int = 50) -> list[dict[str, Any]]:
    """Return the rows that an endpoint answered last, the latest first; shadows' are left out.

    Parameters
    ----------
    name : str
        Endpoint.
    rows : int
        At most so many.

    Returns
    -------
    list of dict
        As `mlnb.serving.predictions` has them; empty when the endpoint served nothing here.
    """
    folder = folders.log_folder(check_name("endpoint", name))
    found: list[dict[str, Any]] = []
    for table in _tables(folder):
        found += table.slice(max(0, table.num_rows - rows)).to_pylist()
        found.sort(key=lambda row: row["time"], reverse=True)
        del found[rows:]
    return found


def _tables(folder: Path) -> "Iterator[pa.Table]":
    from mlnb.serving.prediction_log import SUFFIX
    from mlnb.serving.prediction_reader import COMPACT, ROLE, tail_of

    dated = []
    for file in folder.glob("*"):
        if file.suffix in (COMPACT, SUFFIX):
            try:
                dated.append((file.stat().st_mtime, file.name, file))
            except FileNotFoundError:  # it was just compacted
                continue
    done: set[str] = set()
    for _, _, file in sorted(dated, reverse=True)[:FILES]:
        if file.stem in done:
            continue
        done.add(file.stem)
        try:
            table = tail_of(file, TAIL)
        except FileNotFoundError:
            continue
        if table is not None and (table.schema.metadata or {}).get(ROLE) != b"shadow":
            yield table
