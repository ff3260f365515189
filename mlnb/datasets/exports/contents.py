"""What is exported: a version's table with its exact types, or its files."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlnb.core import lineage, project
from mlnb.datasets import versions
from mlnb.datasets.loading import within
from mlnb.datasets.records import StoredVersion
from mlnb.datasets.tables import Content, content


def is_table(stored: StoredVersion) -> bool:
    """Tell whether a version is a table, and not files."""
    return stored.kind == "table" or (stored.kind == "link" and bool(stored.columns))


def table(
    stored: StoredVersion, columns: Sequence[str] | None, rows: tuple[int, int] | None = None
) -> Content:
    """Return a version's table or a part of it, verified, and record that it was read."""
    rows = within(stored, rows)
    if stored.kind == "link":
        from mlnb.datasets.links import reading

        found = reading.table(stored, columns)
        made = content(found if rows is None else found.slice(rows[0], rows[1] - rows[0]))
    else:
        from mlnb.datasets.links.reading import selected
        from mlnb.datasets.storage.stored import StoredTable

        opened = StoredTable(project.current().store, stored)
        made = opened.content(selected(stored, columns), rows)
        if columns is not None or rows is not None:  # the layout is that of the whole table
            made = content(made.table)
    read(stored)
    return made


def files(stored: StoredVersion, folder: Path) -> None:
    """Write a version's files into a new folder, verified, and record that they were read.

    A link to a single file makes that one file in it.
    """
    if stored.kind == "link":
        from mlnb.datasets.links import backends

        opened: Any = backends.of_version(stored)
        named = opened.files if opened.is_folder else {opened.name: opened.files[""]}
        for path, source in named.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        read(stored)
        return
    from mlnb.datasets.folders.checkout import checkout

    checkout(stored.ref, folder)  # records it


def read(stored: StoredVersion) -> None:
    """Record that a version was read."""
    version = versions.public(stored)
    lineage.record_input("dataset", version.ref, version.digest, value=version)
