"""The systems that are measured, each in a module of one shape: a class ``System``.

A system keeps versions of one table in one folder. It is made anew in every process, so what it
must remember of a version is the token that `save` returns, a string.

::

    class System:
        name: str                                   # as it is printed
        def __init__(self, folder: Path) -> None: ...   # raises if it cannot run here
        def save(self, step: str, frame: DataFrame, changed: DataFrame | None) -> str: ...
        def load(self, token: str) -> DataFrame: ...
        def diff(self, before: str, after: str) -> dict[str, int] | None: ...
        def storage(self) -> dict[str, int]: ...    # bytes of "versions", and of a "workspace"

``changed`` are the rows that were appended or edited, for systems that are given only those; it
costs them nothing. ``diff`` counts rows "added", "removed" and "changed"; None says that there
is no such thing.
"""

import os
import platform
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

OURS = "ours"
PLAIN = "plain"
PEERS = ("delta", "lance", "dvc", "oxen")
"""What is measured beside plain Parquet unless told otherwise."""

LABELS = {
    "ours": "mlnb",
    "plain": "Parquet",
    "delta": "Delta",
    "lance": "Lance",
    "dvc": "DVC",
    "oxen": "Oxen",
    "duckdb": "DuckDB",
    "polars": "Polars",
}

_PACKAGES = {
    "ours": ("mlnb", "blake3", "pandas", "pyarrow", "numpy"),
    "delta": ("deltalake",),
    "lance": ("pylance",),
    "dvc": ("dvc",),
    "oxen": ("oxenai",),
    "duckdb": ("duckdb",),
    "polars": ("polars",),
}


def make(name: str, folder: Path) -> Any:
    """Return a system in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return import_module(f"dataset_peers.{name}").System(folder)


def libraries(names: list[str]) -> dict[str, str]:
    """Return the versions of the libraries that systems stand on, those that are there."""
    found = {"Python": platform.python_version()}
    for package in (package for name in names for package in _PACKAGES.get(name, ())):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def bytes_under(folder: Path) -> int:
    """Return the size of all files under a folder; one with several hard links counts once."""
    sizes: dict[tuple[int, int], int] = {}
    for place, _, files in os.walk(folder):
        for file in files:
            facts = (Path(place) / file).lstat()
            sizes[facts.st_dev, facts.st_ino] = facts.st_size
    return sum(sizes.values())
