"""The model registry: register, promote, roll back, load. Public as ``mlnb.models``.

A version is MLflow's registered model version; what mlnb adds is in its tags (the content digest
above all) and in the history of its aliases, which lies in the object store.
"""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlnb.core import lineage, redaction
from mlnb.core import project as projects
from mlnb.core.errors import GateRefused, MlnbError, TrackingUnavailable, UntrustedModel
from mlnb.core.hashing import digest_folder
from mlnb.core.names import check_name, is_name
from mlnb.core.records import AliasChange, Column, ModelVersion
from mlnb.core.urls import without_secrets
from mlnb.tracking import (
    aliases,
    approvals,
    auditing,
    autologging,
    content,
    serialization,
    store,
)
from mlnb.tracking import run as runs
from mlnb.tracking.recording import Run
from mlnb.tracking.registry import (
    AUTHOR,
    DATA,
    DIGEST,
    FLAVOR,
    GATE,
    GATE_RESULT,
    INPUTS,
    METRICS,
    TRUSTED,
    Registry,
)

CHAMPION = "champion"


def register(
    model: Any,
    name: str,
    *,
    example: Any = None,
    predictions: Any = None,
    metrics: Mapping[str, Any] | None = None,
    description: str = "",
    data: str | Iterable[str] | None = None,
    run: Run | None = None,
    trusted: Sequence[str] = (),
) -> ModelVersion:
    """Store a fitted model as the next version of a registered model.

    Parameters
    ----------
    model : estimator or path
        A fitted scikit-learn estimator or pipeline, or a ``.skops`` file of one.
    name : str
        The registered model; created when it is new.
    example : table, optional
        Inputs as the model takes them; the signature is inferred from them, and the first rows
        are stored with the model.
    predictions : array, optional
        What the model answers to ``example``; asked of it when not given.
    metrics : mapping, optional
        Recorded with the version and in the run.
    description : str
        Shown in the registry.
    data : str or list of str, optional
        Dataset versions it was trained on; those the run has loaded by default.
    run : Run, optional
        The run it belongs to; the active one, else a run of its own.
    trusted : list of str
        Types of other libraries than NumPy, SciPy and scikit-learn that the model contains.

    Raises
    ------
    UnsupportedData
        If the model cannot be stored without pickle, or contains a type that is not trusted.
    TrackingUnavailable
        If the registry does not answer.
    """
    check_name("model", name)
    numbers = content.metrics(metrics or {})
    allowed = [*trusted, *approvals.approved(name)]
    if isinstance(model, str | Path):
        model = serialization.read_file(Path(model), allowed)
    packed, types = serialization.packed(model, allowed)
    frame = None if example is None else content.table(example)
    signature = None
    if frame is not None:
        signature = serialization.signature_of(model, frame, predictions)
    given = None if data is None else _refs(data)
    open_run = run or runs.active()
    with nullcontext(open_run) if open_run else runs.track(f"register {name}") as owner:
        try:
            stored = owner.stored_id()
        except TrackingUnavailable:
            raise TrackingUnavailable(
                without_secrets(projects.current().settings.tracking_uri),
                "a model cannot be registered without it",
            ) from None
        made = _register(
            owner, stored, model, packed, name, types, signature, frame, numbers, description, given
        )
        lineage.record_output("model", made.ref, made.digest, value=made)
    new = [item for item in auditing.untrusted(types, ()) if item in trusted]
    if new:
        approvals.approve(name, new, f"named as trusted when {made.ref} was registered")
    projects.current().events.emit("model.registered", made.ref, run=made.run, data=made.data)
    return made


