"""Reading the prediction log: segments, as JSON lines or compacted to Parquet, as one table."""

import json
import logging
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mlnb.core.errors import BadInput, UnknownName, UnreadableRecord
from mlnb.core.extras import require
from mlnb.core.names import check_name
from mlnb.serving.folders import log_folder
from mlnb.serving.prediction_log import FORMAT, SUFFIX, lines_of, requests_in

COMPACT = ".parquet"
OWN = ("request_id", "id", "time", "release", "model", "prediction", "score", "latency")
"""The log's own columns; a model input of the same name is found as ``input_<name>``."""
ROLE = b"mlnb.role"
SOURCES = b"mlnb.sources"
GAPS = b"mlnb.gaps"
"""Keys of a table's metadata: in which role it was answered, the segments it was made of, and how
many requests of the time could not be logged, gap by gap."""
TRIES = 20
_logger = logging.getLogger("mlnb.serving")
_MOMENT = pa.timestamp("us", "UTC")


def predictions(
    name: str,
    *,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
    release: int | None = None,
    shadow: bool = False,
) -> pd.DataFrame:
    """Return what an endpoint was asked and what it answered, one line per row.

    Parameters
    ----------
    name : str
        Endpoint.
    since, until : datetime or ISO text, optional
        Bounds on ``time``: from ``since`` on, before ``until``. Naive means UTC.
    release : int, optional
        Only what this release answered.
    shadow : bool
        What shadows said instead, which no client has seen.

    Returns
    -------
    DataFrame
        ``request_id``, ``id`` (given by the client, else ``<request_id>-<row>``), ``time`` (UTC;
        of the event as given by the client, else of arrival), ``release``, ``model``, every input
        of the model (but those that are not logged), ``prediction``, ``score`` and ``latency``
        (ms from arrival to answer); ordered by time. If a full disk kept answers out of the log,
        ``attrs["unlogged"]`` says how many.

    Raises
    ------
    UnknownName
        If the endpoint never served on this machine.
    """
    folder = log_folder(check_name("endpoint", name))
    if not folder.is_dir():
        raise UnknownName("prediction log of endpoint", name, _logged())
    tables = [
        _chosen(table, _moment(since), _moment(until), release)
        for table in read(folder)
        if ((table.schema.metadata or {}).get(ROLE) == b"shadow") == shadow
    ]
    frame = _together([table for table in tables if table.num_rows] or tables[:1])
    frame = frame.sort_values("time", kind="stable", ignore_index=True)
    unlogged = sum(gaps(folder))
    if unlogged:
        frame.attrs["unlogged"] = unlogged
        _logger.warning("%d answers of %s could not be logged: a disk was full", unlogged, name)
    return frame


def _logged() -> list[str]:
    parent = log_folder("x").parent.parent
    return [path.name for path in parent.iterdir() if path.is_dir()] if parent.is_dir() else []


def read(folder: Path) -> list[pa.Table]:
    """Return the tables of all segments, in the order in which they were begun.

    Compacted ones win: they are complete as soon as they have their names, and the lines are
    removed after that. Should they be removed while they are looked for, all is read again.
    """
    for attempt in range(TRIES):
        try:
            return _read(folder)
        except FileNotFoundError:
            if attempt == TRIES - 1:
                raise
    return []


def _read(folder: Path) -> list[pa.Table]:
    found: dict[str, pa.Table] = {}
    covered: set[str] = set()
    for file in folder.glob(f"*{COMPACT}"):
        table = found[file.stem] = pq.read_table(file)
        covered |= {file.stem, *sources(table.schema)}
    for file in folder.glob(f"*{SUFFIX}"):
        if file.stem not in covered:
            table = table_of(file)
            if table is not None:
                found[file.stem] = table
    return [found[name] for name in sorted(found)]


def gaps(folder: Path) -> list[int]:
    """Return how many requests were answered but could not be logged, gap by gap."""
    found: list[int] = []
    covered: set[str] = set()
    for file in sorted(folder.glob(f"*{COMPACT}")):
        schema = pq.read_schema(file)
        covered |= {file.stem, *sources(schema)}
        found += json.loads((schema.metadata or {}).get(GAPS, b"[]"))
    for file in sorted(folder.glob(f"*{SUFFIX}")):
        if file.stem not in covered:
            found += gaps_of(file)
    return found


def gaps_of(file: Path) -> list[int]:
    """Return the gaps of one segment."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:  # it was just compacted
        return []
    lines = [line for line in lines_of(data) if line.startswith(b'{"gap"')]
    return [json.loads(line)["gap"]["requests"] for line in lines]


def sources(schema: pa.Schema) -> list[str]:
    """Return the segments that a compacted one was made of."""
    given = (schema.metadata or {}).get(SOURCES)
    return list(json.loads(given)) if given else []


def table_of(file: Path) -> pa.Table | None:
    """Read the lines of a segment; None when it has no rows.

    Raises
    ------
    UnreadableRecord
        If a newer mlnb wrote it.
    """
    header, entries = entries_of(file)
    answered = [entry for entry in entries if "predictions" in entry]
    return _assemble(header, answered) if answered else None


def tail_of(file: Path, size: int) -> pa.Table | None:
    """Read the rows at the end of a segment, from about so many bytes; None when it has none."""
    if file.suffix == COMPACT:
        stored = pq.ParquetFile(file)
        last = stored.num_row_groups - 1
        return stored.read_row_group(last) if last >= 0 else None
    with file.open("rb") as stream:
        first = stream.readline()
        begin = max(len(first), file.stat().st_size - size)
        stream.seek(begin - 1)
        rest = stream.read()
    # what was begun before is no whole line
    header, entries = _read_entries(file, first + rest[rest.find(b"\n") + 1 :])
    answered = [entry for entry in entries if "predictions" in entry]
    return _assemble(header, answered) if answered else None


def entries_of(file: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a segment's first line and the others; all empty if it was killed while it began."""
    return _read_entries(file, file.read_bytes())


