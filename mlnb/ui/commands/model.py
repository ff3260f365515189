"""``mlnb model`` / ``%model``: register, inspect, promote and roll back models."""

from collections.abc import Sequence
from typing import Any

import click

from mlnb.core.records import AliasChange, ModelVersion
from mlnb.tracking import approvals, models
from mlnb.ui.commands.card import card
from mlnb.ui.grammar import Data, KeyValue, Listing, Noun, Variable

_ALIAS = click.option("--alias", default=models.CHAMPION, show_default=True, help="Which alias.")


@click.group("model", cls=Noun)
def model() -> None:
    """Register, inspect, promote and roll back models."""


class Metric(KeyValue):
    """``name=number``."""

    name = "name=number"

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> tuple[str, Any]:
        """Read the number."""
        key, text = super().convert(value, parameter, context)
        try:
            return key, float(text)
        except ValueError:
            self.fail(f"{text!r} is no number.", parameter, context)


@model.command("register")
@click.argument("model_object", metavar="MODEL", type=Variable())
@click.argument("name")
@click.option("--example", type=Data(), default=None, help="Table of inputs: gives the signature.")
@click.option("--metric", "metrics", type=Metric(), multiple=True, help="name=number, repeated.")
@click.option("--data", multiple=True, help="Dataset version it was trained on, repeated.")
@click.option("--description", "-m", default="", help="What it is.")
@click.option("--trusted", multiple=True, help="Further type the model may contain, repeated.")
def register(
    model_object: Any,
    name: str,
    example: Any,
    metrics: Sequence[tuple[str, float]],
    data: Sequence[str],
    description: str,
    trusted: Sequence[str],
) -> ModelVersion:
    """Register MODEL (a variable, or a .skops file) as the next version of NAME."""
    return models.register(
        model_object,
        name,
        example=example,
        metrics=dict(metrics),
        description=description,
        data=list(data) or None,
        trusted=trusted,
    )


@model.command("list")
def list_models() -> Listing[ModelVersion]:
    """List every model's newest version and champion."""
    return Listing(
        models.list_models(), title="Models", empty="No model yet: %model register MODEL NAME"
    )


@model.command("show")
@click.argument("ref")
def show(ref: str) -> Listing[ModelVersion] | ModelVersion:
    """Show all versions of a model, or one (NAME@3, NAME@champion)."""
    if "@" in ref or "/" in ref:
        return models.resolve(ref)
    return Listing(models.show(ref), title=f"Versions of {ref}", empty="It has no version.")


@model.command("promote")
@click.argument("ref")
@_ALIAS
@click.option("--reason", default="", help="Kept in the history.")
@click.option("--force", is_flag=True, help="Promote although its gate refused it.")
def promote(ref: str, alias: str, reason: str, force: bool) -> ModelVersion:
    """Point the alias at a version (NAME@3)."""
    return models.promote(ref, alias=alias, reason=reason, force=force)


@model.command("rollback")
@click.argument("name")
@_ALIAS
@click.option("--reason", default="", help="Kept in the history.")
def rollback(name: str, alias: str, reason: str) -> ModelVersion:
    """Point the alias back at the version that held it before."""
    return models.rollback(name, alias=alias, reason=reason)


@model.command("history")
@click.argument("name")
@_ALIAS
def history(name: str, alias: str) -> Listing[AliasChange]:
    """Show who moved the alias, when and why."""
    return Listing(
        models.history(name, alias),
        title=f"History of {name}@{alias}",
        empty=f"{name} has had no {alias} yet.",
    )


@model.command("approve")
@click.argument("name")
@click.argument("types", nargs=-1)
@click.option("--reason", "-m", default="", help="Why they are trusted; kept with who did it.")
def approve(name: str, types: Sequence[str], reason: str) -> Listing[approvals.TypeApproval]:
    """Allow TYPES (module.Class) in every version of NAME; without types, show the approvals."""
    if types or reason:
        models.approve(name, types, reason)
    return Listing(
        approvals.approvals(name),
        title=f"Types approved for {name}",
        empty=f"No type was approved for {name}.",
    )


model.add_command(card)
