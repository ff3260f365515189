"""Registered models of a SQLite store by SQL: to look one up, MLflow need not be imported."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from mlnb.tracking.reading import database

_TABLES = {
    "registered_models": "name creation_time last_updated_time description workspace",
    "model_versions": "name version creation_time last_updated_time description user_id "
    "current_stage source run_id status status_message run_link storage_location workspace",
    "model_version_tags": "key value name version workspace",
    "registered_model_aliases": "alias version name workspace",
}
_DELETED = "Deleted_Internal"
"""Stage of versions that MLflow keeps but no longer shows."""


@dataclass(frozen=True)
class FoundVersion:
    """A model version, with the names that MLflow's entity has."""

    name: str
    version: int
    run_id: str | None
    creation_timestamp: int
    description: str | None
    location: str
    """Where its files are."""
    tags: dict[str, str] = field(default_factory=dict)


@contextmanager
def open_registry(uri: str) -> Iterator["Registered | None"]:
    """Open a SQLite store; None if it is another one, or has not the tables known here."""
    with database.opened(uri, _TABLES) as connection:
        yield None if connection is None else Registered(connection)


class Registered:
    """The registered models of an open store; not for use after its block."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def names(self) -> list[str]:
        """Return the names of all models, in their order."""
        found = self._connection.execute("SELECT name FROM registered_models ORDER BY name")
        return [str(name) for (name,) in found]

    def aliases(self, name: str) -> dict[str, int] | None:
        """Return which version each alias points to; None when there is no such model."""
        execute = self._connection.execute
        if execute("SELECT 1 FROM registered_models WHERE name = ?", (name,)).fetchone() is None:
            return None
        found = execute(
            "SELECT alias, version FROM registered_model_aliases WHERE name = ?", (name,)
        )
        return {str(alias): int(version) for alias, version in found}

    def versions(self, name: str) -> list[FoundVersion]:
        """Return all versions of a model with their tags."""
        found = self._connection.execute(
            "SELECT version, run_id, creation_time, description, storage_location, source "
            "FROM model_versions WHERE name = ? AND current_stage IS NOT ?",
            (name, _DELETED),
        )
        versions = {
            version: FoundVersion(name, version, run, created, description, kept or source)
            for version, run, created, description, kept, source in found
        }
        found = self._connection.execute(
            "SELECT version, key, value FROM model_version_tags WHERE name = ?", (name,)
        )
        for version, key, value in found:
            if version in versions:
                versions[version].tags[key] = value
        return list(versions.values())
