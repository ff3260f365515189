"""Put a version of a folder into a folder, writing only what differs.

Files come out of packs and are verified on the way, so none is a link into the store: whatever is
done to a file that was checked out, the store keeps its own bytes.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

from mlnb.core import lineage, project
from mlnb.core.errors import BadInput, Conflict, MlnbError
from mlnb.core.project import STATE, Project
from mlnb.datasets import pinning, versions
from mlnb.datasets.folders import fetching, planning, reading, statcache, tree
from mlnb.datasets.folders.ahead import ahead, pool
from mlnb.datasets.folders.planning import Baseline, Plan
from mlnb.datasets.folders.records import Checkout
from mlnb.datasets.folders.scanning import STAGING, Found, found, hidden_in, scan
from mlnb.datasets.folders.statcache import StatCache
from mlnb.datasets.folders.tree import Row
from mlnb.datasets.records import StoredVersion

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def checkout(ref: str, folder: str | Path, *, force: bool = False, clean: bool = False) -> Checkout:
    """Make a folder hold a version of files, writing only what differs.

    Files that are as the last save or checkout of this dataset left them are replaced, or removed
    when the version lacks them. Everything else is the user's: files that the version lacks are
    left alone, and a file in the way is never replaced unasked.

    Parameters
    ----------
    ref : str
        As in `resolve`; a version of files.
    folder : str or Path
        Where to; made if it is not there.
    force : bool
        Replace files that were changed here, and whatever else is in the way.
    clean : bool
        Remove everything that the version lacks, too.

    Returns
    -------
    Checkout
        What was done.

    Raises
    ------
    UnknownName, InvalidReference
        If the reference means no version.
    Conflict
        If files that were changed would be replaced; nothing is written. Or if another process is
        at this folder.
    ObjectMissing, ObjectCorrupt
        If stored bytes are not those that were saved, naming version and file. Files that were
        done before are as they should be; the others are as they were.
    """
    stored = versions.find(pinning.pinned(ref))
    if stored.kind == "link" and not stored.columns:
        fix = f"Write its files: dataset export {stored.ref} FOLDER --to files"
        raise BadInput(f"{stored.ref} is a link: its files are elsewhere.", fix)
    if stored.kind != "files":
        raise BadInput(
            f"{stored.ref} is a table, no folder.", f"Load it: dataset load {stored.ref}"
        )
    here = project.current()
    rows = tree.read(here.store, stored).rows
    tree.check(rows, stored.ref)
    root = Path(folder).absolute().resolve()
    if root.exists() and not root.is_dir():
        raise Conflict(f"{str(folder)!r} is a file.", "Name a folder.")
    _check_place(here, root, clean=clean)
    root.mkdir(parents=True, exist_ok=True)
    with statcache.locked(here, root, alone=True):
        done = _Work(here, root, stored, rows).run(force=force, clean=clean)
    version = done.version
    lineage.record_input("dataset", version.ref, version.digest, value=version)
    return done


def _check_place(here: Project, root: Path, *, clean: bool) -> None:
    """Raise `BadInput` if files would get among what mlnb or git keeps, or cleaning remove it."""
    fix = "Check out into a folder of its own."
    precious = [here.root]
    if here.store.is_local:
        precious.append(Path(here.store.url.removeprefix("file://")).resolve())
    if clean and any(place.is_relative_to(root) for place in precious):
        raise BadInput("Cleaning this folder would remove the project or its store.", fix)
    parts = root.relative_to(here.root).parts if root.is_relative_to(here.root) else (root.name,)
    for name in (STATE, ".git"):
        if name in parts:
            raise BadInput(f"The folder lies in {name}, which is not for files.", fix)
    if any(root.is_relative_to(place) for place in precious[1:]):
        raise BadInput("The folder lies in the object store, which is not for files.", fix)


class _Work:
    """One checkout."""

    def __init__(
        self, here: Project, root: Path, stored: StoredVersion, rows: dict[str, Row]
    ) -> None:
        self._here = here
        self._root = root
        self._stored = stored
        self._rows = rows
        self._hidden = hidden_in(here, root)
        self._staging = root / STAGING
        self._numbers = count()

    def run(self, *, force: bool, clean: bool) -> Checkout:
        started = statcache.clock(self._here, self._root)
        self._clear_staging()
        cache = self._cache()
        there = scan(self._root, self._hidden)
        base = self._baseline(cache)
        plan = planning.make(self._rows, there, base, self._read, force=force, clean=clean)
        self._guard(plan)
        plan.refuse(self._stored.ref)
        written: dict[str, Found] = {}
        if not plan.is_done:
            kept = StatCache(
                cache.version, self._stored.ref, cache.files, cache.links, cache.folders
            )
            statcache.write(self._here, self._root, kept)
            try:
                written = self._carry_out(plan)
            finally:
                self._clear_staging()
        self._keep(cache, plan, written, started)
        return Checkout(
            version=versions.public(self._stored),
            folder=self._here.relative(self._root),
            written=sum(row.kind != "d" for row in plan.write) + len(plan.mode),
            removed=len(plan.remove),
            same=plan.same - len(plan.mode),
            left=plan.left,
            bytes=sum(row.size for row in plan.write),
        )

    # -- what is known ---------------------------------------------------------------------------

    def _cache(self) -> StatCache:
        """Return what is known of the folder, or of the one file that was saved from it."""
        cache = statcache.read(self._here, self._root)
        if len(self._rows) == 1 and cache == StatCache():
            path = next(iter(self._rows))
            cache = statcache.read(self._here, self._root / path)
        return cache

    def _baseline(self, cache: StatCache) -> Baseline:
        pending = self._version(cache.pending)
        return Baseline(
            cache,
            trusted=self._version(cache.version) is not None,
            pending=tree.read(self._here.store, pending).rows if pending else {},
        )

    def _version(self, ref: str) -> StoredVersion | None:
        """Return a version of this dataset that still exists, else None."""
        if ref.rpartition("@")[0] != self._stored.name:
            return None
        try:
            return versions.find(ref)
        except MlnbError:
            return None

    def _read(self, files: list[Found]) -> Iterator[tuple[Found, str]]:
        root = str(self._root)
        with pool() as threads:
            yield from ahead(threads, lambda file: reading.digest(root, file), files, 32)

    def _keep(self, cache: StatCache, plan: Plan, written: dict[str, Found], started: int) -> None:
        """Write down what the folder holds now, as the content of the version."""
        ended = statcache.clock(self._here, self._root)
        files = {}
        for row in self._rows.values():
            if not row.is_file:
                continue
            if row.path in written:
                files[row.path] = statcache.known(written[row.path], row.content, ended)
            elif cache.content(plan.read[row.path][0]) is not None:
                files[row.path] = cache.files[row.path]
            else:
                files[row.path] = statcache.known(*plan.read[row.path], started)
        kept = StatCache(
            self._stored.ref,
            "",
            files,
            {row.path: row.content for row in self._rows.values() if row.kind == "l"},
            [row.path for row in self._rows.values() if row.kind == "d"],
        )
        if kept != cache:
            statcache.write(self._here, self._root, kept)

    def _guard(self, plan: Plan) -> None:
        """Raise if a version, maybe of a stranger, would change what programs keep here."""
        kept = [Path(path).relative_to(self._root).as_posix() for path in self._hidden]
        kept += [STAGING, *([".git"] if (self._root / ".git").exists() else [])]
        paths = [row.path for row in self._rows.values()]
        for place in kept:
            inside = [path for path in paths if f"{path}/".startswith(f"{place}/")]
            around = [path for path in plan.obstacles if f"{place}/".startswith(f"{path}/")]
            if inside or around:
                raise Conflict(
                    f"{self._stored.ref} holds {(inside or around)[0]!r}, which would change the "
                    f"{place!r} of this folder.",
                    "Check out into a folder of its own.",
                )

    # -- what is done ----------------------------------------------------------------------------

    def _carry_out(self, plan: Plan) -> dict[str, Found]:
        for path in plan.obstacles:
            _remove(self._root / path)
        self._staging.mkdir()
        self._make_folders(plan.write)
        written = {file.path: file for file in self._write(plan.write)}
        for row in plan.mode:
            written[row.path] = self._set_mode(row)
        for path in plan.remove:
            (self._root / path).unlink(missing_ok=True)
        self._prune(plan)
        return written

    def _make_folders(self, rows: list[Row]) -> None:
        folders = {row.path.rpartition("/")[0] for row in rows if row.kind != "d"}
        folders |= {row.path for row in rows if row.kind == "d"}
        for folder in folders:
            (self._root / folder).mkdir(parents=True, exist_ok=True)

    def _write(self, rows: list[Row]) -> Iterator[Found]:
        single = [row for row in rows if row.is_file and len(row.frames) < 2]
        groups = fetching.by_pack(single)
        with pool(1 if self._here.store.is_local else 8) as threads:
            for files in ahead(threads, self._write_group, groups, 16):
                yield from files
            for row in rows:
                if row.is_file and len(row.frames) > 1:
                    yield self._write_large(row, threads)
        for row in rows:
            if row.kind == "l":
                part = self._part()
                Path(part).symlink_to(row.content)
                Path(part).replace(self._root / row.path)

    def _write_group(self, rows: list[Row]) -> list[Found]:
        return [
            self._write_file(row, [data])
            for row, data in fetching.fetch(self._here.store, self._stored.ref, rows)
        ]

    def _write_large(self, row: Row, threads: ThreadPoolExecutor) -> Found:
        pieces = fetching.fetch_large(self._here.store, self._stored.ref, row, threads)
        return self._write_file(row, pieces)

    def _write_file(self, row: Row, pieces: Iterable[memoryview | bytes]) -> Found:
        part, target = self._part(), f"{self._root}/{row.path}"
        descriptor = os.open(part, _NEW, 0o777 if row.kind == "x" else 0o666)
        try:
            for piece in pieces:
                rest = memoryview(piece)
                while len(rest):
                    rest = rest[os.write(descriptor, rest) :]
        finally:
            os.close(descriptor)
        os.replace(part, target)  # noqa: PTH105 (called for every file: a Path costs as much)
        return found(row.path, os.lstat(target))

    def _set_mode(self, row: Row) -> Found:
        path = self._root / row.path
        mode = path.stat().st_mode & 0o777
        path.chmod(mode | (mode & 0o444) >> 2 if row.kind == "x" else mode & ~0o111)
        return found(row.path, path.lstat())

    def _prune(self, plan: Plan) -> None:
        """Remove folders that have become empty, and empty ones that the version lacks."""
        wanted = {row.path for row in self._rows.values() if row.kind == "d"}
        for path in sorted({*plan.prune, *(p.rpartition("/")[0] for p in plan.remove)})[::-1]:
            folder = path
            while folder and folder not in wanted:
                try:
                    (self._root / folder).rmdir()
                except OSError:  # there is something in it
                    break
                folder = folder.rpartition("/")[0]

    def _part(self) -> str:
        return f"{self._staging}/{next(self._numbers)}"

    def _clear_staging(self) -> None:
        """Remove what an interrupted checkout left half written."""
        if self._staging.is_symlink() or self._staging.is_file():
            self._staging.unlink()
        shutil.rmtree(self._staging, ignore_errors=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
