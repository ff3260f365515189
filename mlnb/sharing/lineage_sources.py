"""Where lineage is recorded: dataset versions, runs, the model registry, histories of endpoints."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from mlnb.core.errors import BadInput, MlnbError, UnknownName
from mlnb.core.records import DatasetVersion, ModelVersion, Release
from mlnb.tracking.reading.links import Linked

Ident = Literal["dataset", "run", "model", "endpoint"]
Way = Literal["before", "after"]


@dataclass(frozen=True)
class Key:
    """What a node stands for."""

    kind: Ident
    ref: str

    @property
    def id(self) -> str:
        """Return the node's name in its graph."""
        return f"{self.kind}:{self.ref}"


@dataclass(frozen=True)
class Found:
    """A neighbour."""

    key: Key
    earlier: bool = False


@dataclass(frozen=True)
class Facts:
    """What is said about a node."""

    title: str
    detail: str = ""
    status: str = ""
    time: datetime | None = None
    known: bool = True

    def said(self) -> dict[str, Any]:
        """Return the facts by their names."""
        return asdict(self)


class Sources:
    """The stores of the current project, each read once; for one question, not to be kept."""

    def __init__(self) -> None:
        self._datasets: dict[str, DatasetVersion | None] = {}
        self._runs: dict[str, Linked | None] = {}

    # -- what there is -----------------------------------------------------------------------------

    def resolve(self, kind: str, ref: str) -> Key:
        """Return the key of what somebody names.

        Raises
        ------
        UnknownName, InvalidReference, BadInput
            If there is no such thing.
        """
        known: dict[str, Callable[[str], Key]] = {
            "dataset": self._resolve_dataset,
            "run": self._resolve_run,
            "model": self._resolve_model,
            "endpoint": self._resolve_endpoint,
        }
        if kind not in known:
            raise BadInput(f"{kind!r} has no lineage.", f"Say one of: {', '.join(known)}.")
        return known[kind](ref)

    def _resolve_dataset(self, ref: str) -> Key:
        from mlnb import datasets

        version = datasets.resolve(ref)
        self._datasets[version.ref] = version
        return Key("dataset", version.ref)

    def _resolve_run(self, ref: str) -> Key:
        from mlnb.tracking import runs

        return Key("run", runs.show(ref).id)

    def _resolve_model(self, ref: str) -> Key:
        from mlnb.tracking import models

        return Key("model", models.resolve(ref).ref)

    def _resolve_endpoint(self, ref: str) -> Key:
        if ref not in self._histories:
            raise UnknownName("endpoint", ref, self._histories)
        return Key("endpoint", ref)

    @cached_property
    def _models(self) -> dict[str, ModelVersion]:
        from mlnb.tracking.registry import Registry

        return {version.ref: version for version in Registry().every()}

    @cached_property
    def _histories(self) -> dict[str, list[Release]]:
        from mlnb.serving import releases

        found = {}
        for name in releases.endpoints():
            with suppress(UnknownName):  # it has other logs, but never had a release
                found[name] = releases.history(name)
        return found

    def _read_datasets(self, refs: Iterable[str]) -> None:
        from mlnb import datasets

        for ref in refs:
            if ref not in self._datasets:
                self._datasets[ref] = None
                with suppress(MlnbError):  # removed, damaged, or of another store
                    self._datasets[ref] = datasets.resolve(ref)

    def _read_runs(self, ids: Iterable[str]) -> None:
        from mlnb.tracking.reading import links

        missing = [run for run in dict.fromkeys(ids) if run not in self._runs]
        found = links.linked(missing)
        self._runs |= {run: found.get(run) for run in missing}

    def _run(self, identifier: str) -> Key:
        """Return the key of a run, by the id that the store has for it."""
        found = self._runs.get(identifier)
        return Key("run", found.record.id if found else identifier)

    # -- neighbours --------------------------------------------------------------------------------

    def neighbours(self, keys: Sequence[Key], way: Way) -> dict[Key, list[Found]]:
        """Return what each was made from (``before``), or what was made from it (``after``)."""
        of_kind = {
            kind: [key for key in keys if key.kind == kind]
            for kind in ("dataset", "run", "model", "endpoint")
        }
        follow: dict[str, Callable[[list[Key]], dict[Key, list[Found]]]] = (
            {
                "dataset": self._before_datasets,
                "run": self._before_runs,
                "model": self._before_models,
                "endpoint": self._before_endpoints,
            }
            if way == "before"
            else {
                "dataset": self._after_datasets,
                "run": self._after_runs,
                "model": self._after_models,
            }
        )
        found: dict[Key, list[Found]] = {}
        for kind, function in follow.items():
            if of_kind[kind]:
                found |= function(of_kind[kind])
        return found

    def _before_datasets(self, keys: list[Key]) -> dict[Key, list[Found]]:
        self._read_datasets(key.ref for key in keys)
        makers = {key: found.run for key in keys if (found := self._datasets[key.ref])}
        self._read_runs(run for run in makers.values() if run)
        return {key: [Found(self._run(run))] for key, run in makers.items() if run}

    def _before_runs(self, keys: list[Key]) -> dict[Key, list[Found]]:
        self._read_runs(key.ref for key in keys)
        found = {}
        for key in keys:
            run = self._runs[key.ref]
            if run is not None:
                found[key] = [
                    *(Found(Key("dataset", ref)) for ref in run.record.inputs),
                    *(Found(Key("model", ref)) for ref in run.models),
                ]
        return found

    def _before_models(self, keys: list[Key]) -> dict[Key, list[Found]]:
        versions = {key: self._models[key.ref] for key in keys if key.ref in self._models}
        self._read_runs(version.run for version in versions.values() if version.run)
        found: dict[Key, list[Found]] = {}
        for key, version in versions.items():
            run = self._runs.get(version.run) if version.run else None
            read = set(run.record.inputs) if run else set()
            found[key] = [Found(self._run(version.run))] if version.run else []
            found[key] += [Found(Key("dataset", ref)) for ref in version.data if ref not in read]
        return found

    def _before_endpoints(self, keys: list[Key]) -> dict[Key, list[Found]]:
        found = {}
        for key in keys:
            history = self._histories.get(key.ref, [])
            present = _present(history)
            served = dict.fromkeys(release.model for release in reversed(history))
            earlier = [Found(Key("model", ref), True) for ref in served if ref not in present]
            found[key] = [*(Found(Key("model", ref)) for ref in present), *earlier]
        return found

    def _after_datasets(self, keys: list[Key]) -> dict[Key, list[Found]]:
        from mlnb.tracking.reading import links

        read = links.readers([key.ref for key in keys])
        trained: dict[str, list[ModelVersion]] = {}
        for version in self._models.values():
            for ref in version.data:
                trained.setdefault(ref, []).append(version)
        self._read_runs(v.run for key in keys for v in trained.get(key.ref, []) if v.run)
        found: dict[Key, list[Found]] = {}
        for key in keys:
            runs = read.get(key.ref, [])
            by_these = set(runs)
            found[key] = [Found(Key("run", run)) for run in runs]
            for version in reversed(trained.get(key.ref, [])):
                if not version.run or self._run(version.run).ref not in by_these:
                    found[key].append(Found(Key("model", version.ref)))
        return found

    def _after_runs(self, keys: list[Key]) -> dict[Key, list[Found]]:
        self._read_runs(key.ref for key in keys)
        self._read_runs(version.run for version in self._models.values() if version.run)
        registered: dict[Key, list[str]] = {}
        for version in self._models.values():
            if version.run:
                registered.setdefault(self._run(version.run), []).append(version.ref)
        found: dict[Key, list[Found]] = {}
        for key in keys:
            run = self._runs[key.ref]
            written = run.record.outputs if run else []
            models = list(dict.fromkeys([*registered.get(key, [])]))
            found[key] = [
                *(
                    Found(Key("model" if ref in self._models else "dataset", ref))
                    for ref in written
                    if ref not in models
                ),
                *(Found(Key("model", ref)) for ref in models),
            ]
        return found

    def _after_models(self, keys: list[Key]) -> dict[Key, list[Found]]:
        from mlnb.tracking.reading import links

        used = links.users([key.ref for key in keys])
        found: dict[Key, list[Found]] = {key: [] for key in keys}
        for name, history in self._histories.items():
            present = _present(history)
            for ref in dict.fromkeys(release.model for release in history):
                key = Key("model", ref)
                if key in found:
                    found[key].append(Found(Key("endpoint", name), ref not in present))
        for key in keys:
            found[key].sort(key=lambda item: item.earlier)
            found[key] += [Found(Key("run", run)) for run in used.get(key.ref, [])]
        return found

    # -- facts -------------------------------------------------------------------------------------

    def facts(self, keys: Sequence[Key]) -> dict[Key, Facts]:
        """Return what is said about each."""
        self._read_datasets(key.ref for key in keys if key.kind == "dataset")
        self._read_runs(key.ref for key in keys if key.kind == "run")
        said: dict[Ident, Callable[[str], Facts]] = {
            "dataset": self._of_dataset,
            "run": self._of_run,
            "model": self._of_model,
            "endpoint": self._of_endpoint,
        }
        return {key: said[key.kind](key.ref) for key in keys}

    def _of_dataset(self, ref: str) -> Facts:
        version = self._datasets.get(ref)
        if version is None:
            return Facts(ref, known=False)
        what = "files" if version.kind == "files" else "rows"
        detail = [f"{version.rows:,} {what}", version.message]
        return Facts(ref, " · ".join(filter(None, detail)), time=version.created)

    def _of_run(self, identifier: str) -> Facts:
        found = self._runs.get(identifier)
        if found is None:
            return Facts(identifier[:8], known=False)
        run = found.record
        return Facts(
            run.name or run.id[:8],
            " · ".join(_figures(run.metrics)) or run.notebook or run.experiment,
            run.status.lower(),
            run.started,
        )

    def _of_model(self, ref: str) -> Facts:
        version = self._models.get(ref)
        if version is None:
            return Facts(ref, known=False)
        detail = [", ".join(version.aliases), *_figures(version.metrics)]
        gate = {"passed": "passed its gate", "refused": "refused by its gate", "none": ""}
        words = " · ".join(filter(None, detail)) or version.description
        return Facts(ref, words, gate[version.gate], version.created)

    def _of_endpoint(self, name: str) -> Facts:
        from mlnb.serving import endpoints

        history = self._histories.get(name)
        if not history:
            return Facts(name, known=False)
        status = ""
        with suppress(MlnbError):  # what it does now cannot be asked without serving's libraries
            status = endpoints.status(name).status
        return Facts(name, " · ".join(_present(history)), status, history[-1].created)


def _figures(metrics: Mapping[str, float]) -> list[str]:
    """Return the first two metrics in words; not those of the machine."""
    own = sorted(name for name in metrics if not name.startswith("system/"))
    return [f"{name} {metrics[name]:.4g}" for name in own[:2]]


def _present(history: list[Release]) -> list[str]:
    """Return the models of the releases that an endpoint's history ends with."""
    from mlnb.serving import releases

    found = [
        releases.serving(history),
        releases.beside(history, "canary"),
        releases.beside(history, "shadow"),
    ]
    return list(dict.fromkeys(release.model for release in found if release))
