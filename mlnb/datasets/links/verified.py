"""Hashes of files of this machine, remembered so that an unchanged file is not read again.

A file whose size, times and inode are those it had when it was hashed is taken to be unchanged.
A file that was touched less than `SETTLED` seconds before is hashed anew next time: it may change
again without its time telling.
"""

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from mlnb.core import project
from mlnb.core.hashing import digest_file

SETTLED = 2.0
KEPT = 50_000
"""Files remembered; the longest unused go first."""

Stamp = tuple[int, int, int, int]


def digests(
    files: Iterable[Path], algorithm: Literal["blake3", "md5"] = "blake3"
) -> dict[Path, str]:
    """Return the hash of each file.

    Raises
    ------
    OSError
        If one cannot be read.
    """
    known = _remembered()
    found: dict[Path, str] = {}
    fresh: dict[str, tuple[Stamp, str]] = {}
    missing = []
    for file in files:
        stamp = _stamp(file)
        entry = known.get(f"{algorithm}:{file}")
        if entry is not None and entry[0] == stamp:
            found[file] = entry[1]
            fresh[f"{algorithm}:{file}"] = entry
        else:
            missing.append((file, stamp))
    hashed = digest_file if algorithm == "blake3" else _md5
    with ThreadPoolExecutor(max_workers=4) as pool:  # hashing releases the GIL
        made = pool.map(lambda item: hashed(item[0]), missing)
        for (file, stamp), digest in zip(missing, made, strict=True):
            found[file] = digest
            if time.time() - max(stamp[1], stamp[2]) / 1e9 > SETTLED and _stamp(file) == stamp:
                fresh[f"{algorithm}:{file}"] = (stamp, digest)
    if missing:
        _remember({**{name: known[name] for name in known if name not in fresh}, **fresh})
    return found


def _md5(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, _new_md5).hexdigest()


def _new_md5() -> "hashlib._Hash":
    return hashlib.md5(usedforsecurity=False)  # DVC's choice; it finds damage, not attacks


def _stamp(file: Path) -> Stamp:
    status = file.stat()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _file() -> Path:
    return project.current().local / "hashes.json"


def _remembered() -> dict[str, tuple[Stamp, str]]:
    try:
        data = json.loads(_file().read_text(encoding="utf-8"))
        return {name: (tuple(stamp), digest) for name, (stamp, digest) in data.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # it only saves time


def _remember(entries: dict[str, tuple[Stamp, str]]) -> None:
    kept = dict(list(entries.items())[-KEPT:])
    file = _file()
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".hashes.")
    part = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(kept, stream)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
