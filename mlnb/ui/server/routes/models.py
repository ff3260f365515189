"""One registered model: its versions and aliases; one version with all that is known about it."""

from contextlib import suppress
from dataclasses import dataclass, field

from mlnb.core.errors import UnknownName
from mlnb.core.records import (
    Alert,
    AliasChange,
    DatasetVersion,
    ModelVersion,
    Record,
    Release,
    RunRecord,
    SuiteResult,
)
from mlnb.tracking.approvals import TypeApproval
from mlnb.ui.server.routing import Route
from mlnb.ui.server.sources import Source

CHANGES = 200
"""Entries of a history that are sent, the latest first."""


@dataclass(frozen=True, kw_only=True)
class ModelServed(Record):
    """An endpoint that answers with a version of the model now."""

    endpoint: str
    number: int
    """Of the model's version."""
    role: str


@dataclass(frozen=True, kw_only=True)
class ModelDocument(Record):
    """A registered model."""

    name: str
    versions: list[ModelVersion]
    """The newest first."""
    changes: list[AliasChange] = field(default_factory=list)
    """Promotions and rollbacks of all aliases, the latest first."""
    served: list[ModelServed] = field(default_factory=list)
    approvals: list[TypeApproval] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ModelVersionDocument(Record):
    """One version of a model, and what was recorded about it."""

    version: ModelVersion
    run: RunRecord | None
    training: list[DatasetVersion]
    """Versions it was trained on that can be read here; all are named in ``version.data``."""
    verdicts: list[SuiteResult]
    """Of validation suites, the latest first."""
    releases: list[Release]
    """Of all endpoints that served it, the latest first."""
    alerts: list[Alert]
    """Of these endpoints, the latest first, whichever model served."""
    card: str
    """In Markdown."""


def model(_source: Source, *, name: str) -> ModelDocument:
    """Show a model's versions, and how its aliases were moved."""
    from mlnb.tracking import aliases, models
    from mlnb.tracking.approvals import approvals

    versions = models.show(name)
    project = _source.project
    changes = [
        change
        for alias in project.store.logs(f"models/{name}/aliases")
        for change in aliases.history(project, name, alias)
    ]
    changes.sort(key=lambda change: change.created, reverse=True)
    return ModelDocument(
        name=name,
        versions=versions[::-1],
        changes=changes[:CHANGES],
        served=_served(name),
        approvals=list(approvals(name)),
    )


def _served(name: str) -> list[ModelServed]:
    from mlnb.serving import releases

    found = []
    for endpoint in releases.endpoints():
        with suppress(UnknownName):  # it has other logs, but never had a release
            history = releases.history(endpoint)
            present = {
                "current": releases.serving(history),
                "canary": releases.beside(history, "canary"),
                "shadow": releases.beside(history, "shadow"),
            }
            for role, release in present.items():
                model, _, number = release.model.partition("@") if release else ("", "", "")
                if model == name:
                    found.append(ModelServed(endpoint=endpoint, number=int(number), role=role))
    return found


def version(_source: Source, *, name: str, number: int) -> ModelVersionDocument:
    """Show one version of a model: run, data, verdicts, releases and card."""
    from mlnb.sharing import cards
    from mlnb.sharing.facts import gather

    facts = gather(f"{name}@{number}")
    releases = [release for served in facts.releases.values() for release in served]
    alerts = [alert for found in facts.alerts.values() for alert in found]
    return ModelVersionDocument(
        version=facts.version,
        run=facts.run,
        training=facts.training,
        verdicts=facts.verdicts[::-1],
        releases=sorted(releases, key=lambda item: item.created, reverse=True),
        alerts=sorted(alerts, key=lambda item: item.created, reverse=True),
        card=cards.written(facts),
    )


ROUTES = (
    Route("GET", "/models/{name}", model),
    Route("GET", "/models/{name}/versions/{number}", version),
)
