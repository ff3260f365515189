"""What a target gets to serve: a model version's verified files, and all that belongs to them.

A package is the registered version, its signature, its exact packages, the data and the run it
came from, and the digest of its files. What of it is worth keeping is a `Manifest`, whose digest
names exactly this package.
"""

import json
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mlnb.core import project
from mlnb.core.errors import BadInput, GateRefused, UnknownName, UntrustedModel
from mlnb.core.hashing import digest_folder, digest_json
from mlnb.core.records import Column, ModelVersion, Record
from mlnb.core.store import Entry
from mlnb.serving import environments
from mlnb.serving.fields import fields_of

EXAMPLE = "serving_input_example.json"
"""Where MLflow keeps a model's example, as a request."""
_DATATYPES = {
    "bool": "BOOL",
    "boolean": "BOOL",
    "double": "FP64",
    "float": "FP32",
    "float32": "FP32",
    "float64": "FP64",
    "int32": "INT32",
    "int64": "INT64",
    "integer": "INT32",
    "long": "INT64",
}
"""Of the Open Inference Protocol, by MLflow's names."""


@dataclass(frozen=True, kw_only=True)
class Manifest(Record):
    """What a release consists of, as it is recorded."""

    model: str
    """``name@number``."""
    digest: str
    """Of the model's files."""
    inputs: list[Column]
    packages: list[str]
    """``name==version``: what the model was made with."""
    python: str = ""
    """``3.11``: the Python it was made with; ``""`` when nobody wrote it down."""
    data: list[str] = field(default_factory=list)
    """Dataset versions it was trained on."""
    run: str | None = None
    types: list[str] = field(default_factory=list)
    """What it was allowed to be built from, beside what skops trusts by itself."""
    engine: str = ""
    """What answers: ``onnx``, ``numpy``, or ``scikit-learn`` for the model itself."""
    compared: str = ""
    """What showed that it may, or why it may not; see `mlnb.serving.parity`."""

    @property
    def key(self) -> str:
        """Return the digest of all of this."""
        return digest_json(self.to_dict())


@dataclass(frozen=True)
class Package:
    """A model version, ready to be served."""

    version: ModelVersion
    columns: list[Column]
    files: Path
    """Folder of the model's files on this machine, verified against the registry's digest."""
    trusted: list[str] = field(default_factory=list)
    """The types that the registry and the approvals allow in it."""

    @property
    def manifest(self) -> Manifest:
        """Return what is recorded of it."""
        version = self.version
        return Manifest(
            model=version.ref,
            digest=version.digest,
            inputs=self.columns,
            packages=environments.requirements_in(self.files),
            python=environments.python_in(self.files),
            data=version.data,
            run=version.run,
            types=sorted(self.trusted),
        )

    def python(self) -> Path:
        """Return the interpreter that has the packages the model was made with.

        This one when they are installed here; else that of an environment of their own, which is
        made when it is needed first.

        Raises
        ------
        BadInput
            If it is needed and cannot be made.
        """
        return environments.interpreter(self.files)


def package(reference: str) -> Package:
    """Look a model version up, fetch its files and look at them; nothing is loaded.

    Raises
    ------
    UnknownName
        If there is no such version.
    GateRefused
        If its gate refused it.
    BadInput
        If it has no signature, or one that no request can carry.
    UntrustedModel
        If its files are not those that were registered, or hold what must not be loaded.
    """
    from mlnb.tracking import models

    version = models.resolve(reference)
    if version.gate == "refused":
        raise GateRefused(version.ref, ["its validation failed, so it cannot be deployed"])
    files = models.local_path(version.ref)
    trusted = models.trusted_types(version, files)
    columns = models.signature(version.ref)
    if not columns:
        raise BadInput(
            f"{version.ref} has no signature, so its requests could not be checked.",
            "Register it with example=, a few rows of its input.",
        )
    fields_of(columns)
    return Package(version, columns, files, trusted)


def record(chosen: Package) -> str:
    """Keep a package's manifest, with what answers for it, and return its key."""
    from mlnb.serving import comparing

    report = comparing.known(chosen)
    manifest = chosen.manifest
    if report is not None:
        manifest = replace(manifest, engine=report.engine, compared=report.words)
    project.current().store.create(_log(manifest.key), Entry(1, manifest.to_dict()))
    return manifest.key


def recorded(key: str) -> Manifest:
    """Return a manifest that was recorded.

    Raises
    ------
    UnknownName
        If there is none with this key.
    """
    entry = project.current().store.entry(_log(key), 1)
    if entry is None:
        raise UnknownName("package", key)
    return Manifest.from_dict(entry.data)


def _log(key: str) -> str:
    return f"packages/{key}"


def example_in(files: Path) -> dict[str, Any]:
    """Return the first row of the example that a model was registered with; empty without one."""
    with suppress(OSError, ValueError, KeyError, IndexError, TypeError):
        split = json.loads((files / EXAMPLE).read_text("utf-8"))["dataframe_split"]
        return dict(zip(split["columns"], split["data"][0], strict=True))
    return {}


def facts_of(files: Path) -> dict[str, Any]:
    """Return what a description of an endpoint may say of a model: a row, and what it predicts."""
    import yaml

    row = example_in(files)
    found: dict[str, Any] = {"example": row} if row else {}
    with suppress(OSError, ValueError, LookupError, TypeError, AttributeError, yaml.YAMLError):
        described = yaml.safe_load((files / "MLmodel").read_text("utf-8"))
        output = json.loads(described["signature"]["outputs"])[0]
        kind = output["tensor-spec"]["dtype"] if output["type"] == "tensor" else output["type"]
        found["prediction_datatype"] = _DATATYPES.get(kind, "BYTES")
    return found


def load_model(files: Path, name: str, digest: str, trusted: list[str]) -> Any:
    """Load a package's model without asking the registry, which may be away just now.

    Raises
    ------
    UntrustedModel
        If a file has changed, or holds a type that is not trusted.
    """
    if not files.is_dir() or digest_folder(files) != digest:
        raise UntrustedModel(name, "its files are not those that were deployed")
    from mlnb.tracking import serialization

    return serialization.load(files, name, trusted)
