"""Look a cell's result up before it runs, keep it after it ran, and say why it did or did not."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from mlnb.core import lineage, redaction
from mlnb.core.errors import MlnbError, UnreadableRecord
from mlnb.core.project import Project
from mlnb.core.records import now
from mlnb.execution.parameters import secret
from mlnb.execution.steps import keys, payloads, reads, showing
from mlnb.execution.steps.code import CellCode
from mlnb.execution.steps.keys import Key, Keys
from mlnb.execution.steps.records import Change, DatasetRead, StepReport, StoredStep
from mlnb.execution.steps.signing import Signer

ROOT = "steps"
_TRIED = 3
"""Results of one key that are looked at, newest first: those of datasets that changed differ."""


@dataclass(frozen=True, kw_only=True)
class StepOptions:
    """What a user says on the first line of a cached cell."""

    name: str
    inputs: tuple[str, ...] | None = None
    outputs: tuple[str, ...] | None = None
    force: bool = False
    no_cache: bool = False


@dataclass
class Found:
    """A result that is loaded and can be given back."""

    record: StoredStep
    values: dict[str, Any]
    outputs: list[showing.Output]


@dataclass
class Step:
    """One execution of a cached cell: begin before it runs, finish after."""

    project: Project
    namespace: dict[str, Any]
    options: StepOptions
    code: CellCode
    key: Key = field(default_factory=Key)
    found: Found | None = None
    reason: str = ""
    changes: list[Change] = field(default_factory=list)
    overhead: float = 0.0
    replay: Callable[[], None] = lambda: None
    """Runs the cell's imports and plain definitions, before a result is loaded."""

    def begin(self) -> None:
        """Take the key, before the cell runs, and look for a result."""
        started = perf_counter()
        self._keys = Keys(self.project, self.namespace)
        self._signer = Signer(self.project)
        options = self.options
        self.key = self._keys.key(self.code, options.inputs, options.outputs or ())
        if self.code.stars:
            self.key.problems.append("it imports *, so nobody knows what it assigns")
        if self.code.tree is None:
            self.key.problems.append("it is no Python")
        self._before = self._last_parts()
        self.changes = [Change(part=p, old=o, new=n) for p, o, n in self._changed(self._before)]
        if options.no_cache:
            self.reason = "--no-cache was given"
        elif self.key.problems:
            self.reason = self.key.problems[0]
        elif options.force:
            self.reason = "--force was given"
        else:
            self._look()
        self._edges: list[lineage.Edge] = []
        self._stop_listening = lineage.listen(lambda edge, _value: self._edges.append(edge))
        self.overhead = perf_counter() - started

    def give_back(self) -> StepReport:
        """Assign the values found; the caller shows the outputs."""
        assert self.found is not None  # noqa: S101  (the caller has looked)
        self._stop_listening()
        started = perf_counter()
        self.namespace.update(self.found.values)
        for read in self.found.record.datasets:
            self._record_read(read)
        self._keep_parts()
        self.overhead += perf_counter() - started
        return self._report("reused", list(self.found.values), [], self.found.record.seconds)

    def finish(
        self, outputs: list[showing.Output], seconds: float, *, failed: bool = False
    ) -> StepReport:
        """Keep what the cell has made and shown; whatever goes wrong is said and stops nothing."""
        self._stop_listening()
        started = perf_counter()
        if failed or self.options.no_cache or self.key.problems:
            notes = [] if failed or self.options.no_cache else list(self.key.problems)
            self.overhead += perf_counter() - started
            return self._report("ran, not cached", [], notes, seconds)
        try:
            names, notes = self._store(outputs, seconds)
        except (MlnbError, OSError) as error:
            names, notes = None, [f"its result could not be stored: {error}"]
        self._keep_parts()
        self.overhead += perf_counter() - started
        status = "ran" if names is not None else "ran, not cached"
        return self._report(status, names or [], notes, seconds)

    # -- finding ---------------------------------------------------------------------------------

    @property
    def _log(self) -> str:
        digest = self.key.digest
        return f"{ROOT}/{digest[:2]}/{digest}"

    def _look(self) -> None:
        store = self.project.store
        try:
            numbers = store.numbers(self._log)
            for number in reversed(numbers[-_TRIED:]):
                with suppress(UnreadableRecord):
                    entry = store.entry(self._log, number)
                    if entry is None:  # it was collected meanwhile
                        continue
                    record = StoredStep.from_dict(entry.data)
                    if self._is_usable(record):
                        self.found = self._loaded(record)
                        self.reason = "nothing it depends on has changed"
                        return
        except Exception as error:  # a store that does not answer, a pickle of another version
            self.reason = f"its result could not be loaded: {error}"
        self.reason = self.reason or self._why_not()

    def _is_usable(self, record: StoredStep) -> bool:
        for read in record.datasets:
            if not reads.is_current(read):
                self.reason = f"dataset {read.name} has another version now than {read.number}"
                return False
        if record.pickle and not self._is_ours(record):
            self.reason = (
                "its result was stored with another key, so that it is not safe to load "
                "(share MLNB_SIGNING_KEY with those you trust)"
            )
            return False
        return True

    def _is_ours(self, record: StoredStep) -> bool:
        return self._signer.is_ours(_signed(record), record.key, record.signature)

    def _loaded(self, record: StoredStep) -> Found:
        store = self.project.store
        outputs = json.loads(store.get(record.outputs))
        if not self._is_ours(record):
            outputs = showing.harmless(outputs)
        self.replay()
        return Found(record, payloads.get(store, record.values, self.namespace), outputs)

    def _why_not(self) -> str:
        if not self._before:
            return "it has no result yet for this code and these inputs"
        changed = [change.part for change in self.changes]
        if not changed:
            return "its result is not in the store any more"
        return f"{', '.join(changed[:4])} changed" + (" and more" if len(changed) > 4 else "")

    def _record_read(self, read: DatasetRead) -> None:
        """Tell the lineage that the versions were used, by way of the result."""
        lineage.record_input("dataset", f"{read.name}@{read.number}")

    # -- keeping ---------------------------------------------------------------------------------

    def _store(
        self, outputs: list[showing.Output], seconds: float
    ) -> tuple[list[str] | None, list[str]]:
        """Store the result; returns the names stored, None when it must not be, and notes."""
        names, notes = self._names_to_store()
        if names is None:
            return None, notes
        notes += self._side_effects()
        namespace = self.namespace
        by_name = [
            name
            for name, value in namespace.items()
            if getattr(value, "__module__", "") == "__main__" and name not in self.code.makes
        ]
        kept = payloads.put(
            self.project.store,
            {name: namespace[name] for name in names},
            namespace,
            by_name=by_name,
            secrets=secret.held(),
        )
        if kept.refused:
            return None, [f"{name!r} is not stored: {why}" for name, why in kept.refused.items()]
        shown = redaction.text(json.dumps(outputs, default=str)).encode()
        record = StoredStep(
            step=self.options.name,
            key=self.key.digest,
            parts=self.key.parts,
            values=kept.values,
            outputs=self.project.store.put(shown),
            pickle=kept.pickle,
            datasets=self._datasets(),
            seconds=seconds,
            bytes=kept.bytes + len(shown),
            author=self.project.settings.author,
            created=now(),
        )
        signature = self._signer.sign(_signed(record), record.key)
        body = {**record.to_dict(), "signature": signature}
        self.project.store.append(self._log, lambda _number: body)
        return names, notes

    def _names_to_store(self) -> tuple[list[str] | None, list[str]]:
        changed = self._changed_in_place()
        declared = self.options.outputs
        if declared is None:
            names = [name for name in self.code.makes if name in self.namespace]
            names += [name for name in changed if name not in names]
            said = [name for name in changed if name not in self.code.makes]
            notes = [f"it changed {name!r} in place, which is stored as a result" for name in said]
            return names, notes
        if missing := [name for name in declared if name not in self.namespace]:
            return None, [f"it has not made {', '.join(map(repr, missing))}, so nothing is stored"]
        if lost := [name for name in changed if name not in declared]:
            listed = ", ".join(map(repr, lost))
            return None, [
                f"it changed {listed} in place, which another time would not happen without "
                f"running it: name it with --out"
            ]
        return list(declared), []

    def _changed_in_place(self) -> list[str]:
        """Return the inputs whose content is another one than before the cell ran."""
        parts = self.key.parts
        inputs = [name for name in self.key.inputs if f"input {name}" in parts]
        after = self._keys.digests(inputs)
        reassigned = set(self.code.makes)
        return [
            name
            for name in inputs
            if name not in reassigned and after.get(name) != parts[f"input {name}"]
        ]

    def _side_effects(self) -> list[str]:
        written = [edge.ref for edge in self._edges if edge.direction == "output"]
        if not written:
            return []
        return [f"it saved {', '.join(written)}; that is not done again when it is reused"]

    def _datasets(self) -> list[DatasetRead]:
        found = [
            edge.ref for edge in self._edges if edge.direction == "input" and edge.kind == "dataset"
        ]
        return [reads.read_of(ref, self.key.constants) for ref in dict.fromkeys(found)]

    # -- what is said ----------------------------------------------------------------------------

    @property
    def _last_file(self) -> Path:
        return self.project.local / "steps" / f"{self.options.name}.json"

    def _last_parts(self) -> dict[str, str]:
        """Return what the key was made from the last time, on this machine."""
        try:
            return dict(json.loads(self._last_file.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return {}

    def _keep_parts(self) -> None:
        if self.key.parts == self._before:  # writing would be half of what a hit costs
            return
        file = self._last_file
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        with suppress(OSError):  # it only serves to say why
            file.parent.mkdir(exist_ok=True)
            draft.write_text(json.dumps(self.key.parts), encoding="utf-8")
            draft.replace(file)

    def _changed(self, before: Mapping[str, str]) -> Sequence[tuple[str, str, str]]:
        return keys.changes(before, self.key.parts) if before else []

    def _report(
        self, status: Any, names: list[str], notes: list[str], seconds: float
    ) -> StepReport:
        report = StepReport(
            step=self.options.name,
            status=status,
            reason=self.reason,
            key=self.key.digest,
            changes=self.changes,
            parts=self.key.parts,
            outputs=names,
            notes=notes,
            seconds=round(seconds, 4),
            overhead=round(self.overhead, 4),
        )
        self.project.events.emit("cell.cached", self.options.name, **report.to_event())
        return report


def _signed(record: StoredStep) -> str:
    return f"{record.pickle}\n{record.outputs}"
