"""What answers for a model on this machine: a plan that was shown to be equal, or the model itself.

``python -m mlnb.serving.engines JOB`` compiles and compares (`mlnb.serving.parity`) in a process of
its own, with the packages the model was made with; the outcome is kept by the model's digest, so a
version is compared once.
"""

import json
import logging
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlnb.core import project
from mlnb.core.errors import BadInput, UntrustedModel
from mlnb.core.hashing import digest_folder, digest_json
from mlnb.core.records import Column
from mlnb.serving.casting import Schema, fields_of
from mlnb.serving.package import Package, load_model
from mlnb.serving.parity import REPORT, Parity, engine_in, prepare, report_in
from mlnb.serving.scoring import Engine, Scorer

GENERATION = 1
"""Raised when plans are made or compared in another way: those that are kept are made anew."""
LONGEST = 120.0
"""Seconds that comparing may take."""
EXAMPLE = "serving_input_example.json"
"""Where MLflow keeps a model's example, as a request."""
_logger = logging.getLogger("mlnb.serving")


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
    return parity(folder) if (folder / REPORT).is_file() else None


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


def engine(folder: str, files: Path, name: str, digest: str, trusted: list[str]) -> Engine:
    """Return what answers for a model; the folder is empty when only the model itself may.

    Raises
    ------
    UntrustedModel
        If its files have changed, or hold a type that is not trusted.
    """

    def original() -> Scorer:
        return Scorer(load_model(files, name, digest, trusted))

    found = None
    if folder:
        if not files.is_dir() or digest_folder(files) != digest:
            raise UntrustedModel(name, "its files are not those that were deployed")
        try:
            found = engine_in(Path(folder), original)
        except Exception as error:  # the model itself is always right
            _logger.warning("%s answers by scikit-learn: %s", name, error)
    return found if found is not None else original()


def parity(folder: Path) -> Parity:
    """Return what was compared; says so if nothing could be."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        return report_in(folder)
    return Parity(engine="scikit-learn", reason="it could not be compared")


def main() -> None:
    """Compare one model."""
    from mlnb.serving.protocols.mlflow import parse

    job = json.loads(sys.argv[1])
    files = Path(job["files"])
    fields = fields_of([Column.from_dict(column) for column in job["columns"]])
    rows = []
    with suppress(OSError, BadInput):
        batch = parse((files / EXAMPLE).read_bytes(), "application/json", Schema(fields))
        rows = list(zip(*batch.columns, strict=True))
    model = load_model(files, job["model"], job["digest"], job["trusted"])
    prepare(model, fields, rows, Path(job["folder"]))


if __name__ == "__main__":
    main()
