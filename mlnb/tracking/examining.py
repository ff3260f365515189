"""What skops finds in a model's file, kept by the file's content: to import skops takes seconds.

Only what is looked at before loading is kept. On loading skops looks again, with the types that
are allowed.
"""

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mlnb.core import project as projects
from mlnb.core.errors import MlnbError
from mlnb.core.extras import require
from mlnb.core.hashing import digest_file, digest_json
from mlnb.core.records import Record

_JUDGES = ("skops", "numpy", "scipy", "scikit-learn")
"""Packages whose versions decide what is found."""


@dataclass(frozen=True, kw_only=True)
class Examined(Record):
    """What was found in a file."""

    types: list[str]
    """Those that skops asks about."""
    damage: str = ""
    """Why it cannot be read."""


def examined(file: Path) -> Examined:
    """Return what is in a ``.skops`` file; nothing of it is loaded.

    Raises
    ------
    MissingExtra
        If skops is not installed.
    """
    try:
        folder = projects.current().local / "examined"
    except MlnbError:  # a process that serves need not stand in a project that can be read
        return _examined(file)
    kept = folder / f"{digest_json([digest_file(file), *map(_version, _JUDGES)])}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        return Examined.from_dict(json.loads(kept.read_text(encoding="utf-8")))
    found = _examined(file)
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        draft = kept.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(found.to_dict()), encoding="utf-8")
        draft.replace(kept)
    return found


def _examined(file: Path) -> Examined:
    skops = require("skops.io", "serving")
    try:
        return Examined(types=list(skops.get_untrusted_types(file=file)))
    except Exception as error:  # whatever a damaged or hostile archive makes the reader raise
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        return Examined(types=[], damage=said[:200].rstrip("."))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