def _register(
    run: Run,
    stored: str,
    model: Any,
    packed: bytes,
    name: str,
    types: list[str],
    signature: Any,
    example: Any,
    metrics: dict[str, float],
    description: str,
    data: list[str] | None,
) -> ModelVersion:
    registry = Registry()
    columns = serialization.columns(signature)
    store.use(registry.uri)
    with store.failures(registry.uri):
        found = autologging.logged(model, stored, packed)
        if found is not None:
            uri, model_id, digest = found.uri, found.model_id, serialization.digest(found.place)
        else:
            uri, model_id, digest = serialization.save(packed, stored, types, signature, example)
        tags = {
            DIGEST: digest,
            AUTHOR: projects.current().settings.author,
            FLAVOR: "sklearn",
            TRUSTED: json.dumps(types),
            METRICS: json.dumps(metrics),
            DATA: json.dumps(run.datasets if data is None else data),
            INPUTS: json.dumps([{"name": item.name, "type": item.type} for item in columns]),
        }
        made = registry.create(
            name,
            uri,
            stored,
            tags=tags,
            description=redaction.text(description) or None,
            model_id=model_id,
        )
    if metrics:
        run.log(metrics=metrics)
    return made


def _refs(data: str | Iterable[str]) -> list[str]:
    from mlnb import datasets

    return [datasets.resolve(ref).ref for ref in ([data] if isinstance(data, str) else data)]


# -- aliases -------------------------------------------------------------------------------------


def promote(
    ref: str, *, alias: str = CHAMPION, reason: str = "", force: bool = False
) -> ModelVersion:
    """Point an alias at a version.

    Parameters
    ----------
    ref : str
        The version.
    alias : str
        ``champion`` by default.
    reason : str
        Kept in the history.
    force : bool
        Promote although the gate refused it.

    Raises
    ------
    GateRefused
        If validation refused the version and ``force`` is not given.
    """
    registry = Registry()
    version = registry.resolve(ref)
    check_name("alias", alias)
    if version.gate == "refused" and not force:
        result = registry.tags(version).get(GATE_RESULT, "")
        raise GateRefused(version.ref, [f"validation {result} failed".replace("  ", " ")])
    project = projects.current()
    change = aliases.promote(project, registry, version.name, alias, version.number, reason)
    _emit_change("model.promoted", change, forced=force and version.gate == "refused")
    return registry.resolve(version.ref)


def rollback(name: str, *, alias: str = CHAMPION, reason: str = "") -> ModelVersion:
    """Point an alias back at the version that held it before; again, at the one before that.

    Raises
    ------
    BadInput
        If no earlier holder is left.
    """
    registry = Registry()
    known = [version.number for version in registry.versions(name)]
    check_name("alias", alias)
    change = aliases.rollback(projects.current(), registry, name, alias, known, reason)
    _emit_change("model.rolled_back", change)
    return registry.resolve(f"{name}@{change.number}")


def history(name: str, alias: str = CHAMPION) -> list[AliasChange]:
    """Return an alias's promotions and rollbacks, oldest first."""
    Registry().aliases(check_name("model", name))
    return aliases.history(projects.current(), name, check_name("alias", alias))


def _emit_change(kind: str, change: AliasChange, **data: Any) -> None:
    projects.current().events.emit(
        kind,
        f"{change.model}@{change.number}",
        alias=change.alias,
        previous=change.previous,
        reason=change.reason,
        **data,
    )


def set_gate(ref: str, passed: bool, result_id: str) -> None:
    """Record a validation's verdict on a version."""
    registry = Registry()
    version = registry.resolve(ref)
    with store.failures(registry.uri):
        for key, value in ((GATE_RESULT, result_id), (GATE, "passed" if passed else "refused")):
            registry.client.set_model_version_tag(version.name, str(version.number), key, value)


# -- reading -------------------------------------------------------------------------------------


def resolve(ref: str) -> ModelVersion:
    """Return the version that ``name``, ``name@3``, ``name@alias`` or ``models:/…`` names.

    Raises
    ------
    UnknownName, InvalidReference
        If it names none.
    """
    return Registry().resolve(ref)


