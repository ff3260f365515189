"""Writing the journal: one ``write`` per record; the disk is told every 20 ms, by a thread.

What a process was told is written outlives that process, however it ends. What was written more
than 20 ms ago (and the time the disk takes) outlives a loss of power.
"""

import atexit
import logging
import os
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, TypeVar
from weakref import WeakSet

from mlnb.core import redaction
from mlnb.core.project import Project
from mlnb.tracking import background, journal, spares, unyielding

SYNC_SECONDS = 0.02
AWAKE_SECONDS = 1.0
"""How long the thread looks for more by itself: to wake it costs a cell more than that."""
REDACTED_BYTES = 32 * 1024 * 1024
"""Files of the user's up to this size are looked through for secrets."""
_logger = logging.getLogger("mlnb.tracking")


class Writer:
    """Appends records to one file; safe to use from several threads, of one process.

    A process that was forked needs a writer of its own: there, this one is closed.

    Raises
    ------
    OSError
        By every method, if the disk refuses; the record is then not written at all.
    """

    def __init__(
        self,
        project: Project,
        run: str,
        kind: str,
        body: Mapping[str, Any],
        *more: tuple[str, Any],
    ) -> None:
        self.pid = os.getpid()
        self._number = 0
        self._blobs = 0
        self._size = 0
        self._dirty = False
        self._lock = Lock()
        self._descriptor, made = spares.file_of(run) or _created(project, run)
        self.path = Path(made)
        try:
            self.append_all([(kind, {"format": journal.FORMAT, **body}), *more])
        except BaseException:
            Path(made).unlink(missing_ok=True)
            self.abandon()
            raise
        _open.add(self)

    @property
    def closed(self) -> bool:
        """Tell whether it was closed, here or by a fork."""
        return self._descriptor < 0

    def append(self, kind: str, body: Any) -> None:
        """Write a record, without the secrets in it."""
        self.write(journal.record(kind, redaction.body(body)), call=unyielding.write)

    def append_all(self, records: Iterable[tuple[str, Any]]) -> None:
        """Write records, each of a kind and a body: all, or none."""
        texts = [journal.record(kind, redaction.body(body)) for kind, body in records]
        if texts:
            self.write(*texts, call=unyielding.write)

    def write(self, *texts: str, call: Callable[[int, bytes], int] = os.write) -> None:
        """Write records that `journal.record` made, by a call like `os.write`, the quickest."""
        with self._lock:
            number = self._number + 1
            data = journal.line(number, texts[0])
            for text in texts[1:]:
                number += 1
                data += journal.line(number, text)
            length = call(self._descriptor, data)
            if length < len(data):
                self._write_rest(data, length)
            self._number = number
            self._size += len(data)
            if not self._dirty:
                self._dirty = True
                _syncer.add(self)

    def _write_rest(self, data: bytes, written: int) -> None:
        """Write again what was not taken: if the disk is full, that is said then."""
        try:
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
        except OSError:
            os.ftruncate(self._descriptor, self._size)
            raise

    def attach(self, files: Mapping[str, bytes | Path], folder: str = "") -> None:
        """Write a record with the content of files (or copies of files and folders) beside it.

        Parameters
        ----------
        files : mapping of str to bytes or Path
            By their path in the run's artifacts (in ``folder``).
        folder : str
            Where they go in the artifacts.
        """
        with self._lock:
            self._blobs += 1
            name = str(self._blobs)
        place = journal.content(self.path, name)
        try:
            for relative, body in files.items():
                _put(place / relative, body)
        except OSError:
            shutil.rmtree(place, ignore_errors=True)
            raise
        _syncer.add_folder(place)
        self.append(journal.FILES, {"content": name, "folder": folder})

    def sync(self) -> None:
        """Wait until the disk has it."""
        with self._lock:
            self._dirty = False
            descriptor = self._descriptor
        if descriptor >= 0:
            with suppress(OSError):
                os.fdatasync(descriptor)

    def close(self) -> None:
        """End writing; the file may be removed once it is delivered."""
        with self._lock:
            descriptor, self._descriptor = self._descriptor, -1
        _open.discard(self)
        if descriptor >= 0:
            _syncer.close(descriptor)

    def abandon(self) -> None:
        """Let go of the file: it is another process's, or was never finished."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            with suppress(OSError):
                os.close(descriptor)


def _created(project: Project, run: str) -> tuple[int, str]:
    folder = str(journal.folder(project))
    try:
        return spares.created(folder, run)
    except FileNotFoundError:  # the project's first run, or somebody removed the folder
        project.local  # noqa: B018  (made on first use)
        Path(folder).mkdir(parents=True, exist_ok=True)
        return spares.created(folder, run)


def _put(target: Path, body: bytes | Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(body, bytes):
        target.write_bytes(redaction.data(body))
    elif body.is_dir():
        shutil.copytree(
            body, target, dirs_exist_ok=True, ignore_dangling_symlinks=True, copy_function=_copy
        )
    else:
        _copy(body, target)


def _copy(origin: str | Path, target: str | Path) -> None:
    """Copy a file, without the secrets in it if it is not a very large one."""
    shutil.copy2(origin, target)
    copy = Path(target)
    if copy.stat().st_size <= REDACTED_BYTES:
        body = copy.read_bytes()
        cleaned = redaction.data(body)
        if cleaned != body:
            copy.write_bytes(cleaned)
            _logger.warning("mlnb: a secret was taken out of what is kept of %r.", copy.name)


class _Syncer:
    """The thread that tells the disk; started by the first record of a process."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._writers: deque[Writer] = deque()
        self._folders: deque[Path] = deque()
        self._closing: deque[int] = deque()
        self._wake = Event()
        self._busy = Lock()
        self._thread: Thread | None = None

    def after_fork(self) -> None:
        """Begin anew in a child: it has no thread, and the files are its parent's."""
        for descriptor in self._closing:
            with suppress(OSError):
                os.close(descriptor)
        self._reset()

    def add(self, writer: Writer) -> None:
        self._writers.append(writer)
        self._start()

    def add_folder(self, folder: Path) -> None:
        self._folders.append(folder)
        self._start()

    def close(self, descriptor: int) -> None:
        self._closing.append(descriptor)
        self._start()

    def work(self) -> None:
        """Tell the disk all that is new, and close what is to be closed."""
        with self._busy:
            for folder in _taken(self._folders):
                _sync_below(folder)
            for writer in _taken(self._writers):
                writer.sync()
            for descriptor in _taken(self._closing):
                with suppress(OSError):
                    os.fdatasync(descriptor)
                with suppress(OSError):
                    os.close(descriptor)
            spares.fill()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = Thread(target=self._run, name="mlnb-journal", daemon=True)
            with suppress(RuntimeError):  # the interpreter is ending: `finish` is called then
                self._thread.start()
        if not self._wake.is_set():
            self._wake.set()

    def _run(self) -> None:
        wake = self._wake
        asleep = 0.0
        while True:
            if time.monotonic() > asleep:
                wake.clear()
                if not self._has_work():  # looked for after clearing: nothing is overlooked
                    wake.wait()
                wake.set()
                asleep = time.monotonic() + AWAKE_SECONDS
            time.sleep(SYNC_SECONDS)
            if self._has_work():
                background.let_a_cell_end()
                asleep = time.monotonic() + AWAKE_SECONDS
                self.work()

    def _has_work(self) -> bool:
        return bool(self._writers or self._folders or self._closing)


_Item = TypeVar("_Item")


def _taken(queue: "deque[_Item]") -> Iterator[_Item]:
    """Take what is in a queue now; others may add to it meanwhile."""
    for _ in range(len(queue)):
        with suppress(IndexError):
            yield queue.popleft()


def _sync_below(folder: Path) -> None:
    for place, _folders, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                descriptor = os.open(Path(place) / name, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    os.fdatasync(descriptor)
                finally:
                    os.close(descriptor)


_syncer = _Syncer()
_open: "WeakSet[Writer]" = WeakSet()


def _forked() -> None:
    """Give up, in a child, what is its parent's: a lock would outlive the parent in it."""
    for writer in list(_open):
        writer.abandon()
    _open.clear()
    _syncer.after_fork()
    spares.after_fork()


os.register_at_fork(after_in_child=_forked)


def finish(seconds: float = 15.0) -> None:
    """Wait until what this process has logged is written and its ended runs' files are closed."""
    background.wait(seconds)
    _syncer.work()


def _at_exit() -> None:
    finish(5.0)
    spares.remove()


atexit.register(_at_exit)
