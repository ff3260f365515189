"""Export into a DVC repository, as ``dvc add`` and ``dvc push`` would, without DVC.

Written in this order: the objects into the cache, the data into the work tree, the ``.dvc`` file,
the objects into the default remote. DVC knows of the data once the ``.dvc`` file is there; what
a crash before leaves is at most some objects that nothing names.
"""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from mlnb.core.errors import Conflict, UnknownName, UnsupportedData
from mlnb.datasets.exports import contents, tables, targets
from mlnb.datasets.exports.pushing import push
from mlnb.datasets.links.dvc import git, objects, outputs, repository
from mlnb.datasets.links.dvc.repository import Repository
from mlnb.datasets.records import StoredVersion


class _Dumper(yaml.SafeDumper):
    """Quotes what is a number in YAML 1.2 only, which DVC reads: ``12e34``."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Return a text's node."""
        style = "'" if _NUMBER.fullmatch(text) else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_NUMBER = re.compile(r"[-+]?[0-9_.]+([eE][-+]?[0-9]+)?|0o[0-7_]+|0x[0-9a-fA-F_]+")
_Dumper.add_representer(str, _Dumper.represent_text)


def export_table(
    stored: StoredVersion, path: Path, columns: Sequence[str] | None, *, replace: bool
) -> dict[str, Any]:
    """Write a table as a Parquet file that DVC tracks; return what the export's record says."""
    if path.suffix.lower() != ".parquet":
        fix = f"Name a .parquet file: {path.name}.parquet"
        raise UnsupportedData("DVC gets a table as a Parquet file.", fix)
    repo = _checked(path, replace=replace, folder=False)
    content = contents.table(stored, columns)
    with targets.beside(path) as folder:
        made = folder / path.name
        tables.write(content, made, suffix=".parquet")
        notes = _track(repo, stored, made, path)
    lost, checked = tables.lost(content, path, suffix=".parquet")
    return {"lost": lost, "checked": checked, "notes": notes}


def export_files(stored: StoredVersion, path: Path, *, replace: bool) -> dict[str, Any]:
    """Write files as a folder that DVC tracks; return what the export's record says."""
    repo = _checked(path, replace=replace, folder=True)
    with targets.beside(path) as folder:
        made = folder / "files"
        made.mkdir()
        contents.files(stored, made)
        return {"notes": _track(repo, stored, made, path)}


def _checked(path: Path, *, replace: bool, folder: bool) -> Repository:
    """Return the repository of a target, once it can be written.

    Raises
    ------
    UnknownName, Conflict, UnsupportedData
        Before anything is written.
    """
    try:
        repo, inside = repository.find(str(path))
    except UnknownName:
        raise UnknownName(
            "DVC repository", str(path), fix="Make one there first: git init && dvc init"
        ) from None
    assert repo.root is not None  # noqa: S101  (a path of this machine has a work tree)
    if inside.split("/")[0] == repository.FOLDER:
        raise UnsupportedData(f"{str(path)!r} is inside DVC's own folder.", "Choose another place.")
    described = _description(path).exists()
    if described and not replace:
        fix = "Choose another name, or replace it with --force."
        raise Conflict(f"DVC tracks {str(path)!r} already.", fix)
    if not (described and folder and path.is_dir() and not path.is_symlink()):
        targets.check(path, replace=replace, folder=folder)
    _check_owner(repo, inside)
    if repo.top is not None and git.ask(repo.root, "ls-files", "--error-unmatch", "--", inside):
        fix = f"Stop that first: git rm -r --cached {inside}"
        raise Conflict(f"git tracks {str(path)!r}.", fix)
    return repo


def _check_owner(repo: Repository, inside: str) -> None:
    """Raise `Conflict` if another ``.dvc`` or ``dvc.yaml`` file has the target."""
    try:
        output, _ = outputs.tracked(repo, inside)
    except UnknownName:
        return
    if output.path != inside or repo.read(f"{inside}.dvc") is None:
        raise Conflict(f"DVC tracks {output.path!r} already.", "Choose another place.")


def _track(repo: Repository, stored: StoredVersion, made: Path, path: Path) -> list[str]:
    """Put data that was made beside its target under DVC's control; return what is left to do."""
    cache = objects.cache(repo)
    if cache is None:
        raise UnsupportedData(f"The cache of {repo.shown} is not on this machine.")
    layout = cache / objects.LAYOUT
    listing = made.with_name("listing.dir")
    named = _hashed(made, listing)
    for inside, md5 in named.items():
        if inside:
            _store(layout, md5, made / inside)
    _store(layout, named[""], listing if made.is_dir() else made)
    description = made.with_name("description.dvc")
    description.write_text(_described(stored, made, path, named), encoding="utf-8")
    _move(made, path)
    targets.place(description, _description(path))
    if repo.top is not None:
        _ignore(path)
    listed_last = [*(md5 for inside, md5 in named.items() if inside), named[""]]
    return push(repo, layout, listed_last, path)


def _hashed(made: Path, listing: Path) -> dict[str, str]:
    """Return the MD5 of each file by its path, and of the whole by ``""``; write the listing."""
    if made.is_file():
        return {"": _md5(made)}
    found = {}
    for file in sorted(made.rglob("*")):
        if file.is_symlink():
            name = file.relative_to(made).as_posix()
            raise UnsupportedData(f"DVC does not keep symbolic links: {name!r} is one.")
        if file.is_file():
            found[file.relative_to(made).as_posix()] = _md5(file)
    listing.write_bytes(outputs.listing(found))
    return {"": f"{_md5(listing)}.dir", **found}


def _md5(file: Path) -> str:
    with file.open("rb") as stream:
        made = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False))
    return str(made.hexdigest())


def _store(layout: Path, md5: str, source: Path) -> None:
    """Put an object into the cache, read-only as DVC has it; one that is there stays."""
    target = layout / objects.object_path(md5)
    if target.is_file() and target.stat().st_size == source.stat().st_size:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".")
    os.close(descriptor)
    part = Path(name)
    try:
        shutil.copyfile(source, part)
        part.chmod(0o444)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _move(made: Path, path: Path) -> None:
    """Put the data in its place; a folder there (which DVC tracks) is taken away after."""
    if not path.is_dir() or path.is_symlink():
        targets.place(made, path)
        return
    old = made.parent / "old"
    path.rename(old)
    try:
        targets.place(made, path)
    except BaseException:
        old.rename(path)
        raise


def _described(stored: StoredVersion, made: Path, path: Path, named: dict[str, str]) -> str:
    """Return the ``.dvc`` file, which names the version that the data is."""
    output: dict[str, Any] = {"md5": named[""], "size": targets.size(made)}
    if made.is_dir():
        output["nfiles"] = len(named) - 1
    output |= {"hash": "md5", "path": path.name}
    body = {"outs": [output], "meta": {"mlnb": {"version": stored.ref, "digest": stored.digest}}}
    return str(yaml.dump(body, Dumper=_Dumper, sort_keys=False, allow_unicode=True))


def _ignore(path: Path) -> None:
    """Keep git from the data, as ``dvc add`` does."""
    file = path.with_name(".gitignore")
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    line = f"/{path.name}"
    if line not in text.splitlines():
        joint = "" if not text or text.endswith("\n") else "\n"
        with targets.beside(file) as folder:
            part = folder / file.name
            part.write_text(f"{text}{joint}{line}\n", encoding="utf-8")
            targets.place(part, file)


def _description(path: Path) -> Path:
    return path.with_name(f"{path.name}.dvc")
