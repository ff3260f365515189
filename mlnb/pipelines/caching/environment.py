"""The environment that code runs in, as far as it counts for its results.

With a lock file in the project: that file, and the installed versions of the libraries that the
code itself imports; so a CI job that has not installed what is for developers only uses their
results. Without one: all that is installed.
"""

import json
import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from secrets import token_hex

from mlnb.core.hashing import digest_bytes
from mlnb.core.project import Project

LOCKS = (
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "pixi.lock",
    "Pipfile.lock",
    "conda-lock.yml",
    "pylock.toml",
    "requirements.lock",
    "requirements.txt",
    "environment.yml",
    "environment.yaml",
)
"""Names of lock files; the first one that is there counts."""


def lock_of(project: Project) -> Path | None:
    """Return the project's lock file, if it has one."""
    return next((file for name in LOCKS if (file := project.root / name).is_file()), None)


def digest_of(file: Path) -> str:
    """Return the digest of a lock file; comments and white space do not count."""
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    said = [text for line in lines if (text := " ".join(_uncommented(line).split()))]
    return digest_bytes("\n".join(said).encode())


def _uncommented(line: str) -> str:
    return "" if line.lstrip().startswith("#") else line.split(" #")[0]


def installed() -> dict[str, str]:
    """Return the versions of all installed distributions, by their names."""
    return dict(_installed(tuple(sys.path)))


@lru_cache(maxsize=4)
def _installed(path: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for folder in path:
        if folder.endswith(("site-packages", "dist-packages")) and Path(folder).is_dir():
            for item in Path(folder).glob("*.dist-info"):
                name, _, version = item.name.removesuffix(".dist-info").partition("-")
                found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), version)
    return tuple(sorted(found.items()))


def listing() -> bytes:
    """Return the installed distributions as an object that can be stored under its digest."""
    return json.dumps(installed(), sort_keys=True).encode()


def imported(project: Project, names: Iterable[str]) -> dict[str, str]:
    """Return the installed versions of the distributions that modules belong to.

    Which module belongs to which takes a while to find out, so it is kept on this machine.
    """
    roots = sorted({name.partition(".")[0] for name in names} - set(sys.stdlib_module_names))
    there = installed()
    found: dict[str, str] = {}
    unknown: list[str] = []
    for root in roots:
        own = re.sub(r"[-_.]+", "-", root).lower()
        if own in there:
            found[own] = there[own]
        elif root:
            unknown.append(root)
    if unknown:
        owners = _owners(project)
        for root in unknown:
            for name in owners.get(root, []):
                found[name] = there.get(name, "")
    return found


def _owners(project: Project) -> dict[str, list[str]]:
    """Return the distributions that have a module, by the module."""
    file = project.local / "modules.json"
    stamp = digest_bytes(listing())
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        if said["stamp"] == stamp:
            owners: dict[str, list[str]] = said["owners"]
            return owners
    except (OSError, ValueError, KeyError, TypeError):
        pass
    from importlib.metadata import packages_distributions

    owners = {
        root: sorted({re.sub(r"[-_.]+", "-", name).lower() for name in names})
        for root, names in packages_distributions().items()
    }
    draft = file.with_name(f".{file.name}.{token_hex(6)}")
    with suppress(OSError):  # it only saves time
        draft.write_text(json.dumps({"stamp": stamp, "owners": owners}), encoding="utf-8")
        draft.replace(file)
    return owners
