"""The rows of one request, checked against the model's signature."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, Self

import numpy as np

from mlnb.core.records import Column
from mlnb.serving.casting import Columns, Row, Schema
from mlnb.serving.fields import fields_of


class Batch:
    """The rows of one request: plain Python values, checked, in the signature's order.

    Parameters
    ----------
    schema : Schema
        The signature.
    columns : sequence of sequences, optional
        One per field; or else ``row``.
    row : tuple, optional
        The only row.
    ids : list of str, optional
        The client's name for each row.
    moments : sequence of datetime, optional
        When each row is about, UTC.
    """

    def __init__(
        self,
        schema: Schema,
        columns: Columns | None = None,
        *,
        row: Row | None = None,
        ids: list[str] | None = None,
        moments: Sequence[Any] | None = None,
    ) -> None:
        self.schema = schema
        self.row = row
        self.ids = ids
        self.moments = moments
        self.rows = 1 if row is not None else len(columns[0]) if columns else 0
        self._columns = columns

    @classmethod
    def of_table(cls, table: Any, *, ids: list[str] | None = None, times: Any = None) -> Self:
        """Return the rows of an Arrow table whose columns are the signature."""
        columns = [Column(name=each.name, type=str(each.type)) for each in table.schema]
        values = [column.to_pylist() for column in table.columns]
        moments = None if times is None else times.to_pylist()
        return cls(Schema(fields_of(columns)), values, ids=ids, moments=moments)

    @property
    def columns(self) -> Columns:
        """Return one sequence of values per field."""
        if self._columns is None:
            self._columns = [(value,) for value in self.row or ()]
        return self._columns

    @cached_property
    def table(self) -> Any:
        """Return the Arrow table; nothing on the hot path asks for it."""
        return self.schema.table(self.columns)

    @property
    def times(self) -> "np.ndarray[Any, Any] | None":
        """Return when each row is about, microseconds since the epoch."""
        if self.moments is None:
            return None
        naive = [moment.replace(tzinfo=None) for moment in self.moments]
        return np.array(naive, dtype="datetime64[us]").astype(np.int64)


def merged(batches: Sequence[Batch]) -> Columns:
    """Return the columns of several requests, one after the other."""
    if len(batches) == 1:
        return batches[0].columns
    if all(batch.row is not None for batch in batches):
        return list(zip(*(batch.row for batch in batches), strict=True))
    return [_chained(parts) for parts in zip(*(batch.columns for batch in batches), strict=True)]


def _chained(parts: Iterable[Sequence[Any]]) -> list[Any]:
    return [value for part in parts for value in part]
