"""A store in a folder: of this machine, of a network file system, of a mounted server.

A file is written under ``parts/`` and then renamed to its place (or linked to it, when none may
be there), so that no reader ever sees a part of it and a killed writer leaves only its part.
"""

import errno
import mmap
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from mlnb.core.backends import BytesLike, entry_name, entry_number

_MAPPED = 1 << 20
"""Files from this size on are mapped; below, reading is quicker and keeps no descriptor."""
_SETTLED = 2_000_000_000
"""Nanoseconds after which a change of a folder shows in its time, whatever the file system."""
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)
_PARTS = "parts"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


class Folder:
    """The files of a folder; made by the first write.

    Parameters
    ----------
    root : Path
        Absolute.
    before_first : callable, optional
        Called before the folder is made.
    durable : bool
        Whether a write waits until the disk has it, so that it outlasts a loss of power.
    """

    parallel = 1

    def __init__(
        self,
        root: Path,
        before_first: Callable[[], object] | None = None,
        *,
        durable: bool = False,
    ) -> None:
        self._root = os.fspath(root)
        self._durable = durable
        self._before_first = before_first
        self._listed: dict[str, tuple[int, int]] = {}  # log → its folder's change, last number
        nearest = next(path for path in (root, *root.parents) if path.exists())
        if not nearest.is_dir():
            raise NotADirectoryError(f"{nearest.name} is a file")

    def read(self, key: str) -> bytes:
        """Return a file's bytes."""
        with open(self._at(key), "rb", buffering=0) as file:
            return file.readall()

    def view(self, key: str) -> memoryview:
        """Return a file's bytes, mapped into memory when there are many."""
        with open(self._at(key), "rb", buffering=0) as file:
            return self._mapped(file.fileno()) or memoryview(file.readall())

    def ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[memoryview]:
        """Return pieces of a file."""
        with open(self._at(key), "rb", buffering=0) as file:
            if whole := self._mapped(file.fileno()):
                return [whole[start:end] for start, end in ranges]
            read = memoryview(file.readall())
            return [read[start:end] for start, end in ranges]

    @staticmethod
    def _mapped(descriptor: int) -> memoryview | None:
        if os.fstat(descriptor).st_size < _MAPPED:
            return None
        return memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ))

    def size(self, key: str) -> int:
        """Return a file's size in bytes."""
        return os.stat(self._at(key)).st_size

    def look(self, key: str) -> tuple[int, float]:
        """Return a file's size and when it was changed."""
        facts = os.stat(self._at(key))
        return facts.st_size, facts.st_mtime

    def copy(self, key: str, to: str) -> None:
        """Link a file to a second name, as changed now."""
        target = self._at(to)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.link(self._at(key), target)
        os.utime(target)

    def write(self, key: str, data: memoryview | Path) -> None:
        """Write a file, in place of one that is there."""
        part, target = self._part(data), self._at(key)
        try:
            try:
                os.replace(part, target)
            except FileNotFoundError:
                self._make_folder(os.path.dirname(target))
                os.replace(part, target)
            self._settle(target)
        except BaseException:
            _remove(part)
            raise

    def create(self, key: str, data: BytesLike) -> bool:
        """Write a file unless there is one; tell whether it was written."""
        part, target = self._part(memoryview(data)), self._at(key)
        folder, _, name = key.rpartition("/")
        seen = self._listed.get(folder)
        is_next = seen == (_changed(self._at(folder)), entry_number(name) - 1)
        try:
            try:
                os.link(part, target)
            except FileNotFoundError:
                self._make_folder(os.path.dirname(target))
                os.link(part, target)
            self._settle(target)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno in _NO_LINKS:
                raise OSError(
                    error.errno, "its disk has no hard links, which a log needs"
                ) from None
            raise
        finally:
            _remove(part)
        if is_next:
            self._listed[folder] = (_changed(self._at(folder)), entry_number(name))
        return True

    def delete(self, key: str) -> None:
        """Remove a file; none is no error."""
        _remove(self._at(key))

    def names(self, folder: str) -> list[str]:
        """Return the names of the files right below a folder."""
        try:
            with os.scandir(self._at(folder)) as found:
                return [item.name for item in found if item.is_file()]
        except FileNotFoundError:
            return []

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders right below a folder that hold anything."""
        try:
            with os.scandir(self._at(folder)) as found:
                return [item.name for item in found if item.is_dir()]
        except FileNotFoundError:
            return []

    def numbers(self, folder: str, known: int) -> list[int]:
        """Return the numbers of a log's entries from ``known`` on, sorted."""
        path, first = self._at(folder), entry_name(known)
        changed = _changed(path)
        if self._listed.get(folder) == (changed, known) and not os.path.exists(
            f"{path}/{entry_name(known + 1)}"  # written since, in the same tick of the clock
        ):
            return [known]
        try:
            names = [name for name in os.listdir(path) if name >= first]
        except FileNotFoundError:
            return []
        numbers = sorted(filter(None, map(entry_number, names)))
        if numbers and time.time_ns() - changed > _SETTLED:
            self._listed[folder] = (changed, numbers[-1])
        return numbers if not known or numbers[:1] == [known] else []

    def walk(self, folder: str) -> Iterator[tuple[str, int, float]]:
        """Yield name, size and time of change of all files below a folder."""
        try:
            with os.scandir(self._at(folder)) as found:
                items = list(found)
        except FileNotFoundError:
            return
        for item in items:
            if item.is_dir():
                yield from self.walk(f"{folder}/{item.name}")
            else:
                with suppress(FileNotFoundError):  # removed by another process
                    facts = item.stat()
                    yield item.name, facts.st_size, facts.st_mtime

    def path(self, key: str) -> Path | None:
        """Return where a file is."""
        return Path(self._at(key))

    def sweep(self, older_than: float) -> int:
        """Remove the parts of killed writers."""
        removed = 0
        for name, size, changed in list(self.walk(_PARTS)):
            if changed < time.time() - older_than:
                _remove(self._at(f"{_PARTS}/{name}"))
                removed += size
        return removed

    def _at(self, key: str) -> str:
        return f"{self._root}/{key}"

    def _part(self, data: memoryview | Path) -> str:
        """Write bytes or a file's content to a new file beside the others and return its path."""
        part = f"{self._root}/{_PARTS}/{secrets.token_hex(12)}"
        try:
            descriptor = os.open(part, _NEW, 0o666)
        except FileNotFoundError:
            self._make()
            descriptor = os.open(part, _NEW, 0o666)
        try:
            with open(descriptor, "wb", buffering=0) as file:
                if isinstance(data, Path):
                    with data.open("rb") as source:
                        shutil.copyfileobj(source, file, 1 << 20)
                else:
                    while len(data):
                        data = data[file.write(data) :]
                if self._durable:
                    os.fsync(descriptor)
        except BaseException:
            _remove(part)
            raise
        return part

    def _settle(self, path: str) -> None:
        """Wait until the disk has the name of a file, when that was asked for."""
        if self._durable:
            _sync_folder(os.path.dirname(path))

    def _make_folder(self, path: str) -> None:
        try:
            os.mkdir(path)
        except FileExistsError:
            return  # made by another writer at the same time
        except FileNotFoundError:
            self._make_folder(os.path.dirname(path))
            self._make_folder(path)
            return
        if self._durable:
            _sync_folder(os.path.dirname(path))

    def _make(self) -> None:
        if self._before_first is not None and not os.path.exists(self._root):
            self._before_first()
        self._make_folder(f"{self._root}/{_PARTS}")


def _changed(folder: str) -> int:
    """Return when a folder was changed last, in nanoseconds; 0 when it is not there."""
    try:
        return os.stat(folder).st_mtime_ns
    except FileNotFoundError:
        return 0


def _sync_folder(path: str) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:  # Windows opens no folder, and keeps names safe by itself
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)