def list_models() -> list[ModelVersion]:
    """Return the newest version of each model, and its champion.

    Models of others whose names no line of mlnb's grammar could say are left out.
    """
    registry = Registry()
    found: list[ModelVersion] = []
    for name in sorted(filter(is_name, registry.names())):
        versions = registry.versions(name)
        found += [item for item in versions[:-1] if CHAMPION in item.aliases] + versions[-1:]
    return found


def show(name: str) -> list[ModelVersion]:
    """Return a model's versions, oldest first."""
    return Registry().versions(name)


def signature(ref: str) -> list[Column]:
    """Return the columns a version takes, with Arrow types; empty when none were recorded."""
    return resolve(ref).inputs


def local_path(ref: str) -> Path:
    """Return a folder with a version's files, verified against its digest.

    The folder is a copy in ``.mlnb/local/models``, so that nothing changes it between the check
    and its use. Files in a local store are checked there as well, each time.

    Raises
    ------
    UntrustedModel
        If the files are not those that were registered, or it was not registered with mlnb.
    """
    registry = Registry()
    return _verified(registry, registry.resolve(ref))


def kept_files(digest: str) -> Path:
    """Return the folder that `local_path` keeps the files of this digest in, if it was asked."""
    return projects.current().local / "models" / digest


def load(ref: str) -> Any:
    """Return a version as the Python object that was registered.

    Raises
    ------
    UntrustedModel
        If its files are not those that were registered; nothing was loaded.
    """
    registry = Registry()
    version = registry.resolve(ref)
    folder = _verified(registry, version)
    model = serialization.load(folder, version.ref, trusted_types(version, folder))
    lineage.record_input("model", version.ref, version.digest, value=version)
    return model


def trusted_types(version: ModelVersion, folder: Path) -> list[str]:
    """Return the types that a version may be loaded with, once its files have been looked at.

    Raises
    ------
    UntrustedModel
        If they hold a pickle, code, or a type that nobody approved; names them.
    """
    approved = approvals.approved(version.name)
    auditing.check(folder, version.ref, approved)
    listed = json.loads(Registry().tags(version).get(TRUSTED, "[]"))
    return list(dict.fromkeys([*listed, *approved]))


def approve(name: str, types: Sequence[str], reason: str) -> approvals.TypeApproval:
    """Allow types in every version of a model; who and why is kept.

    Parameters
    ----------
    name : str
        The registered model.
    types : list of str
        As the refusal names them, ``module.Class``.
    reason : str
        Why they are trusted.

    Raises
    ------
    BadInput
        If no type or no reason is given.
    """
    made = approvals.approve(name, types, reason)
    projects.current().events.emit("model.approved", name, types=made.types, reason=made.reason)
    return made


def _verified(registry: Registry, version: ModelVersion) -> Path:
    found = registry.location(version)
    origin = serialization.local_folder(found)
    if not version.digest:
        why = auditing.reasons(origin, ()) if origin is not None else []
        raise UntrustedModel(
            version.ref,
            "; ".join(["its registration recorded no digest", *why]),
            "Register it with mlnb.models.register.",
        )
    kept = kept_files(version.digest)
    if origin is not None:
        _check(origin, version)
    if not kept.is_dir() or digest_folder(kept) != version.digest:
        _fetch(registry, version, found, kept)
    return kept


def _fetch(registry: Registry, version: ModelVersion, uri: str, kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".incoming-", dir=kept.parent) as staging:
        with store.failures(registry.uri):
            copy = serialization.copy(uri, Path(staging))
        _check(copy, version)
        if kept.exists():
            shutil.rmtree(kept)
        try:
            copy.rename(kept)
        except OSError as error:  # another process put the same files there
            if not kept.is_dir():
                raise MlnbError(f"{version.ref} cannot be kept locally: {error}.") from error


def _check(folder: Path, version: ModelVersion) -> None:
    if digest_folder(folder) != version.digest:
        raise UntrustedModel(
            version.ref,
            "its files are not those that were registered",
            "Restore them, or register the model again.",
        )
