"""Copy objects from one store to another: several at once, verified, with progress."""

import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
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
    if not objects:
        return
    room, stopped = _Room(_IN_FLIGHT), Event()
    started = time.monotonic()
    done = copied = 0

    def tell() -> None:
        if on_progress is not None:
            seconds = time.monotonic() - started
            total = sum(objects.values())
            on_progress(Progress(action, "copying", done, len(objects), copied, total, seconds))

    def move(digest: str, size: int) -> int:
        with room.take(size):
            if not stopped.is_set():
                try:
                    data = source.view(digest, wanted_by=needed_by.get(digest, ""))
                except (ObjectMissing, ObjectCorrupt):
                    if lost is None:
                        raise
                    lost.append(digest)
                else:
                    target.replace(digest, data)
            return size

    tell()
    pool = ThreadPoolExecutor(min(_THREADS, len(objects)), thread_name_prefix="mlnb-copy")
    try:
        futures: list[Future[int]] = [
            pool.submit(move, digest, size) for digest, size in objects.items()
        ]
        for future in as_completed(futures):
            copied += future.result()
            done += 1
            tell()
    finally:
        stopped.set()
        pool.shutdown(wait=True, cancel_futures=True)


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
