"""The prediction log as a worker writes it: one line, one ``write``, per request.

A worker owns its files ("segments"); the first line of a segment says what every row has in
common. A line is in the file before the request is answered, so a worker that is killed loses
nothing it has acknowledged. A torn last line was never acknowledged; readers skip it. Full
segments are compacted to Parquet by `mlnb.serving.compaction`.

Format 1, JSON lines, columns rather than rows because that is a tenth of the time::

    {"format": 1, "release": 3, "model": "late@2", "columns": [["distance", "double"], …]}
    {"request_id": "…", "at": 1763877305000000, "ids": […], "times": […],
     "columns": [[…], …], "predictions": […], "scores": […]}
"""

import os
import time
import uuid
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa

from mlnb.core.extras import require
from mlnb.serving.batches import Batch
from mlnb.serving.scoring import plain

FORMAT = 1
SEGMENT_BYTES = 32 * 1024 * 1024
SUFFIX = ".jsonl"


class PredictionLog:
    """Appends to a worker's own segments.

    Owns the open file; safe to use from several threads. A failing disk raises OSError, and then
    the request must not be acknowledged.

    Parameters
    ----------
    folder : Path
        Where the endpoint's segments are.
    worker : str
        The worker's id, unique for all time.
    release : int
        Release number.
    model : str
        ``name@number``.
    schema : Arrow schema
        The model's inputs.
    limit : int
        Bytes after which a new segment is begun.
    """

    def __init__(
        self,
        folder: Path,
        worker: str,
        release: int,
        model: str,
        schema: pa.Schema,
        *,
        limit: int = SEGMENT_BYTES,
    ) -> None:
        self._json = require("orjson", "serving")
        self._folder = folder
        self._worker = worker
        self._limit = limit
        self._header = {
            "format": FORMAT,
            "release": release,
            "model": model,
            "columns": [[field.name, str(field.type)] for field in schema],
        }
        self._lock = Lock()
        self._number = 0
        self._size = 0
        self._torn = False
        self._descriptor = self._open()

    def append(
        self,
        request_id: str,
        at: int,
        batch: Batch,
        predictions: np.ndarray[Any, Any],
        scores: np.ndarray[Any, Any] | None,
    ) -> None:
        """Write one request's rows.

        Parameters
        ----------
        request_id : str
            Of the request.
        at : int
            Arrival, microseconds since the epoch.
        batch : Batch
            What was asked.
        predictions, scores : arrays
            What was answered.
        """
        entry: dict[str, Any] = {"request_id": request_id, "at": at}
        if batch.ids is not None:
            entry["ids"] = batch.ids
        if batch.times is not None:
            entry["times"] = batch.times
        entry["columns"] = [_values(column) for column in batch.table.columns]
        entry["predictions"] = plain(predictions)
        if scores is not None:
            entry["scores"] = scores
        line = self._line(entry)
        with self._lock:
            if self._size >= self._limit:
                os.close(self._descriptor)
                self._descriptor = self._open()
            self._write(line)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def _line(self, entry: dict[str, Any]) -> bytes:
        options = self._json.OPT_SERIALIZE_NUMPY | self._json.OPT_APPEND_NEWLINE
        return bytes(self._json.dumps(entry, option=options))

    def _open(self) -> int:
        self._number += 1
        name = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{self._worker}-{self._number:04d}"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
        descriptor = os.open(self._folder / f"{name}{SUFFIX}", flags, 0o600)
        self._descriptor, self._size, self._torn = descriptor, 0, False
        self._write(self._line(self._header))
        return descriptor

    def _write(self, line: bytes) -> None:
        if self._torn:
            line = b"\n" + line
        written = os.write(self._descriptor, line)
        self._size += written
        self._torn = written != len(line)
        if self._torn:
            raise OSError(f"only {written} of {len(line)} bytes of the prediction log were written")


def new_worker_id() -> str:
    """Return an id that no other worker has or will have."""
    return uuid.uuid4().hex[:12]


def worker_of(segment: Path) -> str:
    """Return which worker wrote a segment."""
    return segment.name.split("-")[1]


def _values(column: pa.ChunkedArray) -> Any:
    kind = column.type
    if pa.types.is_floating(kind) or (pa.types.is_integer(kind) and not column.null_count):
        return np.ascontiguousarray(column.to_numpy())
    if pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us", kind.tz), safe=False).cast(pa.int64()).to_pylist()
    if pa.types.is_date(kind):
        return column.cast(pa.timestamp("us"), safe=False).cast(pa.int64()).to_pylist()
    return column.to_pylist()
