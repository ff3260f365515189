"""Registered models as they are read back from MLflow."""

import json
import re
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mlnb.core import project as projects
from mlnb.core.errors import InvalidReference, TrackingUnavailable, UnknownName
from mlnb.core.names import check_name
from mlnb.core.records import Column, ModelVersion
from mlnb.tracking import store
from mlnb.tracking.reading import registered

if TYPE_CHECKING:
    from mlflow import MlflowClient

DIGEST = "mlnb.digest"
GATE = "mlnb.gate"
GATE_RESULT = "mlnb.gate.result"
INPUTS = "mlnb.inputs"
METRICS = "mlnb.metrics"
DATA = "mlnb.data"
AUTHOR = "mlnb.author"
TRUSTED = "mlnb.trusted_types"
FLAVOR = "mlnb.flavor"

_URI = re.compile(r"models:/([^/@]+)(?:[/@]([^/@]+))?")


class Registry:
    """The project's model registry, read."""

    def __init__(self) -> None:
        self.uri = projects.current().tracking_uri

    @cached_property
    def client(self) -> "MlflowClient":
        """Return the connection."""
        return store.connection(self.uri)

    def names(self) -> list[str]:
        """Return the registered models' names."""
        if store.absent(self.uri):
            return []
        with registered.open_registry(self.uri) as opened:
            if opened is not None:
                return opened.names()
        with store.failures(self.uri):
            return [str(item.name) for item in pages(self.client.search_registered_models)]

    def aliases(self, name: str) -> dict[str, int]:
        """Return which version each alias of a model points to.

        Raises
        ------
        UnknownName
            If there is no such model.
        """
        if store.absent(self.uri):
            raise UnknownName("model", name)
        with registered.open_registry(self.uri) as opened:
            if opened is not None:
                held = opened.aliases(name)
                if held is None:
                    raise UnknownName("model", name, opened.names())
                return held
        try:
            with store.failures(self.uri):
                found = self.client.get_registered_model(name)
        except Exception as error:
            if _is_missing(error):
                raise UnknownName("model", name, self.names()) from None
            raise
        return {str(alias): int(number) for alias, number in found.aliases.items()}

    def versions(self, name: str) -> list[ModelVersion]:
        """Return a model's versions, oldest first."""
        aliases = self.aliases(check_name("model", name))
        found = [record(item, aliases) for item in self._found(name)]
        return sorted(found, key=lambda item: item.number)

    def _found(self, name: str) -> list[Any]:
        with registered.open_registry(self.uri) as opened:
            if opened is not None:
                return list(opened.versions(name))
        with store.failures(self.uri):
            return list(pages(self.client.search_model_versions, f"name = '{name}'"))

    def every(self) -> list[ModelVersion]:
        """Return all versions of all models."""
        if store.absent(self.uri):
            return []
        with registered.open_registry(self.uri) as opened:
            if opened is not None:
                held = {name: opened.aliases(name) or {} for name in opened.names()}
                return [record(item, held[name]) for name in held for item in opened.versions(name)]
        with store.failures(self.uri):
            aliases = {
                str(item.name): {str(alias): int(number) for alias, number in item.aliases.items()}
                for item in pages(self.client.search_registered_models)
            }
            found = list(pages(self.client.search_model_versions))
        return [record(item, aliases.get(item.name, {})) for item in found]

    def resolve(self, reference: str) -> ModelVersion:
        """Return the version a reference names.

        Parameters
        ----------
        reference : str
            ``name``, ``name@3``, ``name@champion``, ``name@latest`` or MLflow's ``models:/…``.

        Raises
        ------
        UnknownName, InvalidReference, InvalidName
            If it names none.
        """
        name, selector = split(reference)
        versions = {item.number: item for item in self.versions(name)}
        if selector == "latest":
            if not versions:
                raise UnknownName("model", name, self.names(), "It has no version.")
            return versions[max(versions)]
        if selector.isdecimal():
            if int(selector) in versions:
                return versions[int(selector)]
        else:
            number = self.aliases(name).get(selector)
            if number in versions:
                return versions[number]
        known = [f"{name}@{number}" for number in versions]
        known += [f"{name}@{alias}" for alias in self.aliases(name)]
        raise UnknownName("model version", f"{name}@{selector}", known)

    def create(self, name: str, uri: str, run: str, **facts: Any) -> ModelVersion:
        """Create the next version of a model, and the model when it is new.

        Parameters
        ----------
        name : str
            Of the model.
        uri : str
            Where its files are.
        run : str
            The run it belongs to, by its id in the store.
        **facts
            Tags, description, model_id, as MLflow takes them.
        """
        facts["await_creation_for"] = 0  # it would say on the terminal that it waits
        try:
            made = self.client.create_model_version(name, uri, run, **facts)
        except Exception as error:
            if not _is_missing(error):
                raise
            try:
                self.client.create_registered_model(name)
            except Exception as second:  # another process may have been first
                if getattr(second, "error_code", "") != "RESOURCE_ALREADY_EXISTS":
                    raise
            made = self.client.create_model_version(name, uri, run, **facts)
        return record(made, {})

    def tags(self, version: ModelVersion) -> dict[str, str]:
        """Return a version's tags."""
        with registered.open_registry(self.uri) as opened:
            if opened is not None:
                return _one(opened, version).tags
        with store.failures(self.uri):
            found = self.client.get_model_version(version.name, str(version.number))
        return dict(found.tags)

    def location(self, version: ModelVersion) -> str:
        """Return where a version's files are."""
        name, number = version.name, str(version.number)
        with registered.open_registry(self.uri) as opened:
            if opened is not None:
                return _one(opened, version).location
        with store.failures(self.uri):
            return str(self.client.get_model_version_download_uri(name, number))


