"""Where a run's records go: its file of the journal, or another after a fork or the run's end.

A file stays open until all parts of its run are done: the user's own, and what is recorded later,
when no cell waits. A disk that refuses is said once; what is logged then is not kept.
"""

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from mlnb.core.project import Project
from mlnb.core.urls import without_secrets
from mlnb.tracking import background, journal, writing

_logger = logging.getLogger("mlnb.tracking")
_shown_uri = lru_cache(maxsize=8)(without_secrets)


class RunFile:
    """What one process writes of a run; nothing here raises because of the disk.

    Parameters
    ----------
    project : Project
        Whose journal it is.
    run, name : str
        The run's id and name.
    """

    def __init__(self, project: Project, run: str, name: str) -> None:
        self._project = project
        self._run = run
        self._name = name
        self._process = os.getpid()
        self._writer: writing.Writer | None = None
        self._lost = False
        self._warned = False
        self._parts = 1  # the user's, and each that is done later: the file is closed after all
        self._lock = Lock()

    @property
    def path(self) -> Path | None:
        """Return the file that was written last; None if there is none."""
        return self._writer.path if self._writer is not None else None

    @property
    def lost(self) -> bool:
        """Tell whether the disk has refused something."""
        return self._lost or self._writer is None

    @property
    def is_own(self) -> bool:
        """Tell whether this process opened the run; a fork writes to it, and does not end it."""
        return os.getpid() == self._process

    def open(self, kind: str, body: Mapping[str, Any], *more: tuple[str, Any]) -> None:
        """Begin the file with a record of a kind, and others."""
        try:
            self._writer = writing.Writer(
                self._project, self._run, kind, {**self._address(), **body}, *more
            )
        except OSError as error:
            self._lose(error)

    def append(self, *records: tuple[str, Any]) -> bool:
        """Write records, each of a kind and a body; says whether the disk took them."""
        return self._write(lambda writer: writer.append_all(records))

    def points(self, values: Iterable[tuple[str, float, int, int]]) -> None:
        """Write points of metrics: name, value, time in milliseconds, step."""
        text = journal.points(values)
        writer = self._writer
        if writer is not None and not writer.closed:  # a forked process's is
            try:
                writer.write(text)
            except OSError as error:
                self._lose(error)
        else:
            self._write(lambda writer: writer.write(text))

    def attach(self, files: Mapping[str, bytes | Path]) -> None:
        """Write files by their path in the run's artifacts."""
        self._write(lambda writer: writer.attach(files))

    def end(self, status: str, *records: tuple[str, Any]) -> None:
        """Write the run's last records; without room for them at least how it ended."""
        if not self.append(*records) and self._writer is not None:
            with suppress(OSError):
                journal.mark(self._writer.path, status)
        self._part_done()

    def leave(self) -> None:
        """Stop writing in a forked process."""
        if self._writer is not None:
            self._writer.close()

    def later(self, job: background.Job) -> None:
        """Have something done soon that writes to this file."""
        with self._lock:
            self._parts += 1

        def done(looked: int) -> None:
            try:
                job(looked)
            finally:
                self._part_done()

        background.add(done)

    def warn_of_trouble(self) -> None:
        """Say, once, that the store does not answer."""
        trouble = None if self._warned else journal.trouble(self._project)
        if trouble is not None and self._writer is not None:
            self._warned = True
            place = self._project.relative(journal.folder(self._project))
            _logger.warning(
                "mlnb: %s Run %r is kept in %s and delivered when the store answers again.",
                trouble.reason,
                self._name,
                place,
            )

    def _part_done(self) -> None:
        with self._lock:
            self._parts -= 1
            last = self._parts == 0
        if last and self._writer is not None:
            self._writer.close()

    def _write(self, write: Callable[[writing.Writer], None]) -> bool:
        writer = self._writer
        if writer is None:
            return False
        try:
            if writer.pid == os.getpid() and not writer.closed:
                write(writer)
                return True
            writer = self._join()
            write(writer)
            if self.is_own:  # the run has ended: nobody will close the file
                writer.close()
        except OSError as error:
            self._lose(error)
            return False
        return True

    def _join(self) -> writing.Writer:
        """Go on in another file: the first is a parent process's, or closed."""
        if not self.is_own:
            self._lock = Lock()  # another thread of the parent may have held it
        body = {**self._address(), "name": self._name}
        self._writer = writing.Writer(self._project, self._run, journal.JOIN, body)
        return self._writer

    def _address(self) -> dict[str, str]:
        return {"run": self._run, "uri": _shown_uri(self._project.settings.tracking_uri)}

    def _lose(self, error: OSError) -> None:
        """Say once that the journal cannot be written; each later record is tried again."""
        if not self._lost:
            self._lost = True
            _logger.warning(
                "mlnb: run %r is not recorded from here on: the journal cannot be written: %s",
                self._name,
                error.strerror or error,
            )
