"""What ``mlnb project doctor`` looks at: one function per subject, each saying how to fix it.

A look changes nothing: stores that do not exist yet are not made, only their place is checked.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from mlnb.core import project as projects
from mlnb.core.errors import MlnbError
from mlnb.core.project import Project
from mlnb.core.records import Record
from mlnb.core.settings import FILE_NAME
from mlnb.core.urls import without_secrets

OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True, kw_only=True)
class Finding(Record):
    """What one look found."""

    check: str
    status: Literal["ok", "optional", "problem"]
    """``optional``: something useful is missing that nothing depends on."""
    detail: str
    fix: str = ""


@dataclass(frozen=True, kw_only=True)
class Diagnosis(Record):
    """What all looks found."""

    findings: list[Finding]

    @property
    def problems(self) -> list[Finding]:
        """Return what has to be fixed."""
        return [finding for finding in self.findings if finding.status == "problem"]


def diagnose() -> Diagnosis:
    """Look at the machine, the installation and the project."""
    findings = [*_python(), *_extras(), *_git(), *_panel()]
    try:
        project = projects.current()
    except MlnbError as error:
        findings.append(_problem("settings", error.message, error.fix))
    else:
        for look in (_project, _kernel, _store, _tracking, _journal):
            findings += look(project)
    return Diagnosis(findings=findings)


def _ok(check: str, detail: str) -> Finding:
    return Finding(check=check, status="ok", detail=detail)


def _optional(check: str, detail: str, fix: str) -> Finding:
    return Finding(check=check, status="optional", detail=detail, fix=fix)


def _problem(check: str, detail: str, fix: str) -> Finding:
    return Finding(check=check, status="problem", detail=detail, fix=fix)


# -- the machine and the installation ------------------------------------------------------------


def _python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= OLDEST_PYTHON:
        yield _ok("python", f"{version}, mlnb {metadata.version('mlnb')}")
    else:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        yield _problem("python", version, f"Install Python {oldest} or newer.")


def _extras() -> Iterator[Finding]:
    from packaging.requirements import Requirement

    wanted: dict[str, list[Requirement]] = {"": []}
    for line in metadata.requires("mlnb") or []:
        requirement = Requirement(line)
        for extra in ["", *(metadata.metadata("mlnb").get_all("Provides-Extra") or [])]:
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                wanted.setdefault(extra, []).append(requirement)
                break
    wanted.pop("all", None)  # only names the others
    for extra, requirements in wanted.items():
        lacking = [str(item) for item in map(_lacking, requirements) if item]
        check = f"extra {extra}" if extra else "libraries"
        target = f"mlnb[{extra}]" if extra else "mlnb"
        if not lacking:
            yield _ok(check, f"all {len(requirements)} installed")
        else:
            found = _optional if extra else _problem
            yield found(check, ", ".join(lacking), f"Run: pip install '{target}'")


def _lacking(requirement: object) -> str:
    from packaging.requirements import Requirement

    assert isinstance(requirement, Requirement)  # noqa: S101  (for the types)
    if requirement.name == "mlnb":
        return ""
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return f"{requirement.name} is not installed"
    if requirement.specifier.contains(version, prereleases=True):
        return ""
    return f"{requirement.name} {version} is outside {requirement.specifier}"


def _git() -> Iterator[Finding]:
    git = shutil.which("git")
    if git is None:
        yield _optional(
            "git", "not found", "Install git: runs then record the commit and what differs from it."
        )
        return
    inside = subprocess.run(  # noqa: S603  (a program found on PATH, fixed arguments)
        [git, "rev-parse", "--is-inside-work-tree"], capture_output=True, text=True
    )
    if inside.returncode == 0:
        yield _ok("git", "the working directory is in a work tree")
    else:
        yield _optional("git", "the working directory is in no work tree", "Run: git init")


def _panel() -> Iterator[Finding]:
    if find_spec("jupyterlab") is None:
        return  # the extra lab has been named already
    from jupyter_core.paths import jupyter_config_path, jupyter_path

    names = [Path(folder, "mlnb", "package.json") for folder in jupyter_path("labextensions")]
    panel = next((path for path in names if path.is_file()), None)
    if panel is not None:
        version = json.loads(panel.read_text(encoding="utf-8")).get("version", "?")
        yield _ok("lab panel", f"{version}, in JupyterLab")
    elif (Path(__file__).parents[2] / "extension" / "package.json").is_file():
        node = "" if shutil.which("node") else "Install Node 20 or newer, then run"
        yield _optional("lab panel", "not built", f"{node or 'Run'}: make panel")
    else:
        yield _optional("lab panel", "not installed", "Run: pip install --force-reinstall mlnb")
    places = [
        Path(folder, "jupyter_server_config.d", "mlnb.json") for folder in jupyter_config_path()
    ]
    if any(path.is_file() for path in places):
        yield _ok("server extension", "enabled")
    else:
        yield _optional(
            "server extension",
            "not enabled",
            "Run: jupyter server extension enable mlnb --sys-prefix",
        )


# -- the project ---------------------------------------------------------------------------------


def _project(project: Project) -> Iterator[Finding]:
    root = os.path.relpath(project.root)  # what a magic shows is saved in the notebook
    if (project.root / FILE_NAME).is_file():
        yield _ok("project", f"{project.name}, {root}")
    else:
        yield _optional(
            "project",
            f"no {FILE_NAME} here: {root} is used",
            "Run: mlnb project init",
        )


def _kernel(project: Project) -> Iterator[Finding]:
    from jupyter_core.paths import jupyter_path

    name = project.settings.kernel
    found = [
        folder for folder in jupyter_path("kernels") if Path(folder, name, "kernel.json").is_file()
    ]
    if found or (name == "python3" and find_spec("ipykernel")):
        yield _ok("kernel", name)
    else:
        yield _problem(
            "kernel",
            f"there is no kernelspec {name!r}",
            f"Run: python -m ipykernel install --sys-prefix --name {name}; "
            "or change the setting `kernel`.",
        )


def _store(project: Project) -> Iterator[Finding]:
    url = project.settings.store
    if "://" not in url and not (project.root / url).exists():
        yield _place("store", project.root / url, "store")
        return
    yield _attempt("store", url, lambda: project.store.probe())


def _tracking(project: Project) -> Iterator[Finding]:
    from mlnb.tracking import store as tracking_store

    database = tracking_store.sqlite_file(project.tracking_uri)
    if database is not None and not database.exists():
        yield _place("tracking", database, "tracking_uri")
        return

    def look() -> None:
        tracking_store.connection(project.tracking_uri)

    yield _attempt("tracking", project.settings.tracking_uri, look)


def _journal(project: Project) -> Iterator[Finding]:
    from mlnb.tracking import journal

    runs, records = journal.undelivered(project)
    trouble = journal.trouble(project)
    if not runs:
        yield _ok("journal", "all that was logged is in the tracking store")
        return
    of = "1 run wait" if runs == 1 else f"{runs:,} runs wait"
    waits = f"{records:,} records of {of} for the tracking store"
    if trouble is None:
        yield _ok("journal", f"{waits}; to deliver them now: mlnb runs list")
    else:
        since = datetime.fromtimestamp(trouble.since).strftime("%Y-%m-%d %H:%M")
        fix = "Nothing is lost: they are delivered when it answers, or by: mlnb runs list"
        yield _problem("journal", f"{waits} since {since}: {trouble.reason}", fix)


def _place(check: str, path: Path, setting: str) -> Finding:
    folder = next(folder for folder in path.parents if folder.exists())
    if folder.is_dir() and os.access(folder, os.W_OK):
        return _ok(check, "will be made on first use")
    return _problem(
        check,
        f"{os.path.relpath(path)} cannot be made: {os.path.relpath(folder)} is no folder that can "
        "be written to",
        f"Make it one, or change the setting `{setting}`.",
    )


def _attempt(check: str, place: str, look: Callable[[], None]) -> Finding:
    try:
        look()
    except MlnbError as error:
        return _problem(check, error.message, error.fix)
    return _ok(check, without_secrets(place))
