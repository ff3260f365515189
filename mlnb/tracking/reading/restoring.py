"""A run's work, to be done again: its notebook, its data and its packages, in a new folder."""

import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlnb.core import project as projects
from mlnb.core.errors import BadInput, Conflict, DiskUnavailable, UnknownName
from mlnb.core.project import Project
from mlnb.core.records import Record
from mlnb.tracking.reading import artifacts, finding, listing
from mlnb.tracking.reading.stored import StoredRun

ADDED = "mlnb-restored"
"""Tag of the cell that is put before those that ran."""


@dataclass(frozen=True, kw_only=True)
class RunRestored(Record):
    """What was written for a run, and how to go on from there."""

    run: str
    name: str
    folder: str
    """Relative to the project where it is inside."""
    files: list[str]
    """Relative to the folder."""
    datasets: list[str] = field(default_factory=list)
    """The versions that the notebook's names of datasets are pinned to."""
    steps: list[str] = field(default_factory=list)
    """Commands that bring back the code and the environment."""
    notes: list[str] = field(default_factory=list)
    """What could not be brought back, and why."""


def restore(ref: str, to: Path | str | None = None) -> RunRestored:
    """Write the notebook of a run as it ran, and what it ran on, into a new folder.

    The notebook gets one cell more, at its beginning: it pins the names of datasets to the
    versions that the run has read. ``requirements.txt`` are the packages it ran with, and
    ``git_diff.patch`` what was not committed.

    Parameters
    ----------
    ref : str
        A run as in `show`.
    to : Path or str, optional
        The folder; by default ``restored/<name>-<id>`` in the project.

    Raises
    ------
    UnknownName
        If there is no such run.
    Conflict
        If there is such a folder, or a file; nothing is ever written over.
    BadInput
        If the run has kept nothing to restore.
    DiskUnavailable
        If the folder cannot be made there.
    """
    project = projects.current()
    if listing.nothing_recorded(project):
        raise UnknownName("run", ref)
    listing.settle(project)
    with finding.finder(project) as find:
        run = find(ref)
    folder = Path(to) if to is not None else project.root / "restored" / _folder_name(run)
    shown = _relative(project, folder)
    if folder.exists() or folder.is_symlink():
        raise Conflict(
            f"There is {shown!r} already, and nothing is written over.",
            "Name another folder with --to, or remove it.",
        )
    pins, notes = _pins(run)
    files = _files(run, pins, notes)
    if not files:
        raise BadInput(
            f"The run {run.name!r} has kept no notebook, no packages and no changes.",
            "See what it has: mlnb runs show " + run.id[:12],
        )
    _write(folder, shown, files)
    return RunRestored(
        run=run.id,
        name=run.name,
        folder=shown,
        files=sorted(files),
        datasets=pins,
        steps=_steps(run, shown, files),
        notes=notes,
    )


def _folder_name(run: StoredRun) -> str:
    safe = re.sub(r"[^\w.-]+", "-", run.name).strip("-._")[:60]
    return f"{safe}-{run.id[:8]}" if safe else run.id[:8]


def _relative(project: Project, folder: Path) -> str:
    found = project.relative(folder)
    return str(folder) if found.startswith("..") else found


def _pins(run: StoredRun) -> tuple[list[str], list[str]]:
    """Return the dataset versions to pin, and a note on each that cannot be."""
    refs = [ref for ref in run.record().inputs if re.fullmatch(r"[^@]+@\d+", ref)]
    names = [ref.partition("@")[0] for ref in refs]
    pins, notes = [], []
    for ref, name in zip(refs, names, strict=True):
        if names.count(name) == 1:
            pins.append(ref)
        elif (
            note := f"{name} was read in several versions: {_versions(refs, name)}; none is pinned"
        ) not in notes:
            notes.append(note)
    known = set(refs)
    for other in run.record().inputs:
        if other not in known:
            notes.append(f"{other} is no dataset of mlnb, so its version is not pinned")
    return pins, notes


def _versions(refs: list[str], name: str) -> str:
    return ", ".join(ref for ref in refs if ref.startswith(f"{name}@"))


def _files(run: StoredRun, pins: list[str], notes: list[str]) -> dict[str, bytes]:
    found = {}
    notebook = artifacts.read(run, artifacts.NOTEBOOK)
    if notebook is None:
        notes.append("the run has kept no notebook")
    else:
        try:
            found[artifacts.NOTEBOOK] = _with_pins(notebook, run, pins)
        except (ValueError, KeyError, TypeError, AttributeError):
            found[artifacts.NOTEBOOK] = notebook
            notes.append("the notebook cannot be read; it is as the run kept it, without pins")
    for name in (artifacts.PACKAGES, artifacts.DIFF):
        content = artifacts.read(run, name)
        if content is not None:
            found[name] = content
    if run.tags.get("mlnb.git.dirty") == "true" and artifacts.DIFF not in found:
        notes.append("what was not committed was not kept")
    if artifacts.PACKAGES not in found:
        notes.append("the run has kept no list of its packages")
    return found


def _with_pins(notebook: bytes, run: StoredRun, pins: list[str]) -> bytes:
    body: Any = json.loads(notebook)
    lines = [f"# Added by `mlnb runs restore`: run {run.id[:8]}"]
    if pins:
        listed = ", ".join(json.dumps(ref) for ref in pins)
        lines += ["import mlnb", "", f"mlnb.datasets.pin({listed})"]
    else:
        lines.append("# It has read no dataset version that could be pinned.")
    cell: dict[str, Any] = {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {"tags": [ADDED]},
        "outputs": [],
        "source": "\n".join(lines).splitlines(keepends=True),
    }
    if (body.get("nbformat", 4), body.get("nbformat_minor", 5)) >= (4, 5):
        cell["id"] = "mlnb-restored"
    body["cells"] = [cell, *body["cells"]]
    return json.dumps(body, ensure_ascii=False, indent=1).encode()


def _steps(run: StoredRun, folder: str, files: dict[str, bytes]) -> list[str]:
    steps = []
    commit = run.tags.get("mlflow.source.git.commit")
    if commit:
        steps.append(f"git worktree add {folder}/code {commit}")
        if artifacts.DIFF in files:
            steps.append(f"git -C {folder}/code apply ../{artifacts.DIFF}")
    if artifacts.PACKAGES in files:
        python = run.tags.get("mlnb.python", "")
        steps.append(f"uv venv {f'--python {python} ' if python else ''}{folder}/.venv")
        lock = f"{folder}/{artifacts.PACKAGES}"
        steps.append(f"uv pip install --python {folder}/.venv -r {lock}")
    return steps


def _write(folder: Path, shown: str, files: dict[str, bytes]) -> None:
    """Write all files or none."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()  # fails if somebody else was first
    except OSError as error:
        why = (error.strerror or str(error)).rstrip(".")
        raise DiskUnavailable(f"the folder cannot be made: {why}", repr(shown)) from None
    try:
        for name, content in files.items():
            (folder / name).write_bytes(content)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
