"""What a target gets to serve: a model version's verified files and its signature."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlnb.core.errors import BadInput, GateRefused, UntrustedModel
from mlnb.core.hashing import digest_folder
from mlnb.core.records import Column, ModelVersion
from mlnb.serving.casting import fields_of


@dataclass(frozen=True)
class Package:
    """A model version, ready to be served."""

    version: ModelVersion
    columns: list[Column]
    files: Path
    """Folder of the model's files on this machine, verified against the registry's digest."""
    trusted: list[str] = field(default_factory=list)
    """The types that the registry allows in it."""


def package(reference: str) -> Package:
    """Look a model version up and fetch its files.

    Raises
    ------
    UnknownName
        If there is no such version.
    GateRefused
        If its gate refused it.
    BadInput
        If it has no signature, or one that no request can carry.
    UntrustedModel
        If its files are not those that were registered.
    """
    from mlnb.tracking import models
    from mlnb.tracking.registry import TRUSTED, Registry

    version = models.resolve(reference)
    if version.gate == "refused":
        raise GateRefused(version.ref, ["its validation failed, so it cannot be deployed"])
    columns = models.signature(version.ref)
    if not columns:
        raise BadInput(
            f"{version.ref} has no signature, so its requests could not be checked.",
            "Register it with example=, a few rows of its input.",
        )
    fields_of(columns)
    trusted = json.loads(Registry().tags(version).get(TRUSTED, "[]"))
    return Package(version, columns, models.local_path(version.ref), trusted)


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
