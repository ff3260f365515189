"""Decide what a checkout has to do to a folder: write, remove, leave, or refuse.

What a user may have made is never replaced or removed without being told to. A file is ours to
replace only if it is, byte for byte, what the last save or checkout of this dataset left there
(`StatCache`), or what a checkout that was interrupted was to put there.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from mlnb.core.errors import Conflict
from mlnb.datasets.folders.scanning import Found, Scan
from mlnb.datasets.folders.statcache import StatCache
from mlnb.datasets.folders.tree import Row

Read = Callable[[list[Found]], Iterable[tuple[Found, str]]]
"""Reads files; gives each one's facts as it was read, and its hash."""


@dataclass(frozen=True)
class Baseline:
    """What is known of a folder before a checkout.

    Attributes
    ----------
    cache : StatCache
        What the folder held at the last save or checkout; for hashes.
    trusted : bool
        Whether that was a version of this dataset which still exists: then what is unchanged
        since may be replaced.
    pending : dict
        Rows of a version whose checkout did not end.
    """

    cache: StatCache
    trusted: bool = False
    pending: dict[str, Row] = field(default_factory=dict)

    def contents(self, path: str) -> set[str]:
        """Return which contents of a file, or targets of a link, are ours to replace."""
        ours = set()
        if self.trusted:
            if path in self.cache.files:
                ours.add(self.cache.files[path].content)
            if path in self.cache.links:
                ours.add(self.cache.links[path])
        if path in self.pending:
            ours.add(self.pending[path].content)
        return ours


@dataclass
class Plan:
    """What a checkout has to do, in this order."""

    obstacles: list[str] = field(default_factory=list)
    """Files, links and folders where something of another kind has to be."""
    write: list[Row] = field(default_factory=list)
    mode: list[Row] = field(default_factory=list)
    """Files of which only the executable bit is another."""
    remove: list[str] = field(default_factory=list)
    """Files and links that the version lacks."""
    prune: list[str] = field(default_factory=list)
    """Empty folders that the version lacks."""
    same: int = 0
    left: int = 0
    conflicts: list[str] = field(default_factory=list)
    """What would be lost."""
    read: dict[str, tuple[Found, str]] = field(default_factory=dict)
    """Files whose hash is known: facts and hash."""

    @property
    def is_done(self) -> bool:
        """Tell whether there is nothing to do."""
        return not (self.obstacles or self.write or self.mode or self.remove or self.prune)

    def refuse(self, ref: str) -> None:
        """Raise if something would be lost.

        Raises
        ------
        Conflict
            Naming it.
        """
        if not self.conflicts:
            return
        paths = sorted(self.conflicts)
        more = f" and {len(paths) - 10:,} more" if len(paths) > 10 else ""
        changed = "was" if len(paths) == 1 else "were"
        raise Conflict(
            f"{', '.join(paths[:10])}{more} {changed} changed here, or never saved; "
            f"checking out {ref} would replace it.",
            "Save the folder first, or replace them with --force (force=True).",
        )


def make(
    rows: dict[str, Row],
    scan: Scan,
    base: Baseline,
    read: Read,
    *,
    force: bool = False,
    clean: bool = False,
) -> Plan:
    """Return what has to be done to make a folder hold a version.

    Parameters
    ----------
    rows : dict
        The version.
    scan : Scan
        What is in the folder.
    base : Baseline
        What is known of it.
    read : callable
        Reads files whose content is not known.
    force : bool
        Replace what differs although it is not ours.
    clean : bool
        Remove whatever the version lacks, too.
    """
    plan = Plan()
    for path, content in base.cache.contents(scan.files).items():
        plan.read[path] = (scan.files[path], content)
    for file, content in read(list(_unknown(rows, scan, base, plan))):
        plan.read[file.path] = (file, content)
    _Planner(rows, scan, base, plan, force, clean).run()
    return plan


