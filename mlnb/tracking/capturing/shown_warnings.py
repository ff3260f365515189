"""Warnings that are shown while a run is open: noted, and shown as ever.

Python shows a warning through `warnings.showwarning`; a function there notes it and passes it on.
What a filter hides, and what ``warnings.catch_warnings(record=True)`` takes, is not shown and so
not noted.
"""

import sys
import warnings
from collections import Counter
from pathlib import Path
from threading import Lock
from typing import Any, TextIO

MOST = 200
"""So many different warnings of a run are told apart; the rest is counted."""
_LONGEST = 2000


class Watch:
    """Notes the warnings of one run."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str, str, int]] = Counter()
        """How often each was shown: kind, message, file, line."""
        self.others = 0

    def note(self, message: Warning | str, category: type[Warning], file: str, line: int) -> None:
        """Count a warning."""
        key = (category.__name__, str(message)[:_LONGEST], file, line)
        if key in self.counts or len(self.counts) < MOST:
            self.counts[key] += 1
        else:
            self.others += 1

    @property
    def total(self) -> int:
        """Return how many were shown."""
        return sum(self.counts.values()) + self.others

    def text(self, root: Path) -> str:
        """Return the warnings, each once, the most frequent first.

        Parameters
        ----------
        root : Path
            Of the project; files below it are named from there, others by their package.
        """
        lines = [
            f"{count} × {kind}: {message}\n    {_place(file, line, root)}\n"
            for (kind, message, file, line), count in self.counts.most_common()
        ]
        if self.others:
            lines.append(f"{self.others} × others\n")
        return "".join(lines)


_lock = Lock()
_watches: list[Watch] = []
_original: Any = None


def begin() -> Watch:
    """Begin to note the warnings that are shown."""
    global _original
    watch = Watch()
    with _lock:
        if warnings.showwarning is not _noting:
            _original = warnings.showwarning
            warnings.showwarning = _noting
        _watches.append(watch)
    return watch


def end(watch: Watch) -> None:
    """End noting; what was there before is there again, unless somebody else has come between."""
    with _lock:
        if watch in _watches:
            _watches.remove(watch)
        if not _watches and warnings.showwarning is _noting:
            warnings.showwarning = _original


def _noting(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    for watch in _watches[-1:]:  # the innermost run's
        watch.note(message, category, filename, lineno)
    if _original is not None:
        _original(message, category, filename, lineno, file, line)


def _place(file: str, line: int, root: Path) -> str:
    """Return where a warning arose, without a path of this machine."""
    path = Path(file)
    if "ipykernel" in file or file.startswith("<"):
        return f"cell, line {line}"
    for folder in sorted(filter(None, {*sys.path, str(root)}), key=len, reverse=True):
        if path.is_relative_to(folder):
            return f"{path.relative_to(folder).as_posix()}, line {line}"
    return f"{path.name}, line {line}"
