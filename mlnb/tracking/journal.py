"""The journal: what runs log, on this machine, until the tracking store has it.

One file per run below ``.mlnb/local/journal``, written by one process, read by whoever delivers::

    <time>-<run>.log      records, one line each, appended and never changed
    <time>-<run>.files/   the content of artifacts: a numbered folder per record
    <time>-<run>.state    how far the records are in the store, and the run's id there
    trouble.json          while the store does not answer: since when, and why

A record is a line: CRC-32 of the rest, the record's number, its kind and body as JSON. A torn last
line is a record that nobody was told was written; a damaged line in between is reported by those
who read, and a missing number says how many are gone. The writer holds a lock on the file: the
system gives it back however the process ends, so a file that can be locked is complete.

Only the standard library is imported here: every notebook loads it.
"""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from zlib import crc32

from mlnb.core.project import STATE, Project
from mlnb.tracking.unyielding import stamp

FORMAT = 1
OPEN, JOIN, METRICS, PARAMS, TAGS, FILES, INPUT, CELL, END = (
    "open",
    "join",
    "metrics",
    "params",
    "tags",
    "files",
    "input",
    "cell",
    "end",
)
"""Kinds of records. A file begins with `OPEN` (a new run) or `JOIN` (further writes to one).

A `JOIN` with the time ``resumed`` opens the run again: it is running from then on, and who ends it
last says how it ended.
"""
ORIGIN = "mlnb.journal"
"""Tag of a delivered run: its id in the journal, where the store chose another."""

DIED = "The process ended before the run did."
STATUSES = ("FINISHED", "FAILED", "KILLED")
_CHUNK = 4 * 1024 * 1024


@dataclass(frozen=True)
class Entry:
    """One record, as it is read."""

    number: int
    kind: str
    body: Any
    end: int
    """The byte offset behind it."""


@dataclass(frozen=True)
class State:
    """How far a file is delivered."""

    offset: int = 0
    number: int = 0
    """Of the last record before the offset."""
    run: str = ""
    """The run's id in the store; empty until it is there."""
    ended: str = ""
    """The status it ended with."""
    cell: str = ""
    """The last cell that began."""
    damaged: int = 0
    """Records that could not be read, or that the store refused."""
    tries: int = 0
    """How often a server was asked to make the run."""


@dataclass
class Chunk:
    """Some records of a file, in order."""

    entries: list[Entry] = field(default_factory=list)
    damaged: int = 0
    """Records that are gone: damaged lines and missing numbers."""
    offset: int = 0
    """Where to go on reading."""


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def record(kind: str, body: Any) -> str:
    """Return a record's kind and body as they are stored."""
    return _encode([kind, body])


def points(values: Iterable[tuple[str, float, int, int]]) -> str:
    """Return a record of metrics (name, value, time, step); the same as `record`, sooner."""
    parts = []
    for key, value, moment, step in values:
        number = repr(value) if value == value else "NaN"
        parts.append(f"[{_quoted(key)},{number},{moment},{step}]")
    return f'["metrics",[{",".join(parts)}]]'


@lru_cache(maxsize=4096)
def _quoted(key: str) -> str:
    return _encode(key)


def line(number: int, text: str) -> bytes:
    """Return a record's line: checksum, number, and what `record` made."""
    data = f"{number} {text}".encode(errors="replace")  # a lone surrogate stops nothing
    return b"%08x %b\n" % (crc32(data), data)


def read(path: Path, offset: int, number: int, *, complete: bool) -> Chunk:
    """Read records behind an offset; at most some megabytes.

    Parameters
    ----------
    path : Path
        The file.
    offset, number : int
        Where the last record that was read ends, and its number.
    complete : bool
        Whether its writer is gone, so that a line without an end is a torn one.
    """
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(_CHUNK)
        while data and b"\n" not in data and (more := file.read(_CHUNK)):
            data += more
        at_end = file.tell() == os.fstat(file.fileno()).st_size
    found = Chunk(offset=offset)
    position, unreadable = offset, 0
    *lines, torn = data.split(b"\n")
    for raw in lines:
        position += len(raw) + 1
        entry = _parsed(raw, position)
        if entry is None:
            unreadable += 1
            continue
        # What a damaged line held is known by the number that is missing.
        found.damaged += max(0, entry.number - number - 1)
        number, unreadable = entry.number, 0
        found.offset = position
        found.entries.append(entry)
    if not at_end:
        found.offset = position
    elif complete:
        found.offset = position + len(torn)
        found.damaged += unreadable + bool(torn)
    return found


def _parsed(raw: bytes, end: int) -> Entry | None:
    checksum, _, data = raw.partition(b" ")
    number, _, text = data.partition(b" ")
    try:
        if int(checksum, 16) != crc32(data):
            return None
        kind, body = json.loads(text)
        return Entry(int(number), str(kind), body, end)
    except (ValueError, TypeError):
        return None


