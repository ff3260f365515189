"""Some rows of an Arrow dataset, reading only the row groups that they are in."""

from collections.abc import Sequence
from typing import Any


def rows_of(dataset: Any, columns: Sequence[str] | None, start: int, stop: int) -> Any:
    """Return the rows from ``start`` to before ``stop``, as an Arrow table."""
    import pyarrow as pa

    chosen = list(columns) if columns is not None else None
    empty = dataset.schema.empty_table()
    pieces = [empty.select(chosen) if chosen is not None else empty]
    first = 0
    for fragment in dataset.get_fragments():
        for piece, count in _groups(fragment):
            low, high = max(start, first), min(stop, first + count)
            if low < high:
                read = piece.to_table(schema=dataset.schema, columns=chosen)
                pieces.append(read.slice(low - first, high - low))
            first += count
    return pa.concat_tables(pieces)


def _groups(fragment: Any) -> list[tuple[Any, int]]:
    """Return the row groups of a Parquet file with their rows; any other fragment whole."""
    if not hasattr(fragment, "row_groups"):
        return [(fragment, fragment.count_rows())]
    return [
        (fragment.subset(row_group_ids=[group.id]), group.num_rows) for group in fragment.row_groups
    ]
