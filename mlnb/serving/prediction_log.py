"""The prediction log as a worker writes it: one line, one ``write``, per request.

A worker owns its files ("segments"); the first line of a segment says what every row has in
common. A line is in the file before the request is answered, so a worker that is killed loses
nothing it has acknowledged; the file is brought to the disk at most `SYNC` later, so a loss of
power costs no more than that. Closed segments are compacted to Parquet by
`mlnb.serving.compaction`.

Format 2, lines of a checksum (CRC-32, eight hexadecimal digits), a blank and JSON; columns rather
than rows because that is a tenth of the time::

    {"format": 2, "release": 3, "model": "late@2", "role": "current", "sample": 1.0,
     "columns": [["distance", "double"], …]}
    {"request_id": "…", "at": 1763877305000000, "us": 850, "ids": […], "times": […],
     "columns": [[…], …], "predictions": […], "scores": […]}
    {"requests": [["…", 1763877305000000, 850, 1], …], "columns": [[…], …], "predictions": […],
     "scores": […]}    requests that were predicted together: id, at, us and rows of each
    {"request_id": "…", "at": …, "us": …, "status": 502, "release": 4}    release 4 did not answer
    {"gap": {"since": …, "until": …, "requests": 12}}    answered, but the disk took no lines

``at`` is the arrival in microseconds since the epoch, ``us`` how many of them until the answer was
there. Format 1 had neither checksums nor ``us``.
"""

import fcntl
import logging
import os
import time
import uuid
import zlib
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

from mlnb.core.extras import require
from mlnb.serving.batches import Batch
from mlnb.serving.scoring import plain

FORMAT = 2
SEGMENT_BYTES = 32 * 1024 * 1024
SUFFIX = ".jsonl"
SYNC = 0.1
"""Seconds after which a line is brought to the disk."""
REOPEN = 1.0
"""Seconds until a file that could not be made is tried again."""
_ALL = 2**32
_logger = logging.getLogger("mlnb.serving")


