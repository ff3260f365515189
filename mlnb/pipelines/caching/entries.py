"""Stored results of steps: found by key, used when all they depend on is as it was, and kept."""

import json
import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlnb.core.errors import MlnbError, UnreadableRecord
from mlnb.core.events import Event
from mlnb.core.hashing import digest_file
from mlnb.core.project import Project
from mlnb.core.records import StepResult, now
from mlnb.execution.steps import reads
from mlnb.execution.steps.records import DatasetRead
from mlnb.pipelines import artifacts
from mlnb.pipelines.caching import presence, reasons
from mlnb.pipelines.caching.keys import StepKey
from mlnb.pipelines.caching.records import CachedStep, Made
from mlnb.pipelines.kinds import pipeline_folder, working_folder
from mlnb.pipelines.performing import StepJob

ROOT = "pipelines/steps"
FRESH = "nothing it depends on has changed"
_TRIED = 3
"""How many of the newest results for one key are looked at."""


@dataclass
class Cache:
    """What is stored for one step.

    Parameters
    ----------
    project : Project
        Whose store it is.
    job : StepJob
        The step.
    key : StepKey
        Its key.
    """

    project: Project
    job: StepJob
    key: StepKey

    @property
    def _log(self) -> str:
        digest = self.key.digest
        return f"{ROOT}/{digest[:2]}/{digest}"

    def look(self) -> tuple[CachedStep | None, str]:
        """Return the stored result that may be used, or None and why there is none."""
        store, why = self.project.store, ""
        for number in reversed(store.numbers(self._log)[-_TRIED:]):
            with suppress(UnreadableRecord):
                entry = store.entry(self._log, number)
                if entry is None:  # it was collected meanwhile
                    continue
                record = CachedStep.from_dict(entry.data)
                problem = self._problem(record)
                if not problem:
                    return record, FRESH
                why = why or problem
        return None, why or reasons.why(self.project, self.key, self.job.before)

    def reuse(self, output: Path) -> tuple[StepResult | None, str]:
        """Return the stored result as this run's, with its files brought back, or None and why.

        Parameters
        ----------
        output : Path
            Where the executed notebook goes.
        """
        try:
            record, why = self.look()
            return (self._brought_back(record, output) if record else None), why
        except (MlnbError, OSError) as error:  # the step can still run
            return None, f"its stored result cannot be used: {error}"

    def _brought_back(self, record: CachedStep, output: Path) -> StepResult:
        self._copy(record.notebook, output)
        artifacts.place(self.project, pipeline_folder(self.project, self.job), record.outputs)
        return replace(
            result_of(self.project, record),
            name=self.job.name,
            notebook=self.job.source,
            parameters=self.job.parameters,
            output=self.project.relative(output),
            attempts=self.job.attempt,
            cached_from=record.run,
            why=FRESH,
        )

    def keep(self, result: StepResult, before: dict[str, str], events: list[Event]) -> None:
        """Store the result of a step that has finished.

        Parameters
        ----------
        result : StepResult
            Of this run.
        before : dict
            The files that its code names, with their digests before it ran.
        events : list of Event
            What it has told while it ran.
        """
        edges = [event.data for event in events if event.kind == "lineage.recorded"]
        made = [_made(edge) for edge in edges if edge["direction"] == "output"]
        made += [Made(kind="run", name=run) for run in result.runs]
        folder = working_folder(self.project, self.job)
        files = {path: digest for path, digest in result.outputs.items() if artifacts.is_file(path)}
        text = json.dumps(result.to_dict(), ensure_ascii=False).encode(errors="replace")
        record = CachedStep(
            key=self.key.digest,
            run=self.job.run,
            result=self.project.store.put(text),
            notebook=result.output_digest,
            outputs=files,
            files={name: d for name, d in before.items() if _digest(folder / name) == d},
            reads=self._reads(edges, {item.ref for item in made}),
            made=list({(item.kind, item.ref): item for item in made}.values()),
            bytes=sum(self._sizes({result.output_digest, *files.values()}).values()),
            author=self.project.settings.author,
            created=now(),
        )
        body = record.to_dict()
        self.project.store.append(self._log, lambda _number: body)

    def files_named(self) -> dict[str, str]:
        """Return the digests of the files that the code names and does not declare, as of now."""
        folder = working_folder(self.project, self.job)
        home = pipeline_folder(self.project, self.job)
        declared = [item for item in self.job.outputs if artifacts.is_file(item)]
        found: dict[str, str] = {}
        for name in dict.fromkeys(self.key.code.files):
            with suppress(OSError, ValueError):
                file = (folder / name).resolve()
                if not file.is_file() or not file.is_relative_to(self.project.root):
                    continue
                own = artifacts.relative(file, home)
                if not any(artifacts.fits(own, item) for item in declared):
                    found[name] = digest_file(file)
        return found

    def _problem(self, record: CachedStep) -> str:
        """Say why a stored result must not be used, or ``""``."""
        folder = working_folder(self.project, self.job)
        for name, digest in record.files.items():
            if _digest(folder / name) != digest:
                return f"{name}, which it reads, changed"
        for read in record.reads:
            if not reads.is_current(read):
                return f"dataset {read.name} has another version now than {read.number}"
        if said := presence.gone(record.made):
            return said
        wanted = {record.result, record.notebook, *record.outputs.values()}
        if wanted - set(self._sizes(wanted)):
            return "its result is not in the store any more"
        return ""

    def _reads(self, edges: list[dict[str, Any]], made: set[str]) -> list[DatasetRead]:
        """Return the versions that were read though no input declares them."""
        declared = {value.split(" ")[0] for value in self.key.parts["inputs"].values()}
        constants = {*self.key.code.constants, *_texts(self.job.parameters)}
        found: dict[str, DatasetRead] = {}
        for edge in edges:
            ref = str(edge["ref"])
            if edge["direction"] != "input" or edge["kind"] != "dataset":
                continue
            if ref not in declared and ref not in made:
                found[ref] = reads.read_of(ref, constants)
        return list(found.values())

    def _sizes(self, digests: set[str]) -> dict[str, int]:
        return self.project.store.sizes(digests)

    def _copy(self, digest: str, output: Path) -> None:
        stored = self.project.store.path(digest)
        draft = output.with_name(f".{output.name}.part")
        if stored is not None:
            shutil.copyfile(stored, draft)
        else:
            draft.write_bytes(self.project.store.view(digest))
        draft.replace(output)


def _texts(value: object) -> set[str]:
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        return {text for item in value.values() for text in _texts(item)}
    if isinstance(value, list):
        return {text for item in value for text in _texts(item)}
    return set()


def _digest(file: Path) -> str:
    try:
        return digest_file(file) if file.is_file() else ""
    except OSError:
        return ""


def result_of(project: Project, record: CachedStep) -> StepResult:
    """Return the result that is stored for a key.

    Raises
    ------
    ObjectMissing, ObjectCorrupt, UnreadableRecord
        If the store has lost it.
    """
    return StepResult.from_dict(json.loads(project.store.get(record.result)))


def _made(edge: dict[str, Any]) -> Made:
    name, _, number = str(edge["ref"]).partition("@")
    return Made(
        kind=edge["kind"],
        name=name,
        number=int(number) if number.isdecimal() else 0,
        digest=str(edge.get("digest", "")),
    )
