"""The object store: content-addressed objects and append-only logs, on any URL.

Layout under the store's root::

    objects/3f/3f9a…           bytes under their own hash, written once
    renewed/3f9a…/             further files of an old object that was stored again
    logs/<log>/00000007.json   entry 7 of a log, written with a create-only put
    parts/                     in a folder: files that are being written

A log entry is the only kind of reference. Two writers can never both write entry 7: the loser
takes 8. Objects are written before the entry that names them, so a crash at any point leaves
every existing entry whole, and at worst some objects that no entry names.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from mlnb.core.backends import Backend, entry_name
from mlnb.core.backends.folder import Folder
from mlnb.core.errors import UnreadableRecord
from mlnb.core.objects import Objects, StoredObject

__all__ = ["Entry", "ObjectStore", "StoredObject"]


@dataclass(frozen=True)
class Entry:
    """One entry of a log."""

    number: int
    """Counts from 1."""
    data: dict[str, Any]


class ObjectStore(Objects):
    """Objects under their hash, and logs of numbered entries.

    Owns nothing but its connection; safe to use from several threads and processes at once.
    Every failure of the disk or server is raised as `StoreUnavailable`.

    Parameters
    ----------
    url : str
        A folder (absolute path or ``file://``), ``s3://``, ``gs://``, ``az://`` or ``memory://``.
        A folder that is not there is an empty store, and made by the first write.
    before_first : callable, optional
        Called before the folder is made.
    durable : bool
        Whether writes to a folder wait for the disk; a server's answer means that it has it.
    """

    def __init__(
        self,
        url: str,
        *,
        before_first: Callable[[], object] | None = None,
        durable: bool = False,
    ) -> None:
        self.url = url
        self._known: dict[str, int] = {}  # log → a number it has; a hint where to look next
        folder = _local_folder(url)
        with self._failures():
            if folder is not None:
                self._backend: Backend = Folder(folder, before_first, durable=durable)
            else:
                from mlnb.core.backends.remote import Remote  # obstore takes a while to import

                self._backend = Remote(url)

    @property
    def is_local(self) -> bool:
        """Tell whether the store is a folder."""
        return isinstance(self._backend, Folder)

    def probe(self) -> None:
        """Write, read and remove a small file, so that what is wrong shows now.

        Raises
        ------
        StoreUnavailable
            If the place cannot be written to.
        """
        key = f"probes/{uuid4().hex}"
        with self._failures():
            self._backend.write(key, memoryview(b"probe"))
            self._backend.read(key)
            self._backend.delete(key)

    # -- logs ------------------------------------------------------------------------------------

    def append(self, log: str, make: Callable[[int], Mapping[str, Any]]) -> Entry:
        """Append an entry to a log.

        Parameters
        ----------
        log : str
            Slash-separated name, such as ``datasets/flights``.
        make : callable
            Gives the entry's JSON object for the number it will have. It is called again with
            the next number when another writer was first.
        """
        number = self.last_number(log) + 1
        while True:
            data = dict(make(number))
            if self.create(log, Entry(number, data)):
                return Entry(number, data)
            number += 1

    def create(self, log: str, entry: Entry) -> bool:
        """Write an entry under its own number; tell whether that was free.

        For copies of a log: the entries before it have to be there.
        """
        body = _body(entry)
        with self._failures():
            made = self._backend.create(_entry_key(log, entry.number), body)
        if made:
            self._known[log] = entry.number
        return made

    def mend(self, log: str, entry: Entry) -> None:
        """Write an entry in the place of one that cannot be read.

        Only with what a copy of the log has under this number: an entry never changes.
        """
        with self._failures():
            self._backend.write(_entry_key(log, entry.number), memoryview(_body(entry)))

    def entry(self, log: str, number: int) -> Entry | None:
        """Return one entry, or None when there is none of this number."""
        with self._failures():
            try:
                body = self._backend.read(_entry_key(log, number))
            except FileNotFoundError:
                return None
        try:
            data = json.loads(body)
        except ValueError as error:
            raise UnreadableRecord(f"entry {log}/{number}", str(error)) from None
        if not isinstance(data, dict):
            raise UnreadableRecord(f"entry {log}/{number}", "it is no JSON object")
        return Entry(number, data)

    def remove_log(self, log: str) -> None:
        """Remove a log's entries: only where each stands for itself, as in a cache."""
        with self._failures():
            for number in reversed(self._backend.numbers(_log_key(log), 0)):
                self._backend.delete(_entry_key(log, number))
        self._known.pop(log, None)

    def entries(
        self,
        log: str,
        *,
        numbers: Iterable[int] | None = None,
        damaged: dict[int, UnreadableRecord] | None = None,
    ) -> Iterator[Entry]:
        """Yield a log's entries, oldest first.

        Parameters
        ----------
        log : str
            Its name.
        numbers : iterable of int, optional
            Only these; one that is not there is left out.
        damaged : dict, optional
            Takes the errors of entries that cannot be read, by number; raised when not given.
        """

        def read(number: int) -> Entry | None:
            try:
                return self.entry(log, number)
            except UnreadableRecord as error:
                if damaged is None:
                    raise
                damaged[number] = error
                return None

        chosen = self.numbers(log) if numbers is None else numbers
        if self._backend.parallel > 1:
            yield from filter(None, self._each(read, chosen))
        else:
            yield from filter(None, map(read, chosen))

    def numbers(self, log: str) -> list[int]:
        """Return the numbers of a log's entries, sorted; reads none."""
        with self._failures():
            return self._backend.numbers(_log_key(log), 0)

    def last(self, log: str) -> Entry | None:
        """Return a log's newest entry, or None when the log is empty."""
        number = self.last_number(log)
        return self.entry(log, number) if number else None

    def logs(self, prefix: str) -> list[str]:
        """Return the names of the logs (and folders of logs) right below a prefix."""
        with self._failures():
            return sorted(self._backend.folders(_log_key(prefix)))

    def all_logs(self, prefix: str = "") -> Iterator[str]:
        """Yield the name of every log below a prefix, and of every folder of logs."""
        for child in self.logs(prefix):
            log = f"{prefix}/{child}" if prefix else child
            yield log
            yield from self.all_logs(log)

    def last_number(self, log: str) -> int:
        """Return the newest entry's number, 0 for an empty log.

        Only what is newer than the last look is listed.
        """
        with self._failures():
            known = self._known.get(log, 0)
            numbers = self._backend.numbers(_log_key(log), known)
            if known and not numbers:  # the log was removed since
                numbers = self._backend.numbers(_log_key(log), 0)
        last = numbers[-1] if numbers else 0
        self._known[log] = last
        return last


def _body(entry: Entry) -> bytes:
    return json.dumps(entry.data, ensure_ascii=False, allow_nan=False).encode()


def _log_key(log: str) -> str:
    return f"logs/{log}"


def _entry_key(log: str, number: int) -> str:
    return f"logs/{log}/{entry_name(number)}"


def _local_folder(url: str) -> Path | None:
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return None if "://" in url else Path(url)