def _read_entries(file: Path, data: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    orjson = require("orjson", "serving")
    entries = []
    for line in lines_of(data):
        try:
            entries.append(orjson.loads(line))
        except ValueError:  # torn, and so never acknowledged
            continue
    if not entries or "format" not in entries[0]:
        return {}, []
    header = entries[0]
    if header["format"] > FORMAT:
        raise UnreadableRecord(
            f"prediction log {file.name}", f"it has format {header['format']}, known is {FORMAT}"
        )
    return header, [each for entry in entries[1:] for each in requests_in(entry)]


def _assemble(header: dict[str, Any], entries: list[dict[str, Any]]) -> pa.Table:
    counts = [len(entry["predictions"]) for entry in entries]
    rows = sum(counts)
    pairs = list(zip(entries, counts, strict=True))
    columns: dict[str, pa.Array] = {
        "request_id": pa.array(_flat([e["request_id"]] * n for e, n in pairs), pa.string()),
        "id": pa.array(
            _flat(
                e.get("ids") or [f"{e['request_id']}-{row}" for row in range(n)] for e, n in pairs
            ),
            pa.string(),
        ),
        "time": pa.array(_flat(e.get("times") or [e["at"]] * n for e, n in pairs), _MOMENT),
        "release": pa.repeat(pa.scalar(header["release"], pa.int64()), rows),
        "model": pa.repeat(pa.scalar(header["model"]), rows),
    }
    for position, (name, kind) in enumerate(header["columns"]):
        values = _flat(entry["columns"][position] for entry in entries)
        columns[f"input_{name}" if name in OWN else name] = _restored(values, kind)
    columns["prediction"] = pa.array(_flat(e["predictions"] for e in entries))
    scores = _flat(e.get("scores") or [None] * n for e, n in pairs)
    columns["score"] = pa.array(scores, pa.float64())
    taken = _flat([e["us"] / 1000 if "us" in e else None] * n for e, n in pairs)
    columns["latency"] = pa.array(taken, pa.float64())
    role = str(header.get("role", "current"))
    return pa.table(columns).replace_schema_metadata({ROLE: role.encode()})


def _flat(parts: Iterable[list[Any]]) -> list[Any]:
    flat: list[Any] = []
    for part in parts:
        flat.extend(part)
    return flat


def _restored(values: list[Any], kind: str) -> pa.Array:
    stamp = re.fullmatch(r"timestamp\[(\w+)(?:, tz=(.+))?\]", kind)
    if stamp and any(isinstance(value, str) for value in values):
        return _moments(values, stamp[1], stamp[2])
    if stamp:
        moments = pa.array(values, pa.timestamp("us", stamp[2]))
        return moments.cast(pa.timestamp(stamp[1], stamp[2]), safe=False)
    if kind.startswith("date") and any(isinstance(value, str) for value in values):
        return pa.array(values, pa.string()).cast(pa.timestamp("us")).cast(pa.date32())
    if kind.startswith("date"):
        return pa.array(values, pa.timestamp("us")).cast(pa.date32())
    return pa.array(values, pa.type_for_alias(kind))


def _moments(values: list[Any], unit: str, zone: str | None) -> pa.Array:
    series = pd.to_datetime(pd.Series(values), utc=True, format="ISO8601")
    naive = series.dt.tz_convert(None).dt.as_unit("us").to_numpy()
    moments = pa.array(naive, pa.timestamp("us"), from_pandas=True).cast(_MOMENT)
    if zone is None:
        return moments.cast(pa.timestamp("us")).cast(pa.timestamp(unit), safe=False)
    return moments.cast(pa.timestamp(unit, zone), safe=False)


def _moment(value: datetime | str | None) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise BadInput(f"{value!r} is no ISO 8601 time.", "Write 2013-05-01 for example.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _chosen(
    table: pa.Table, since: datetime | None, until: datetime | None, release: int | None
) -> pa.Table:
    if since is not None:
        table = table.filter(pc.greater_equal(table["time"], pa.scalar(since, _MOMENT)))
    if until is not None:
        table = table.filter(pc.less(table["time"], pa.scalar(until, _MOMENT)))
    if release is not None:
        table = table.filter(pc.equal(table["release"], release))
    return table


def _together(tables: list[pa.Table]) -> pd.DataFrame:
    if not tables:
        return pd.DataFrame({name: [] for name in OWN})
    try:
        frame = pa.concat_tables(tables, promote_options="permissive").to_pandas()
    except pa.ArrowException:  # models of one endpoint that predict numbers, then words
        frame = pd.concat([table.to_pandas() for table in tables], ignore_index=True)
    inputs = [column for column in frame.columns if column not in OWN]
    ordered: pd.DataFrame = frame[[*OWN[:5], *inputs, *OWN[5:]]]
    return ordered
