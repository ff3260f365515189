"""What answers for a model on this machine: a plan that was shown to be equal, or the model itself.

``python -m mlnb.serving.engines JOB`` compiles and compares (`mlnb.serving.parity`), for
`mlnb.serving.comparing`.
"""

import json
import logging
import sys
from contextlib import suppress
from pathlib import Path

from mlnb.core.errors import BadInput, UntrustedModel
from mlnb.core.hashing import digest_folder
from mlnb.core.records import Column
from mlnb.serving.casting import Schema
from mlnb.serving.fields import fields_of
from mlnb.serving.package import load_model
from mlnb.serving.parity import engine_in, prepare
from mlnb.serving.scoring import Engine, Scorer

EXAMPLE = "serving_input_example.json"
"""Where MLflow keeps a model's example, as a request."""
_logger = logging.getLogger("mlnb.serving")


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
