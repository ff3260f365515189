"""Copy objects from one store to another: several at once, verified, with progress."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from threading import Condition, Event

from mlnb.core.errors import ObjectCorrupt, ObjectMissing
from mlnb.core.store import ObjectStore
from mlnb.datasets.remotes.records import Action, OnProgress, Progress

_THREADS = 16
_IN_FLIGHT = 256 << 20
"""Bytes that are held in memory at a time; a larger object goes alone."""


def copy(
    source: ObjectStore,
    target: ObjectStore,
    objects: Mapping[str, int],
    *,
    action: Action,
    needed_by: Mapping[str, str],
    lost: list[str] | None = None,
    on_progress: OnProgress | None = None,
) -> None:
    """Copy objects that the target lacks.

    Each is hashed after it was read and before it is written. An exception, and Ctrl-C, stops the
    transfer when the objects that are under way have arrived; they need not be copied again.

    Parameters
    ----------
    source, target : ObjectStore
        From where to where.
    objects : mapping
        Digest → size in bytes.
    action : str
        For the progress.
    needed_by : mapping
        Digest → the version that needs it, for errors.
    lost : list, optional
        Takes the digests of what the source lacks or has damaged; raised when not given.
    on_progress : callable, optional
        Called before the first and after each object.

    Raises
    ------
    ObjectMissing, ObjectCorrupt
        If the source lacks an object or has it damaged.
    StoreUnavailable
        If a store fails.
    """
    if objects:
        _Copying(source, target, objects, action, needed_by, lost, on_progress).run()


@dataclass
class _Copying:
    """A copy that is under way."""

    source: ObjectStore
    target: ObjectStore
    objects: Mapping[str, int]
    action: Action
    needed_by: Mapping[str, str]
    lost: list[str] | None
    on_progress: OnProgress | None
    room: "_Room" = field(default_factory=lambda: _Room(_IN_FLIGHT))
    stopped: Event = field(default_factory=Event)

    def run(self) -> None:
        """Copy everything."""
        started = time.monotonic()
        total = sum(self.objects.values())
        copied = 0
        self._tell(Progress(self.action, "copying", 0, len(self.objects), 0, total))
        threads = min(_THREADS, len(self.objects))
        pool = ThreadPoolExecutor(threads, thread_name_prefix="mlnb-copy")
        try:
            futures = [pool.submit(self._move, *item) for item in self.objects.items()]
            for done, future in enumerate(as_completed(futures), 1):
                copied += future.result()
                seconds = time.monotonic() - started
                counts = (done, len(self.objects), copied, total, seconds)
                self._tell(Progress(self.action, "copying", *counts))
        finally:
            self.stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)

    def _move(self, digest: str, size: int) -> int:
        with self.room.take(size):
            if self.stopped.is_set():
                return 0
            try:
                data = self.source.view(digest, wanted_by=self.needed_by.get(digest, ""))
            except (ObjectMissing, ObjectCorrupt):
                if self.lost is None:
                    raise
                self.lost.append(digest)
            else:
                self.target.replace(digest, data)
            return size

    def _tell(self, progress: Progress) -> None:
        if self.on_progress is not None:
            self.on_progress(progress)


class _Room:
    """A number of bytes that threads share; whoever asks for more than there is gets all of it."""

    def __init__(self, size: int) -> None:
        self._size = self._free = size
        self._changed = Condition()

    def take(self, wanted: int) -> "_Taken":
        """Wait until so much is free."""
        wanted = min(wanted, self._size)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= wanted)
            self._free -= wanted
        return _Taken(self, wanted)

    def give_back(self, taken: int) -> None:
        """Let others have it."""
        with self._changed:
            self._free += taken
            self._changed.notify_all()


class _Taken:
    def __init__(self, room: _Room, size: int) -> None:
        self._room, self._size = room, size

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_error: object) -> None:
        self._room.give_back(self._size)
