"""What the stores know about one model version."""

from dataclasses import dataclass, field

from mlnb.core import project
from mlnb.core.errors import UnknownName
from mlnb.core.records import (
    Alert,
    AliasChange,
    DatasetVersion,
    ModelVersion,
    Release,
    RunRecord,
    SuiteResult,
)


@dataclass(frozen=True)
class Facts:
    """Everything recorded about one model version."""

    version: ModelVersion
    run: RunRecord | None
    training: list[DatasetVersion]
    verdicts: list[SuiteResult]
    """On this version, oldest first."""
    held_out: DatasetVersion | None
    """The data of the newest verdict."""
    promotions: list[AliasChange]
    """Changes of the champion alias to or from this version."""
    releases: dict[str, list[Release]] = field(default_factory=dict)
    """Per endpoint, those that served this version."""
    alerts: dict[str, list[Alert]] = field(default_factory=dict)
    """Of these endpoints, whichever of their models served."""


def gather(ref: str) -> Facts:
    """Read what is recorded about a model version.

    Raises
    ------
    UnknownName, InvalidReference
        If there is no such version.
    """
    from mlnb.tracking import models
    from mlnb.validation import history

    version = models.resolve(ref)
    verdicts = [result for result in history(version.name) if result.model == version.ref]
    changes = models.history(version.name)
    releases = _releases(version.ref)
    return Facts(
        version=version,
        run=_run(version.run),
        training=[found for name in version.data if (found := _dataset(name))],
        verdicts=verdicts,
        held_out=_dataset(verdicts[-1].data) if verdicts and verdicts[-1].data else None,
        promotions=[item for item in changes if version.number in (item.number, item.previous)],
        releases=releases,
        alerts={name: _alerts(name) for name in releases},
    )


def _run(identifier: str | None) -> RunRecord | None:
    from mlnb.tracking import runs

    if not identifier:
        return None
    try:
        return runs.show(identifier)
    except UnknownName:  # deleted since
        return None


def _dataset(ref: str) -> DatasetVersion | None:
    from mlnb import datasets

    try:
        return datasets.resolve(ref)
    except UnknownName:  # recorded in another store
        return None


def _releases(ref: str) -> dict[str, list[Release]]:
    from mlnb.serving import history

    found = {}
    for endpoint in project.current().store.logs("endpoints"):
        try:
            served = [release for release in history(endpoint) if release.model == ref]
        except UnknownName:  # it has other logs, but never had a release
            continue
        if served:
            found[endpoint] = served
    return found


def _alerts(endpoint: str) -> list[Alert]:
    from mlnb.monitoring import alerts

    return alerts(endpoint)
