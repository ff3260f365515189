"""What a run used of the machine: totals from within, a curve from outside.

The totals are read when the run begins and ends. The curve is sampled by the shipper, which looks
at the process that has the run open: that costs the process nothing. Its metrics have MLflow's
names and are the whole machine's, as MLflow's are; ``system/process_…`` are the process's own.
"""

import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from mlnb.core.project import Project
from mlnb.tracking import journal, unyielding, writing

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]  # its absence is looked at

FIRST_SECONDS = 1.0
"""A run is sampled once it has been open so long, and again every so many seconds …"""
LATER_SECONDS = 10.0
"""… and in this interval (MLflow's own) once it has been open for five minutes."""
_LONG = 300.0
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Usage:
    """What this process has used so far."""

    cpu: float
    """Seconds of all its threads."""
    peak: int
    """Bytes; the most memory it has ever had."""


def used() -> Usage:
    """Return what this process has used so far; some microseconds."""
    if resource is None:
        return Usage(time.process_time(), 0)
    found = resource.getrusage(resource.RUSAGE_SELF)
    peak = found.ru_maxrss if sys.platform == "darwin" else found.ru_maxrss * 1024
    return Usage(found.ru_utime + found.ru_stime, peak)


def tags(before: Usage) -> dict[str, str]:
    """Return what was used since, as tags.

    The system tells the largest memory a process has ever had. If that has grown it is the run's;
    if not, the run stayed below it, and what it has now is what is known.
    """
    now = used()
    peak = now.peak if now.peak > before.peak else _resident()
    found = {"mlnb.cpu_time": f"{now.cpu - before.cpu:.3f}"}
    if peak:
        found["mlnb.memory_peak_mb"] = f"{peak / _MEGABYTE:.0f}"
    return found


def _resident() -> int:
    try:
        return int(unyielding.head(_statm(os.getpid()), 100).split()[1]) * _page_size()
    except (OSError, ValueError, IndexError):
        import psutil

        return int(psutil.Process().memory_info().rss)


@cache
def _page_size() -> int:
    return os.sysconf("SC_PAGE_SIZE")


@lru_cache(maxsize=1)
def _statm(_process: int) -> int:
    """Return a descriptor of what the system says of this process's memory; it stays open."""
    return os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)


@dataclass
class _Sampled:
    """A run that is being looked at."""

    process: Any
    began: float
    due: float
    writer: writing.Writer | None = None
    steps: int = 0


@dataclass
class Sampler:
    """Looks at the processes that have runs open; used by the shipper."""

    project: Project
    _runs: dict[Path, _Sampled] = field(default_factory=dict)
    _ignored: set[Path] = field(default_factory=set)

    def look(self) -> None:
        """Write a sample of each run that is due, into a journal file of its own."""
        if not self.project.settings.capture_resources:
            return
        files = set(journal.files(self.project))
        self._ignored &= files
        now = time.monotonic()
        for path in files - self._ignored - set(self._runs):
            self._begin(path, now)
        for path, sampled in list(self._runs.items()):
            if path not in files or not journal.is_open(path) or journal.state(path).ended:
                self._end(path)
            elif now >= sampled.due:
                self._sample(path, sampled, now)

    def close(self) -> None:
        """Let go of all runs."""
        for path in list(self._runs):
            self._end(path)

    def _begin(self, path: Path, now: float) -> None:
        import psutil

        head = journal.head(path)
        if head is None:
            return
        if head["kind"] != journal.OPEN or not journal.is_open(path):
            self._ignored.add(path)
            return
        try:
            process = psutil.Process(_writer_of(path))
            process.cpu_percent()  # the first answer is of no use, the next are since then
            psutil.cpu_percent()
        except (psutil.Error, ValueError):
            self._ignored.add(path)
            return
        self._runs[path] = _Sampled(process, now, now + FIRST_SECONDS)

    def _sample(self, path: Path, sampled: _Sampled, now: float) -> None:
        import psutil

        try:
            with sampled.process.oneshot():
                values = {
                    "system/process_cpu_percentage": sampled.process.cpu_percent(),
                    "system/process_memory_megabytes": sampled.process.memory_info().rss
                    / _MEGABYTE,
                }
        except psutil.Error:
            self._end(path)
            self._ignored.add(path)
            return
        memory = psutil.virtual_memory()
        values |= {
            "system/cpu_utilization_percentage": psutil.cpu_percent(),
            "system/system_memory_usage_megabytes": memory.used / _MEGABYTE,
            "system/system_memory_usage_percentage": memory.percent,
        }
        moment = int(time.time() * 1000)
        points = [(name, value, moment, sampled.steps) for name, value in values.items()]
        with suppress(OSError):  # the disk is full: there is no curve
            if sampled.writer is None:
                head = journal.head(path) or {}
                body = {key: head[key] for key in ("run", "uri", "name")}
                sampled.writer = writing.Writer(self.project, body["run"], journal.JOIN, body)
                self._ignored.add(sampled.writer.path)
            sampled.writer.append(journal.METRICS, points)
        sampled.steps += 1
        sampled.due = now + (LATER_SECONDS if now - sampled.began > _LONG else FIRST_SECONDS)

    def _end(self, path: Path) -> None:
        writer = self._runs.pop(path).writer
        self._ignored.add(path)
        if writer is not None:
            writer.close()


def _writer_of(path: Path) -> int:
    """Return the process that a journal file is written by, from its name."""
    return int(path.name.rpartition("-")[2].partition(".")[0])