class PredictionLog:
    """Appends to a worker's own segments.

    Owns the open file; safe to use from several threads. A failing disk (one that is full, say)
    stops no answer: what could not be written is counted in ``lost``, told to the server's log, and
    written down as a gap as soon as lines can be written again.

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
    schema : Arrow schema, or list of Column
        The model's inputs: names and types.
    limit : int
        Bytes after which a new segment is begun.
    role : str
        ``current``, ``canary`` or ``shadow``.
    sample : float
        Share of the requests that is logged, 0 to 1, chosen by request id.
    exclude : sequence of str
        Inputs that are not logged.
    """

    def __init__(
        self,
        folder: Path,
        worker: str,
        release: int,
        model: str,
        schema: Any,
        *,
        limit: int = SEGMENT_BYTES,
        role: str = "current",
        sample: float = 1.0,
        exclude: Sequence[str] = (),
    ) -> None:
        json = require("orjson", "serving")
        self._dumps = json.dumps
        self._options = json.OPT_SERIALIZE_NUMPY | json.OPT_NAIVE_UTC
        self._folder, self._worker, self._limit = folder, worker, limit
        kept = [(place, each) for place, each in enumerate(schema) if each.name not in exclude]
        self._kept = [place for place, _ in kept] if len(kept) < len(schema) else None
        self._below = round(sample * _ALL)
        self._header = {
            "format": FORMAT,
            "release": release,
            "model": model,
            "role": role,
            "sample": sample,
            "columns": [[each.name, str(each.type)] for _, each in kept],
        }
        self.lost = 0
        """Requests that were answered and could not be logged."""
        self._gap: dict[str, int] | None = None
        self._lock = Lock()
        self._number = 0
        self._size = 0
        self._torn = False
        self._retry = 0.0
        self._descriptor = -1
        self._sync = _Sync()
        try:
            self._open()
        except OSError as error:  # a release can serve, and be rolled back to, all the same
            self._failed(error, 0)

    def append(self, request_id: str, at: int, batch: Batch, predictions: Any, scores: Any) -> bool:
        """Write one request's rows; tells whether the log has what it is to have.

        Parameters
        ----------
        request_id : str
            Of the request.
        at : int
            Arrival, microseconds since the epoch.
        batch : Batch
            What was asked.
        predictions, scores : list or array
            What was answered; no scores are None.
        """
        if self._below < _ALL and zlib.crc32(request_id.encode()) >= self._below:
            return True
        now = time.time_ns() // 1000
        entry: dict[str, Any] = {"request_id": request_id, "at": at, "us": now - at}
        if batch.ids is not None:
            entry["ids"] = batch.ids
        if batch.moments is not None:
            entry["times"] = batch.times
        columns = batch.columns
        if self._kept is not None:
            columns = [columns[place] for place in self._kept]
        entry["columns"] = columns
        entry["predictions"] = plain(predictions)
        if scores is not None:
            entry["scores"] = scores
        return self._add(entry, now)

    @property
    def whole(self) -> bool:
        """Tell whether every request is logged, so that a batch of them may be one line."""
        return self._below >= _ALL

    def append_all(
        self,
        requests: Sequence[tuple[str, int, int]],
        columns: Sequence[Sequence[Any]],
        predictions: Any,
        scores: Any,
    ) -> bool:
        """Write the rows of requests that were predicted together, as one line by one write.

        Parameters
        ----------
        requests : sequence of (str, int, int)
            Request id, arrival and rows of each.
        columns : sequence of sequences
            Of all together.
        predictions, scores : list or array
            Likewise; no scores are None.
        """
        now = time.time_ns() // 1000
        if self._kept is not None:
            columns = [columns[place] for place in self._kept]
        entry: dict[str, Any] = {
            "requests": [(name, at, now - at, rows) for name, at, rows in requests],
            "columns": columns,
            "predictions": plain(predictions),
        }
        if scores is not None:
            entry["scores"] = scores
        return self._add(entry, now, len(requests))

    def failed(self, request_id: str, at: int, status: int, release: int) -> None:
        """Note that a release did not answer a request."""
        now = time.time_ns() // 1000
        facts = {"request_id": request_id, "at": at, "us": now - at}
        self._add({**facts, "status": status, "release": release}, now)

    def close(self) -> None:
        """Bring everything to the disk and close the file."""
        with self._lock:
            self._sync.end()
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
                self._retry = float("inf")

    def _add(self, entry: dict[str, Any], now: int, requests: int = 1) -> bool:
        line = self._line(entry)
        with self._lock:
            try:
                if self._descriptor < 0 or self._size >= self._limit:
                    self._rotate()
                if self._gap is not None:
                    self._write(self._line({"gap": {**self._gap, "until": now}}))
                    _logger.warning("the prediction log is written again; %d lost", self.lost)
                    self._gap = None
                self._write(line)
            except OSError as error:
                self._failed(error, now, requests)
                return False
        self._sync.wanted(self._descriptor)
        return True

    def _failed(self, error: OSError, now: int, requests: int = 1) -> None:
        lost = requests if now else 0
        self.lost += lost
        if self._gap is None:
            reason = error.strerror or error
            _logger.error("the prediction log cannot be written, serving goes on: %s", reason)
            self._gap = {"since": now or time.time_ns() // 1000, "requests": 0}
        self._gap["requests"] += lost

    def _line(self, entry: dict[str, Any]) -> bytes:
        text: bytes = self._dumps(entry, _text, self._options)
        return b"%08x %b\n" % (zlib.crc32(text), text)

    def _rotate(self) -> None:
        if self._descriptor >= 0:
            self._sync.now(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1
        if time.monotonic() < self._retry:
            raise OSError("its next file could not be made a moment ago")
        self._open()

    def _open(self) -> None:
        self._number += 1
        name = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{self._worker}-{self._number:04d}"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
        try:
            descriptor = os.open(self._folder / f"{name}{SUFFIX}", flags, 0o600)
        except OSError:
            self._retry = time.monotonic() + REOPEN
            raise
        self._descriptor, self._size, self._torn = descriptor, 0, False
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # until this process ends: it is being written
        try:
            self._write(self._line(self._header))
        except OSError:
            self._retry = time.monotonic() + REOPEN
            os.close(descriptor)
            self._descriptor = -1
            (self._folder / f"{name}{SUFFIX}").unlink(missing_ok=True)
            raise

    def _write(self, line: bytes) -> None:
        if self._torn:
            line = b"\n" + line
        written = os.write(self._descriptor, line)
        self._size += written
        self._torn = written != len(line)
        if self._torn:
            raise OSError(f"only {written} of {len(line)} bytes were written")


class _Sync:
    """Brings a file to the disk soon after it is written to, in a thread of its own."""

    def __init__(self) -> None:
        self._wake = Event()
        self._thread: Thread | None = None
        self._descriptor = -1
        self._over = False

    def wanted(self, descriptor: int) -> None:
        """Have a file brought to the disk within `SYNC`."""
        if self._descriptor >= 0:
            return  # it will be
        self._descriptor = descriptor
        if self._thread is None:
            self._thread = Thread(target=self._run, name="prediction log", daemon=True)
            self._thread.start()
        self._wake.set()

    def now(self, descriptor: int) -> None:
        """Do it here and now."""
        try:
            getattr(os, "fdatasync", os.fsync)(descriptor)  # macOS has none
        except OSError as error:
            _logger.error("the prediction log was not brought to the disk: %s", error)

    def end(self) -> None:
        """Do what is left, and end the thread."""
        self._over = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(10)

    def _run(self) -> None:
        while not self._over:
            self._wake.wait()
            self._wake.clear()
            time.sleep(SYNC / 2)
            descriptor, self._descriptor = self._descriptor, -1
            if descriptor >= 0:
                self.now(descriptor)


def _text(value: Any) -> str:
    """Return a time of another library's as ISO text."""
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    raise TypeError(type(value).__name__)


def new_worker_id() -> str:
    """Return an id that no other worker has or will have."""
    return uuid.uuid4().hex[:12]


def worker_of(segment: Path) -> str:
    """Return which worker wrote a segment."""
    return segment.name.split("-")[1]


def lines_of(data: bytes) -> list[bytes]:
    """Return the JSON of a segment's whole lines; torn and damaged ones are left out.

    A segment of format 1 has no checksums: a line that is no JSON was torn.
    """
    lines = data.splitlines()
    if data.startswith(b"{"):
        return [line for line in lines if line.startswith(b"{") and line.endswith(b"}")]
    found = []
    for line in lines:
        check, _, text = line.partition(b" ")
        try:
            whole = len(check) == 8 and int(check, 16) == zlib.crc32(text)
        except ValueError:
            whole = False
        if whole:
            found.append(text)
    return found


def requests_in(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the requests of a line, each as if it had a line of its own."""
    if "requests" not in entry:
        return [entry]
    found, start = [], 0
    for name, at, us, rows in entry["requests"]:
        part = slice(start, start + rows)
        one = {
            "request_id": name,
            "at": at,
            "us": us,
            "columns": [values[part] for values in entry["columns"]],
            "predictions": entry["predictions"][part],
        }
        if "scores" in entry:
            one["scores"] = entry["scores"][part]
        found.append(one)
        start += rows
    return found