def head(path: Path) -> dict[str, Any] | None:
    """Return what a file begins with: the run it belongs to; None when it is damaged."""
    with suppress(OSError), path.open("rb") as file:
        entry = _parsed(file.readline().rstrip(b"\n"), 0)
        if entry is not None and entry.kind in (OPEN, JOIN):
            return dict(entry.body) | {"kind": entry.kind}
    return None


# -- the folder ----------------------------------------------------------------------------------


def folder(project: Project) -> Path:
    """Return where the journal of a project is; it need not be there."""
    return _folder(project.root)


@lru_cache(maxsize=64)
def _folder(root: Path) -> Path:
    return root / STATE / "local" / "journal"


def files(project: Project) -> list[Path]:
    """Return the files that hold something undelivered or are being written, oldest first."""
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder(project)) as found:
        return sorted(Path(item.path) for item in found if _has_records(item))
    return []


def _has_records(item: os.DirEntry[str]) -> bool:
    """Tell whether a file is a run's: one that is empty waits for a run."""
    with suppress(FileNotFoundError):
        return item.name.endswith(".log") and item.stat().st_size > 0
    return False


def waiting(project: Project) -> int:
    """Return how many ended runs wait for delivery."""
    from mlnb.tracking import writing

    writing.finish()
    return len({run_of(path) for path in files(project) if not is_open(path)})


def undelivered(project: Project) -> tuple[int, int]:
    """Return how many runs have something that the store lacks, and how many records that is."""
    runs, records = set(), 0
    for path in files(project):
        with suppress(OSError), path.open("rb") as file:
            file.seek(state(path).offset)
            count = sum(part.count(b"\n") for part in iter(lambda: file.read(_CHUNK), b""))
            records += count
            if count or not is_open(path):
                runs.add(run_of(path))
    return len(runs), records


def run_of(path: Path) -> str:
    """Return the id of the run that a file belongs to."""
    return path.stem.split("-", 2)[1]


def size(path: Path) -> int:
    """Return a file's size; 0 when it is gone."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def is_open(path: Path) -> bool:
    """Tell whether a process has a file open for writing."""
    with alone(path) as free:
        return not free


@contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Hold a file's lock, if nobody else does; says whether that worked."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)


def content(path: Path, number: str = "") -> Path:
    """Return the folder with the content of a file's artifacts, or of one record's."""
    return path.with_suffix(".files") / number


def state(path: Path) -> State:
    """Return how far a file is delivered."""
    with suppress(OSError, ValueError, TypeError):
        return State(**json.loads(path.with_suffix(".state").read_text(encoding="utf-8")))
    return State()


def keep(path: Path, state: State) -> State:
    """Record how far a file is delivered, and return it."""
    _replace(path.with_suffix(".state"), json.dumps(asdict(state)))
    return state


def mark(path: Path, status: str) -> None:
    """Say how a run ended beside its file: an empty file finds room on a full disk."""
    path.with_suffix(f".{status}").touch()


def marked(path: Path) -> str:
    """Return how a run ended whose file had no room to say so."""
    return next((s for s in STATUSES if path.with_suffix(f".{s}").exists()), "")


def remove(path: Path) -> None:
    """Remove a file that is delivered, with all that belongs to it."""
    path.unlink(missing_ok=True)  # first: what is left without it is of no use to anybody
    for suffix in ("state", *STATUSES):
        path.with_suffix(f".{suffix}").unlink(missing_ok=True)
    remove_content(content(path))


def remove_content(place: Path) -> None:
    """Remove the content of artifacts that are delivered."""
    shutil.rmtree(place, ignore_errors=True)


# -- trouble -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trouble:
    """Why nothing is delivered at present."""

    uri: str
    """Without user and password."""
    reason: str
    since: float


def trouble(project: Project) -> Trouble | None:
    """Return why nothing is delivered at present, if so."""
    place = f"{folder(project)}/trouble.json"
    if stamp(place) is not None:  # mostly it is, and cells ask
        with suppress(OSError, ValueError, TypeError):
            return Trouble(**json.loads(Path(place).read_text(encoding="utf-8")))
    return None


def tell_trouble(project: Project, uri: str, reason: str) -> None:
    """Say that the store does not answer; kernels warn once."""
    before = trouble(project)
    since = before.since if before else time.time()
    with suppress(OSError):
        _replace(folder(project) / "trouble.json", json.dumps(asdict(Trouble(uri, reason, since))))


def end_trouble(project: Project) -> None:
    """Say that the store answers."""
    with suppress(OSError):
        (folder(project) / "trouble.json").unlink(missing_ok=True)


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
