"""Where jobs are kept: ``.mlnb/local/jobs/<id>/``, readable by every server on this machine."""

import json
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mlnb.core.errors import UnknownName
from mlnb.core.project import STATE, Project
from mlnb.core.records import Status, now
from mlnb.pipelines.progress import Driver, has_vanished
from mlnb.ui.server.jobs.records import Job

KEPT = 50
"""Jobs that are kept; the oldest that have ended go first."""
STARTING = 30.0
"""Seconds that a job's process has to say that it is there."""
VANISHED = "The job's process has vanished."
INTERRUPTED = 2
_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")
_LAST_WORDS = 16 * 1024


@dataclass(frozen=True)
class Kept:
    """A job's folder."""

    path: Path

    @property
    def id(self) -> str:
        """Return the job's id."""
        return self.path.name

    def body(self, name: str) -> dict[str, Any] | None:
        """Return one of its files; None when it is not there (yet)."""
        try:
            found = json.loads((self.path / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def pieces(self) -> list[tuple[int, Path, int]]:
        """Return the files of output: their first byte, path and size."""
        found = []
        for file in sorted(self.path.glob("output-*.log")):
            with suppress(OSError, ValueError):
                found.append((int(file.stem.rpartition("-")[2]), file, file.stat().st_size))
        return found

    def output(self, after: int, limit: int) -> tuple[str, int, int]:
        """Return output behind a byte, or the end of what would be too much; from, to where."""
        pieces = self.pieces()
        end = pieces[-1][0] + pieces[-1][2] if pieces else 0
        start = max(min(after, end), end - limit, pieces[0][0] if pieces else 0)
        text = b""
        for first, file, size in pieces:
            if first + size > start:
                with suppress(OSError), file.open("rb") as stream:
                    stream.seek(max(0, start - first))
                    text += stream.read(max(0, end - max(first, start)))
        return text.decode("utf-8", "replace"), start, end

    def driver(self) -> Driver | None:
        """Return the process that looks after the job, which ends it when it gets SIGTERM."""
        found = self.body("driver")
        return Driver.from_dict(found) if found else None


def root(project: Project) -> Path:
    """Return the folder of all jobs; it need not exist."""
    return project.root / STATE / "local" / "jobs"


def every(project: Project) -> list[Kept]:
    """Return all jobs, the newest first."""
    with suppress(FileNotFoundError):
        names = [item.name for item in root(project).iterdir() if _ID.fullmatch(item.name)]
        return [Kept(root(project) / name) for name in sorted(names, reverse=True)]
    return []


def find(project: Project, job: str) -> Kept:
    """Return one job.

    Raises
    ------
    UnknownName
        If there is none of that id.
    """
    if not _ID.fullmatch(job) or not (root(project) / job).is_dir():
        raise UnknownName("job", job, [kept.id for kept in every(project)])
    return Kept(root(project) / job)


def read(kept: Kept) -> Job | None:
    """Return what is known of a job; None of a folder that is not whole (yet)."""
    asked = kept.body("job")
    if asked is None:
        return None
    pieces = kept.pieces()
    said = pieces[-1][0] + pieces[-1][2] if pieces else 0
    tail = kept.output(0, _LAST_WORDS)[0] if said else ""
    lines = [line for line in tail.splitlines() if line.strip()]
    status, ended, code, message, fix = _state(kept, asked, tail)
    return Job(
        id=kept.id,
        line=str(asked["line"]),
        status=status,
        started=datetime.fromisoformat(asked["started"]),
        ended=ended,
        code=code,
        message=message,
        fix=fix,
        author=str(asked.get("author", "")),
        said=said,
        last=lines[-1].strip()[:500] if lines else "",
    )


def some(state: Path, names: Iterable[str]) -> list[Job]:
    """Return jobs by their ids; those that are not kept any more are left out."""
    found = (Kept(state / "local" / "jobs" / name) for name in names if _ID.fullmatch(name))
    return [job for kept in found if (job := read(kept)) is not None]


def remove_old(project: Project) -> None:
    """Remove what is beyond the number of jobs that are kept."""
    for kept in every(project)[KEPT:]:
        found = read(kept)
        if found is None or found.status != "RUNNING":
            shutil.rmtree(kept.path, ignore_errors=True)


def _state(
    kept: Kept, asked: dict[str, Any], tail: str
) -> tuple[Status, datetime | None, int | None, str, str]:
    ended = kept.body("ended")
    if ended is None:
        driver, started = kept.driver(), datetime.fromisoformat(asked["started"])
        late = driver is None and (now() - started).total_seconds() > STARTING
        if late or (driver is not None and has_vanished(driver)):
            ended = kept.body("ended")  # it may have ended between the two looks
            if ended is None:
                return "KILLED", None, None, VANISHED, "Start it again."
        else:
            return "RUNNING", None, None, "", ""
    time, code = datetime.fromisoformat(ended["ended"]), int(ended["code"])
    if code == 0:
        return "FINISHED", time, code, "", ""
    message, fix = _error(tail)
    if code < 0 or ended.get("cancelled") or code == INTERRUPTED:
        return "KILLED", time, code, message or "It was cancelled.", fix
    return "FAILED", time, code, message or f"It ended with exit code {code}.", fix


def _error(text: str) -> tuple[str, str]:
    """Return what ``mlnb`` says at last: ``Error: what happened``, then what to do."""
    _before, mark, said = f"\n{text}".rpartition("\nError: ")
    if not mark:
        return "", ""
    message, _, fix = said.strip().partition("\n")
    return message[:2000], fix[:2000].strip()
