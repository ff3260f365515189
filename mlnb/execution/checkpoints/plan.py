"""Where a notebook can go on, and what is kept when it passes a checkpoint."""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlnb.core import redaction
from mlnb.core.errors import MlnbError, UnreadableRecord
from mlnb.core.hashing import digest_bytes
from mlnb.core.project import Project
from mlnb.core.records import now
from mlnb.execution.checkpoints import chain
from mlnb.execution.checkpoints.records import KeptVariables, StoredCheckpoint
from mlnb.execution.parameters import secret
from mlnb.execution.steps import code as codes
from mlnb.execution.steps import modules
from mlnb.execution.steps.signing import Signer

ROOT = "checkpoints"


class Plan:
    """The checkpoints of one run of a notebook.

    Parameters
    ----------
    project : Project
        Where they are stored.
    notebook : str
        Relative to the project.
    cells : sequence of (source, tags)
        The cells that are executed, in their order; counted from 0 in what follows.
    folder : Path
        Working directory.
    numbers : sequence of int
        What each cell is called: its number in the source notebook.
    context : str
        What checkpoints depend on besides the code, such as the run that they are made in.
    """

    def __init__(
        self,
        project: Project,
        notebook: str,
        cells: Sequence[tuple[str, Sequence[str]]],
        folder: Path,
        numbers: Sequence[int],
        context: str = "",
    ) -> None:
        self._project = project
        self._numbers = list(numbers)
        self._notebook = notebook
        self._sources = [source for source, _ in cells]
        self._wanted = [chain.declared(source, tags) for source, tags in cells]
        self._shown: list[dict[str, Any]] = []
        self._keys: list[str] = []
        if self.has_any:
            signer = Signer(project)
            fingerprints = sorted(map(signer.fingerprint, secret.held()))
            base = chain.base(fingerprints, project.relative(folder), context)
            self._keys = chain.keys(base, self._sources)

    @property
    def has_any(self) -> bool:
        """Tell whether any cell is a checkpoint."""
        return any(names is not None for names in self._wanted)

    # -- going on --------------------------------------------------------------------------------

    def candidates(self) -> tuple[list[StoredCheckpoint], str]:
        """Return the stored checkpoints that fit, the latest first, and why not more do."""
        if not self.has_any:
            return [], "no cell is a checkpoint (tag `checkpoint`, or `# mlnb: checkpoint`)"
        found: list[StoredCheckpoint] = []
        why = ""
        places = [place for place, names in enumerate(self._wanted) if names is not None]
        for place in reversed(places):
            record = self._stored(place)
            problem = self._problem(record) if record else self._why_none(place)
            if record and not problem:
                found.append(record)
            else:
                why = why or problem
        return found, why

    def needed_after(self, record: StoredCheckpoint) -> list[str]:
        """Return the names that the cells after a checkpoint read."""
        found: dict[str, None] = {}
        for source in self._sources[record.cell :]:
            head, _, rest = source.partition("\n")
            text = rest if head.startswith("%%") else source
            found.update(dict.fromkeys(codes.understand(text).reads))
        return list(found)

    def resumed(self, record: StoredCheckpoint) -> list[dict[str, Any]]:
        """Return what each cell up to a checkpoint had shown, with its execution count."""
        shown: list[dict[str, Any]] = json.loads(self._project.store.get(record.shown))
        self._project.events.emit(
            "notebook.resumed",
            self._notebook,
            notebook=self._notebook,
            cell=self.number_of(record),
        )
        self._shown = list(shown)
        return shown

    def _log(self, place: int) -> str:
        key = self._keys[place]
        return f"{ROOT}/{key[:2]}/{key}"

    def _stored(self, place: int) -> StoredCheckpoint | None:
        entry = self._project.store.last(self._log(place))
        if entry is None:
            return None
        try:
            return StoredCheckpoint.from_dict(entry.data)
        except UnreadableRecord:
            return None

    def _problem(self, record: StoredCheckpoint) -> str:
        ours = modules.ProjectModules(self._project.root)
        for file, digest in record.kept.modules.items():
            if ours.digest(file) != digest:
                return f"the module {file} has changed"
        from mlnb.datasets import versions

        for read in record.kept.datasets:
            try:
                latest = versions.find(read.name).number
            except MlnbError:
                latest = 0
            if latest != read.latest:
                return f"the dataset {read.name} has a new version"
        return ""

    def _why_none(self, place: int) -> str:
        """Say which cell is another one than in the run before."""
        before = self._last_run()
        if not before:
            return "no checkpoint has been stored yet"
        for number, (old, source) in enumerate(zip(before, self._sources, strict=False), start=1):
            if number <= place + 1 and old != chain.digest_of(source):
                return f"cell {self._numbers[number - 1]} has changed"
        return "parameters, libraries, or the cells before it have changed"

    # -- keeping ---------------------------------------------------------------------------------

    def ran(self, outputs: list[dict[str, Any]], count: int | None, seconds: float) -> None:
        """Take note of a cell that ran well."""
        self._shown.append({"outputs": outputs, "count": count, "seconds": seconds})

    def names_at(self, place: int) -> list[str] | None:
        """Return what a cell keeps, empty for all; None when it is no checkpoint."""
        return self._wanted[place]

    def key_at(self, place: int) -> str:
        """Return the key of a cell."""
        return self._keys[place]

    def number_of(self, record: StoredCheckpoint) -> int:
        """Return the number of a checkpoint's cell in the source notebook as it is now."""
        return self._numbers[record.cell - 1]

    def keep(self, place: int, kept: dict[str, Any]) -> dict[str, Any]:
        """Store a checkpoint whose variables are stored already; returns what to say of it."""
        store = self._project.store
        record = StoredCheckpoint(
            key=self._keys[place],
            notebook=self._notebook,
            cell=place + 1,
            kept=KeptVariables.from_dict(kept),
            shown=store.put(redaction.text(json.dumps(self._shown, default=str)).encode()),
            seconds=sum(item["seconds"] for item in self._shown),
            author=self._project.settings.author,
            created=now(),
        )
        store.append(self._log(place), lambda _number: record.to_dict())
        self._keep_run()
        note = record.to_note(self._numbers[place])
        self._project.events.emit(
            "checkpoint.saved", self._notebook, notebook=self._notebook, **note
        )
        return note

    @property
    def _run_file(self) -> Path:
        name = digest_bytes(self._notebook.encode())[:24]
        return self._project.local / ROOT / f"{name}.json"

    def _last_run(self) -> list[str]:
        with suppress(OSError, ValueError):
            return list(json.loads(self._run_file.read_text(encoding="utf-8")))
        return []

    def _keep_run(self) -> None:
        digests = [chain.digest_of(source) for source in self._sources]
        with suppress(OSError):  # it only serves to say why
            self._run_file.parent.mkdir(exist_ok=True)
            draft = self._run_file.with_name(f".{self._run_file.name}.{os.getpid()}")
            draft.write_text(json.dumps(digests), encoding="utf-8")
            draft.replace(self._run_file)
