"""Where a notebook comes from and goes to: a disk, a pipe (``-``), or what papermill can reach."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from mlnb.core import redaction
from mlnb.core.errors import LocationUnavailable

PIPE = "-"
_REMOTE = "://"


@dataclass(frozen=True)
class Place:
    """The files of one execution, and what they are called where they are not the user's own."""

    notebook: Path
    output: Path
    title: str = ""
    destination: str = ""


def is_elsewhere(location: str) -> bool:
    """Tell whether a location is not a path on this machine."""
    return location == PIPE or _REMOTE in location


@contextmanager
def placed(source: str, output: str) -> Iterator[Place]:
    """Have a notebook on the disk while it is executed.

    A source elsewhere is read first; an output elsewhere is written once, when the execution has
    ended, well or not. An address with ``://`` is papermill's to read and to write, with the
    library that this takes (``s3://`` needs boto3).

    Parameters
    ----------
    source, output : str
        Paths, ``-`` for a pipe, or addresses with ``://``.

    Raises
    ------
    LocationUnavailable
        If something elsewhere cannot be read or written.
    """
    # Not a TemporaryDirectory: a forked child that runs the cells would remove it when it ends.
    folder = Path(mkdtemp(prefix="mlnb-notebook-"))
    try:
        place = _place(source, output, folder)
        if place.title:
            place.notebook.write_text(read(source), encoding="utf-8")
        try:
            yield place
        finally:
            if place.destination and place.output.is_file():
                _write(place.output.read_text(encoding="utf-8"), output)
    finally:
        rmtree(folder, ignore_errors=True)


def _place(source: str, output: str, folder: Path) -> Place:
    title = destination = ""
    notebook, made = Path(source), Path(output)
    if is_elsewhere(source):
        title = "stdin.ipynb" if source == PIPE else source.rstrip("/").rsplit("/", 1)[-1]
        notebook = folder / f"in-{title}"
    if is_elsewhere(output):
        destination = "stdout" if output == PIPE else redaction.text(output)
        made = folder / "output.ipynb"
    return Place(notebook, made, title, destination)


def read(location: str) -> str:
    """Read a text from a pipe, or from where papermill can read.

    Raises
    ------
    LocationUnavailable
        If it cannot be read.
    """
    if location == PIPE:
        try:
            return sys.stdin.buffer.read().decode("utf-8-sig")
        except ValueError as error:
            raise _unavailable("standard input", error) from error
    from papermill.iorw import papermill_io

    try:
        return str(papermill_io.read(location, []))
    except Exception as error:  # of whichever library reads there
        raise _unavailable(location, error) from error


def _write(text: str, location: str) -> None:
    if location == PIPE:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    from papermill.iorw import papermill_io

    try:
        papermill_io.write(text, location)
    except Exception as error:  # of whichever library writes there
        raise _unavailable(location, error) from error


def _unavailable(location: str, error: Exception) -> LocationUnavailable:
    reason = redaction.text(" ".join(str(error).split()) or type(error).__name__).rstrip(".")
    return LocationUnavailable(redaction.text(location), reason)
