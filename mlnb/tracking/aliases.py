"""The history of an alias: who made which version the champion, when and why.

The log is append-only and decides: whoever moves an alias first writes the entry, then points
MLflow's alias at the newest entry's version. Two writers at once therefore end at the same place.
"""

from collections.abc import Sequence

from mlnb.core.errors import BadInput, MlnbError
from mlnb.core.project import Project
from mlnb.core.records import AliasChange, now
from mlnb.tracking import store
from mlnb.tracking.registry import Registry

_ATTEMPTS = 8


def history(project: Project, name: str, alias: str) -> list[AliasChange]:
    """Return an alias's changes, oldest first."""
    return [AliasChange.from_dict(entry.data) for entry in project.store.entries(_log(name, alias))]


def promote(
    project: Project, registry: Registry, name: str, alias: str, number: int, reason: str
) -> AliasChange:
    """Point an alias at a version."""
    previous = registry.aliases(name).get(alias)
    return _move(
        project,
        registry,
        AliasChange(
            model=name,
            alias=alias,
            number=number,
            previous=previous,
            action="promote",
            reason=reason,
            author=project.settings.author,
            created=now(),
        ),
    )


def rollback(
    project: Project, registry: Registry, name: str, alias: str, known: Sequence[int], reason: str
) -> AliasChange:
    """Point an alias back at the version that held it before.

    Raises
    ------
    BadInput
        If no earlier holder is left.
    """
    present = registry.aliases(name).get(alias)
    held = [number for number in holders(history(project, name, alias)) if number in known]
    if held and held[-1] == present:
        held.pop()
    if not held or present is None:
        raise BadInput(
            f"{name}@{alias} has no earlier holder to go back to.",
            f"See: mlnb model history {name} --alias {alias}",
        )
    return _move(
        project,
        registry,
        AliasChange(
            model=name,
            alias=alias,
            number=held[-1],
            previous=present,
            action="rollback",
            reason=reason,
            author=project.settings.author,
            created=now(),
        ),
    )


def holders(changes: Sequence[AliasChange]) -> list[int]:
    """Return the versions that held an alias and were not rolled back, the present one last.

    A promotion puts a version on the pile, a rollback takes one off: two rollbacks in a row go
    back two steps. A holder that was set outside mlnb is known from the change that replaced it.
    """
    pile: list[int] = []
    for change in changes:
        if change.previous is not None and (not pile or pile[-1] != change.previous):
            pile.append(change.previous)
        if change.action == "promote":
            if not pile or pile[-1] != change.number:
                pile.append(change.number)
        else:
            while pile and pile[-1] != change.number:
                pile.pop()
            if not pile:
                pile.append(change.number)
    return pile


def _move(project: Project, registry: Registry, change: AliasChange) -> AliasChange:
    log = _log(change.model, change.alias)
    project.store.append(log, lambda _number: change.to_dict())
    pointed: int | None = None
    for attempt in range(_ATTEMPTS):
        newest = project.store.last(log)
        if newest is None or newest.number == pointed:
            break
        number = AliasChange.from_dict(newest.data).number
        try:
            with store.failures(registry.uri):
                registry.client.set_registered_model_alias(change.model, change.alias, str(number))
            pointed = newest.number
        except MlnbError:  # two first settings at once collide in MLflow's database
            if attempt == _ATTEMPTS - 1:
                raise
    return change


def _log(name: str, alias: str) -> str:
    return f"models/{name}/aliases/{alias}"
