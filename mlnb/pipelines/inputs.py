"""What a step declares to read and to make: fixed before it runs, checked and taken after."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from mlnb.core.errors import InvalidPipeline
from mlnb.core.events import Event
from mlnb.core.project import Project
from mlnb.pipelines import artifacts
from mlnb.pipelines.artifacts import Seen
from mlnb.pipelines.kinds import pipeline_folder
from mlnb.pipelines.performing import StepJob
from mlnb.pipelines.spec import data

_FIX = "Write to another name, and declare that as an output."


@dataclass
class Given:
    """The declared inputs of a step, as they were before it ran."""

    project: Project
    job: StepJob
    folder: Path
    """Of the pipeline file."""
    datasets: dict[str, str] = field(default_factory=dict)
    """As declared → ``flights@3``."""
    digests: dict[str, str] = field(default_factory=dict)
    """By ``flights@3``."""
    files: Seen = field(default_factory=Seen)

    @classmethod
    def of(cls, project: Project, job: StepJob) -> "Given":
        """Find a step's inputs, and bring the files that earlier steps have made.

        Raises
        ------
        UnknownName
            If there is no such version.
        InvalidPipeline
            If there is no such file.
        StoreError
            If the store does not have what an earlier step has made.
        """
        given = cls(project, job, pipeline_folder(project, job))
        artifacts.place(project, given.folder, job.artifacts)
        given.find()
        return given

    def find(self) -> None:
        """Look at the inputs as they are; nothing is written."""
        paths: list[str] = []
        for declared, pinned in self.job.inputs.items():
            if not artifacts.is_file(declared):
                self._find_dataset(declared, pinned)
                continue
            made = [path for path in self.job.artifacts if artifacts.fits(path, declared)]
            found = sorted(made) or artifacts.named(self.folder, declared)
            if not found:
                raise InvalidPipeline(
                    f"Step {self.job.name!r} reads {declared!r}, which is not there.",
                    "It is looked for beside the pipeline file; is it the output of a step?",
                )
            paths += found
        self.files = artifacts.look(self.folder, dict.fromkeys(paths))
        handed = {path: digest for path, digest in self.job.artifacts.items() if path in paths}
        self.files.digests |= handed  # what a run would bring first

    def _find_dataset(self, declared: str, pinned: str) -> None:
        from mlnb.datasets import versions

        found = versions.find(pinned or declared.removeprefix(data.DATASET))
        self.datasets[declared] = found.ref
        self.digests[found.ref] = found.digest

    @property
    def shown(self) -> dict[str, str]:
        """Return the inputs for records: a dataset as declared → ``flights@3``, a file → digest."""
        return {**self.datasets, **self.files.digests}

    @property
    def versions(self) -> dict[str, str]:
        """Return the inputs for a key."""
        refs = {name: f"{ref} {self.digests[ref]}" for name, ref in self.datasets.items()}
        return {**refs, **self.files.digests}

    def check_unchanged(self, events: Iterable[Event]) -> None:
        """Check that a step has left its own inputs alone.

        Raises
        ------
        InvalidPipeline
            If it has not: the next run would start from something else.
        """
        changed = artifacts.changed(self.folder, self.files)
        if changed:
            listed = ", ".join(map(repr, changed))
            raise InvalidPipeline(
                f"Step {self.job.name!r} changed its own input {listed} while it ran, so that "
                f"nobody can tell what its result was made from.",
                _FIX,
            )
        newest = {self.datasets[name].partition("@")[0]: name for name in self.datasets}
        for ref in _saved(events):
            name = ref.partition("@")[0]
            if ref == self.datasets.get(newest.get(name, "")):
                continue  # saved as it was
            if name in newest and data.read(newest[name]).selector in ("", "latest"):
                raise InvalidPipeline(
                    f"Step {self.job.name!r} changed its own input: it reads the newest version "
                    f"of dataset {name!r} and saved {ref}.",
                    f"{_FIX} Or name the version that it reads: dataset:{name}@NUMBER.",
                )

    def taken(self, events: Iterable[Event]) -> dict[str, str]:
        """Return the declared outputs as a step has left them; its files are stored.

        Raises
        ------
        InvalidPipeline
            If it has not made one.
        """
        made = artifacts.take(self.project, self.folder, self.job.outputs, self.job.name)
        saved = {ref.partition("@")[0]: ref for ref in _saved(events)}
        for declared in self.job.outputs:
            if artifacts.is_file(declared):
                continue
            name = data.read(declared).name
            if name in saved:
                made[f"{data.DATASET}{name}"] = saved[name]
            else:
                made[f"{data.DATASET}{name}"] = self._unchanged(name)
        return made

    def _unchanged(self, name: str) -> str:
        """Return the newest version of a dataset that a step has saved no new version of.

        To save what is there already makes none.
        """
        from mlnb.core.errors import UnknownName
        from mlnb.datasets import versions

        try:
            return versions.find(name).ref
        except UnknownName:
            raise InvalidPipeline(
                f"Step {self.job.name!r} has not saved dataset {name!r}, which it declares as an "
                f"output.",
                f'Save it: mlnb.datasets.save(data, "{name}").',
            ) from None


def _saved(events: Iterable[Event]) -> list[str]:
    """Return the dataset versions that were saved, in their order."""
    return [
        str(event.data["ref"])
        for event in events
        if event.kind == "lineage.recorded"
        and event.data.get("direction") == "output"
        and event.data.get("kind") == "dataset"
    ]
