"""Whether the files that mlnb made still say what the pipeline says."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path
from typing import Literal

from mlnb.core import project as projects
from mlnb.core.errors import BadInput, Failed, MissingExtra, UnknownName
from mlnb.core.project import Project
from mlnb.core.records import Record
from mlnb.pipelines.ci import files
from mlnb.pipelines.exporters import headers
from mlnb.pipelines.exporters.exporting import base_of, render
from mlnb.pipelines.exporters.headers import Origin

_PLACES = (
    ".github/workflows/*.yml", ".gitlab-ci.yml", "Jenkinsfile", "dvc.yaml", "*/dvc.yaml",
    "kubernetes/*.yaml", "*.kfp.yaml", ".pre-commit-config.yaml", "Dockerfile", ".dockerignore",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CiFile(Record):
    """A file that mlnb made, beside what it would make today."""

    path: str
    """Relative to the working directory."""
    state: Literal["matches", "differs", "unknown"]
    """Unknown where a library that writes it is not installed here."""
    command: str
    """What would write it anew."""
    diff: str = ""
    """From what is there to what would be; what is missing when that is unknown."""


@dataclass(frozen=True, kw_only=True)
class CiCheck(Record):
    """Which files still match the pipeline."""

    files: list[CiFile] = field(default_factory=list)


def check(paths: Iterable[Path] = (), *, project: Project | None = None) -> CiCheck:
    """Compare the files that mlnb made with what it would make now.

    Parameters
    ----------
    paths : iterable of Path
        The files; by default all that are found where each system looks for them.
    project : Project, optional
        By default the one of the working directory.

    Raises
    ------
    UnknownName
        If there is no such file, or none that mlnb made.
    BadInput
        If a pipeline cannot be read any more, or has a feature that cannot be expressed.
    """
    project = project or projects.current()
    base = base_of(project)
    named = list(paths)
    made = []
    for file in named or _found(project, base):
        if not file.is_file():
            raise UnknownName("file", str(file))
        text = file.read_text(encoding="utf-8")
        origin = headers.origin(text)
        if origin is not None:
            try:
                made.append(_compared(project, base, file.absolute(), text, origin))
            except MissingExtra as error:
                if named:
                    raise
                made.append(CiFile(path=_shown(file), state="unknown", command="", diff=str(error)))
        elif named:
            raise BadInput(
                f"{file} was not made by mlnb.", "Name a file that `mlnb ci init` wrote."
            )
    if not made:
        raise UnknownName("file made by mlnb", str(base.name), fix="Write one: mlnb ci init.")
    return CiCheck(files=made)


def failure(check: CiCheck) -> Failed | None:
    """Return the error that a check amounts to, or None."""
    stale = [file for file in check.files if file.state == "differs"]
    if not stale:
        return None
    names = ", ".join(file.path for file in stale)
    match = "does not match" if len(stale) == 1 else "do not match"
    return Failed(f"{names} {match} the pipeline.", f"Run: {stale[0].command}")


def _found(project: Project, base: Path) -> Iterator[Path]:
    for folder in dict.fromkeys((base, project.root)):
        for place in _PLACES:
            yield from sorted(folder.glob(place))


def _compared(project: Project, base: Path, file: Path, text: str, origin: Origin) -> CiFile:
    if origin.init:
        wanted = files.render(project, base / origin.file, origin.options).get(file, "")
        command = "mlnb ci init"
    else:
        _, wanted = render(base / origin.file, origin.options, parameters=origin.parameters)
        command = "mlnb pipeline export"
    words = text.splitlines()[0].partition(f"{command} ")[2]
    shown = _shown(file)
    difference = unified_diff(
        text.splitlines(), wanted.splitlines(), shown, "as the pipeline is", lineterm=""
    )
    return CiFile(
        path=shown,
        state="matches" if text == wanted else "differs",
        command=f"{command} {words}",
        diff="\n".join(difference),
    )


def _shown(file: Path) -> str:
    return Path(os.path.relpath(file)).as_posix()
