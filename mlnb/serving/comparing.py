"""What was found out about a model's plan: who may answer in its place, and why.

A version is compared once on a machine, in a process of its own with the packages the model was
made with (`mlnb.serving.engines`); the outcome is kept by the model's digest.
"""

import json
import logging
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlnb.core import project
from mlnb.core.hashing import digest_json
from mlnb.core.records import Record
from mlnb.serving.package import Package

REPORT = "parity.json"
GENERATION = 1
"""Raised when plans are made or compared in another way: those that are kept are made anew."""
LONGEST = 120.0
"""Seconds that comparing may take."""
_logger = logging.getLogger("mlnb.serving")


@dataclass(frozen=True, kw_only=True)
class Parity(Record):
    """What answers for a model, and what was compared to decide it."""

    format: int = 1
    engine: str
    """``onnx`` (numpy and onnxruntime), ``numpy``, or ``scikit-learn``: the model itself."""
    reason: str
    """Why the original, or what was shown to be equal."""
    recorded: int = 0
    """Recorded rows that were compared."""
    edges: int = 0
    """Edge cases that were compared."""
    refused: int = 0
    """Of both, how many the original refuses; so does the plan."""
    difference: float = 0.0
    """The largest between two scores."""
    versions: dict[str, str] = field(default_factory=dict)
    """Of the libraries that were compared."""

    @property
    def words(self) -> str:
        """Return all of this in words."""
        if not self.recorded:
            return self.reason
        libraries = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        return (
            f"{self.reason} on {self.recorded} recorded rows and {self.edges} edge cases "
            f"({self.refused} refused by both), scores to {self.difference:.1g}; {libraries}"
        )


def report_in(folder: Path) -> Parity:
    """Return the report in a folder."""
    return Parity.from_dict(json.loads((folder / REPORT).read_bytes()))


def prepared(package: Package) -> Path:
    """Return the folder with a package's engine; compares first, if nobody has yet."""
    job = _job(package)
    folder = _folder(job)
    if not (folder / REPORT).is_file():
        _compare(folder, job, str(package.python()))
    return folder


def known(package: Package) -> Parity | None:
    """Return what was compared for a package on this machine, if anything was."""
    folder = _folder(_job(package))
    return _outcome(folder) if (folder / REPORT).is_file() else None


def _job(package: Package) -> dict[str, Any]:
    return {
        "model": package.version.ref,
        "digest": package.version.digest,
        "files": str(package.files),
        "trusted": package.trusted,
        "columns": [column.to_dict() for column in package.columns],
        "generation": GENERATION,
    }


def _folder(job: dict[str, Any]) -> Path:
    key = digest_json({name: job[name] for name in ("digest", "columns", "generation")})
    return project.current().local / "engines" / key[:32]


def _compare(folder: Path, job: dict[str, Any], python: str) -> None:
    command = [python, "-m", "mlnb.serving.engines", json.dumps({**job, "folder": str(folder)})]
    try:
        done = subprocess.run(  # noqa: S603  (our own module)
            command, capture_output=True, text=True, timeout=LONGEST, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        _logger.warning("%s was not compared: %s", job["model"], error)
    else:
        if done.returncode:
            last = (done.stderr.strip() or "no message").splitlines()[-1]
            _logger.warning("%s was not compared: %s", job["model"], last)


def _outcome(folder: Path) -> Parity:
    """Return what was compared; says so if nothing could be."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        return report_in(folder)
    return Parity(engine="scikit-learn", reason="it could not be compared")
