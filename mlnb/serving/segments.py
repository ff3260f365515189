"""Which files of a prediction log nobody writes to any more."""

import contextlib
import fcntl
from pathlib import Path

from mlnb.core.records import now
from mlnb.serving.prediction_log import SEGMENT_BYTES, SUFFIX, worker_of

SETTLED = 60.0
"""Seconds after which a small segment that nobody wrote to is compacted with others."""


def closed_segments(folder: Path) -> list[str]:
    """Return segments that nobody writes to any more, if that is worth it."""
    files = sorted(folder.glob(f"*{SUFFIX}"))
    newest = {worker_of(file): file for file in files}
    moment = now().timestamp() - SETTLED
    sizes = {}
    for file in files:
        with contextlib.suppress(FileNotFoundError):
            facts = file.stat()
            open_still = newest[worker_of(file)] == file and _is_open(file)
            if not open_still and facts.st_mtime < moment:
                sizes[str(file)] = facts.st_size
    worth = len(sizes) >= 8 or sum(sizes.values()) >= SEGMENT_BYTES // 8
    return sorted(sizes) if worth else []


def _is_open(file: Path) -> bool:
    """Tell whether a worker still holds a segment; it has locked it then."""
    with file.open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