def _one(opened: registered.Registered, version: ModelVersion) -> registered.FoundVersion:
    for found in opened.versions(version.name):
        if found.version == version.number:
            return found
    raise UnknownName("model version", version.ref)


def split(reference: str) -> tuple[str, str]:
    """Split a model reference into name and selector (``"latest"`` when there is none).

    Raises
    ------
    InvalidReference, InvalidName
        If it cannot be read.
    """
    forms = "name, name@3, name@champion or models:/name/3"
    uri = _URI.fullmatch(reference)
    if uri:
        name, selector = uri.group(1), uri.group(2) or "latest"
    else:
        name, at, selector = reference.partition("@")
        if not name or reference.startswith("models:") or (at and not selector) or "@" in selector:
            raise InvalidReference("model", reference, forms)
    return check_name("model", name), selector or "latest"


def record(found: Any, aliases: dict[str, int]) -> ModelVersion:
    """Return MLflow's model version as a record."""
    tags = found.tags
    number = int(found.version)
    gate = tags.get(GATE, "none")
    return ModelVersion(
        name=found.name,
        number=number,
        digest=tags.get(DIGEST, ""),
        aliases=sorted(alias for alias, holder in aliases.items() if holder == number),
        run=found.run_id or None,
        created=datetime.fromtimestamp(found.creation_timestamp / 1000, UTC),
        author=tags.get(AUTHOR, ""),
        description=found.description or "",
        flavor=tags.get(FLAVOR, ""),
        inputs=[Column(**item) for item in json.loads(tags.get(INPUTS, "[]"))],
        metrics=json.loads(tags.get(METRICS, "{}")),
        data=json.loads(tags.get(DATA, "[]")),
        gate=gate if gate in ("passed", "refused") else "none",
    )


def pages(search: Any, filter_string: str | None = None) -> Any:
    """Yield all that a search of MLflow's finds, page by page."""
    token = None
    while True:
        page = search(filter_string=filter_string, max_results=1000, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _is_missing(error: Exception) -> bool:
    cause = error.__cause__ or error
    return (
        not isinstance(error, TrackingUnavailable)
        and getattr(cause, "error_code", "") == "RESOURCE_DOES_NOT_EXIST"
    )
