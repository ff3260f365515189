"""How models are laid out."""

from typing import Any

from mlnb.core.records import AliasChange, ModelVersion
from mlnb.tracking.approvals import TypeApproval
from mlnb.ui import render
from mlnb.ui.render import Table, View


@render.row.register
def _(version: ModelVersion) -> dict[str, Any]:
    return {
        "model": version.ref,
        "aliases": version.aliases,
        "gate": version.gate,
        "metrics": version.metrics,
        "data": version.data,
        "created": version.created,
        "author": version.author,
    }


@render.view.register
def _(version: ModelVersion) -> View:
    fields = [
        ("aliases", version.aliases),
        ("gate", version.gate),
        ("trained on", version.data),
        ("run", version.run),
        ("created", version.created),
        ("author", version.author),
        ("description", version.description),
        ("digest", version.digest[:16]),
    ]
    tables = []
    if version.metrics:
        tables.append(Table(["metric", "value"], sorted(version.metrics.items())))
    if version.inputs:
        tables.append(Table(["input", "type"], [(item.name, item.type) for item in version.inputs]))
    moods = {"passed": "good", "refused": "bad", "none": ""}
    return View(f"Model {version.ref}", fields=fields, tables=tables, status=moods[version.gate])


@render.row.register
def _(change: AliasChange) -> dict[str, Any]:
    return {
        "when": change.created,
        "what": change.action,
        "version": f"{change.model}@{change.number}",
        "before": None if change.previous is None else f"{change.model}@{change.previous}",
        "who": change.author,
        "why": change.reason,
    }


@render.row.register
def _(approval: TypeApproval) -> dict[str, Any]:
    return {
        "when": approval.created,
        "types": approval.types,
        "who": approval.author,
        "why": approval.reason,
    }