def _unknown(rows: dict[str, Row], scan: Scan, base: Baseline, plan: Plan) -> Iterator[Found]:
    """Yield the files that have to be read: those of a size that what is expected there has."""
    for path, file in scan.files.items():
        if path in plan.read:
            continue
        sizes = {rows[path].size} if path in rows else set()
        if path in base.cache.files:
            sizes.add(base.cache.files[path].size)
        if path in base.pending:
            sizes.add(base.pending[path].size)
        if file.size in sizes:
            yield file


class _Planner:
    def __init__(
        self,
        rows: dict[str, Row],
        scan: Scan,
        base: Baseline,
        plan: Plan,
        force: bool,
        clean: bool,
    ) -> None:
        self._rows = rows
        self._scan = scan
        self._base = base
        self._plan = plan
        self._force = force
        self._clean = clean
        self._special = set(scan.special)
        self._gone: set[str] = set()
        """Obstacles, and what is in folders that are."""

    def run(self) -> None:
        for row in self._rows.values():
            self._ancestors(row.path)
            self._one(row)
        self._extras()

    def _one(self, row: Row) -> None:
        path, plan = row.path, self._plan
        if path in self._scan.folders:
            if row.kind == "d":
                return
            self._clear_folder(path)
            plan.write.append(row)
        elif self._is_same(row):
            plan.same += 1
            file = self._scan.files.get(path)
            if file is not None and file.kind != row.kind:
                plan.mode.append(row)
        else:
            if self._is_there(path):
                if not (self._force or self._is_ours(path)):
                    plan.conflicts.append(path)
                if row.kind == "d":
                    self._clear(path)
            plan.write.append(row)

    def _is_same(self, row: Row) -> bool:
        if row.kind == "l":
            return self._scan.links.get(row.path) == row.content
        return (
            row.is_file and row.path in self._plan.read and self._content(row.path) == row.content
        )

    def _content(self, path: str) -> str | None:
        """Return a file's hash or a link's target, if it is known."""
        if path in self._plan.read:
            return self._plan.read[path][1]
        return self._scan.links.get(path)

    def _is_there(self, path: str) -> bool:
        files, links = self._scan.files, self._scan.links
        return path in files or path in links or path in self._special

    def _is_ours(self, path: str) -> bool:
        content = self._content(path)
        return content is not None and content in self._base.contents(path)

    def _ancestors(self, path: str) -> None:
        """See to it that no file or link is where a folder has to be."""
        folder = path.rpartition("/")[0]
        while folder and folder not in self._scan.folders and folder not in self._gone:
            if self._is_there(folder):
                if not (self._force or self._clean or self._is_ours(folder)):
                    self._plan.conflicts.append(folder)
                self._clear(folder)
            folder = folder.rpartition("/")[0]

    def _clear(self, path: str) -> None:
        self._gone.add(path)
        self._plan.obstacles.append(path)

    def _clear_folder(self, path: str) -> None:
        """See to it that a folder can go: that all in it is ours, or that it may be lost."""
        inside = f"{path}/"
        found = [name for name in self._everything() if name.startswith(inside)]
        if not (self._force or self._clean) and not all(map(self._is_ours, found)):
            self._plan.conflicts.append(inside)
        self._gone.update(found)
        self._clear(path)

    def _everything(self) -> Iterator[str]:
        yield from self._scan.files
        yield from self._scan.links
        yield from self._scan.special
        yield from self._scan.unnamed

    def _extras(self) -> None:
        plan = self._plan
        for path in (*self._scan.files, *self._scan.links):
            if path in self._rows or path in self._gone:
                continue
            if self._clean or self._is_ours(path):
                plan.remove.append(path)
            else:
                plan.left += 1
        plan.left += sum(path not in self._gone for path in self._special)
        ours = set(self._base.cache.folders) if self._base.trusted else set()
        plan.prune += [
            path
            for path in self._scan.empty
            if path not in self._rows
            and (self._clean or path in ours)
            and not any(row.startswith(f"{path}/") for row in self._rows)
        ]
