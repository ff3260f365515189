"""A store on a server (S3, Google Cloud, Azure) or in memory, through obstore.

Credentials and endpoints come from the environment, as each provider names them.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import from_url

from mlnb.core.backends import BytesLike, entry_name, entry_number
from mlnb.core.urls import without_secrets

_WAIT = timedelta(seconds=20)
"""After this long a request that keeps failing is given up."""
_PART = 8 << 20
"""Larger files are sent in parts of this size."""
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist")
"""What S3, Azure and Google answer then; it must not be taken for an object that is missing."""
_CREDENTIAL_HOSTS = ("169.254.169.254", "metadata.google.internal")
"""Where cloud machines find their credentials; asked when the environment has none."""


class Remote:
    """The files below a URL.

    Parameters
    ----------
    url : str
        ``s3://bucket/prefix``, ``gs://…``, ``az://…`` or ``memory://``.
    """

    parallel = 32

    def __init__(self, url: str) -> None:
        self._in_memory = url.startswith("memory:")
        with _failures():
            self._store: Any = from_url(url, **({} if self._in_memory else _patience()))

    def read(self, key: str) -> bytes:
        """Return a file's bytes."""
        return bytes(self.view(key))

    def view(self, key: str) -> memoryview:
        """Return a file's bytes as they were received."""
        with _failures():
            return memoryview(obstore.get(self._store, key).bytes())

    def ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[memoryview]:
        """Return pieces of a file; near ones are fetched at once."""
        asked = [(start, end) for start, end in ranges if end > start]
        found: Sequence[Any]
        try:
            with _failures():
                found = obstore.get_ranges(
                    self._store, key, starts=[s for s, _ in asked], ends=[e for _, e in asked]
                )
        except OSError:
            if self.size(key) >= max(end for _start, end in asked):
                raise
            found = [b""] * len(asked)  # servers refuse what lies beyond the end
        pieces = iter(found)
        return [memoryview(next(pieces) if end > start else b"") for start, end in ranges]

    def size(self, key: str) -> int:
        """Return a file's size in bytes."""
        with _failures():
            return int(obstore.head(self._store, key)["size"])

    def look(self, key: str) -> tuple[int, float]:
        """Return a file's size and when it was changed."""
        with _failures():
            found = obstore.head(self._store, key)
        return int(found["size"]), self._changed(found)

    def copy(self, key: str, to: str) -> None:
        """Let the server copy a file."""
        with _failures():
            obstore.copy(self._store, key, to)

    def write(self, key: str, data: memoryview | Path) -> None:
        """Write a file, in place of one that is there."""
        with _failures():
            obstore.put(self._store, key, data, chunk_size=_PART)

    def create(self, key: str, data: BytesLike) -> bool:
        """Write a file unless there is one; tell whether it was written."""
        with _failures():
            try:
                obstore.put(self._store, key, data, mode="create", use_multipart=False)
            except (AlreadyExistsError, FileExistsError):
                return False
        return True

    def delete(self, key: str) -> None:
        """Remove a file; none is no error."""
        with _failures():
            try:
                obstore.delete(self._store, key)
            except FileNotFoundError:
                return

    def names(self, folder: str) -> list[str]:
        """Return the names of the files right below a folder."""
        with _failures():
            found = obstore.list_with_delimiter(self._store, folder)
        return [item["path"].rsplit("/", 1)[-1] for item in found["objects"]]

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders right below a folder."""
        with _failures():
            found = obstore.list_with_delimiter(self._store, folder)
        return [path.rsplit("/", 1)[-1] for path in found["common_prefixes"]]

    def numbers(self, folder: str, known: int) -> list[int]:
        """Return the numbers of a log's entries from ``known`` on, sorted."""
        if not known:
            return sorted(filter(None, map(entry_number, self.names(folder))))
        before = f"{folder}/{entry_name(known - 1)}"
        depth = before.count("/")
        with _failures():
            pages = obstore.list(self._store, folder, offset=before, chunk_size=1000)
            paths = [item["path"] for page in pages for item in page]
        names = (path.rsplit("/", 1)[-1] for path in paths if path.count("/") - depth == 0)
        numbers = sorted(filter(None, map(entry_number, names)))
        return numbers if numbers[:1] == [known] else []

    def walk(self, folder: str) -> Iterator[tuple[str, int, float]]:
        """Yield name, size and time of change of all files below a folder."""
        with _failures():
            for page in obstore.list(self._store, folder, chunk_size=1000):
                for item in page:
                    name = item["path"].rsplit("/", 1)[-1]
                    yield name, int(item["size"]), self._changed(item)

    def _changed(self, found: Any) -> float:
        """Return a time of change; servers list the fraction of its second, but do not head it."""
        time = float(found["last_modified"].timestamp())
        return time if self._in_memory else float(int(time))

    def path(self, key: str) -> Path | None:
        """Return None: the file is elsewhere."""
        return None

    def sweep(self, older_than: float) -> int:
        """Remove nothing: the server shows no part of a file that was not sent whole."""
        return 0


def _patience() -> dict[str, Any]:
    """Return how long to wait, and whether the endpoint that was named is plain HTTP."""
    client: dict[str, Any] = {
        "connect_timeout": timedelta(seconds=5),
        "read_timeout": timedelta(seconds=20),
        "timeout": timedelta(minutes=10),  # a large object on a slow line
    }
    endpoints = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    if any(os.environ.get(name, "").startswith("http://") for name in endpoints):
        client["allow_http"] = True
    return {
        "client_options": client,
        "retry_config": {"max_retries": 5, "retry_timeout": _WAIT},
    }


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        if any(code in str(error) for code in _NO_BUCKET):
            raise OSError(_explained(str(error))) from error
        raise
    except (BaseError, ValueError) as error:
        if type(error).__name__ == "NotFoundError":  # obstore before 0.10
            raise FileNotFoundError(*error.args) from error
        raise OSError(_explained(str(error).strip() or type(error).__name__)) from error


def _explained(text: str) -> str:
    """Return in a few words what a request died of; obstore tells the whole exchange."""
    if any(code in text for code in _NO_BUCKET):
        return "there is no such bucket"
    if "Unable to recognise URL" in text:
        return "it is no folder, s3://…, gs://… or az://…"
    if any(host in text for host in _CREDENTIAL_HOSTS):
        return "there are no credentials for it in the environment"
    host = re.search(r"https?://[^/\s]+", text)
    server = f"the server {without_secrets(host[0])}" if host else "the server"
    if answer := re.search(r"status code: (\d+ [A-Z][A-Za-z ]+)", text):
        said = re.search(r"<Message>(.*?)</Message>", text, re.DOTALL)
        return f"{server} answers {answer[1]}" + (f": {said[1]}" if said else "")
    if "error sending request" in text or "HTTP error" in text:
        took = re.search(r" in ([\d.]+m?s)", text)
        return f"{server} does not answer" + (f" (tried for {_seconds(took[1])})" if took else "")
    return text.splitlines()[0]


def _seconds(took: str) -> str:
    milliseconds = took.endswith("ms")
    return f"{float(took.rstrip('ms')) / (1000 if milliseconds else 1):.1f} s"
