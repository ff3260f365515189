"""Bring objects of a DVC cache to the repository's default remote."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from mlnb.core.errors import MlnbError
from mlnb.core.urls import without_secrets
from mlnb.datasets.links.dvc import objects
from mlnb.datasets.links.dvc.repository import Repository


def push(repo: Repository, layout: Path, digests: Sequence[str], path: Path) -> list[str]:
    """Copy objects to the default remote; return what is left to do by hand.

    A remote that is a folder or an S3, GCS or Azure store is written directly, any other by the
    ``dvc`` program. The export stands whether this succeeds or not.

    Parameters
    ----------
    repo : Repository
        The work tree.
    layout : Path
        Where the cache has its objects.
    digests : sequence of str
        Their MD5s; what names others comes after them.
    path : Path
        The data, for the note.
    """
    remotes = repo.remotes()
    name = repo.settings.get("core", {}).get("remote")
    later = f"Push it later: dvc push {path.name}.dvc"
    if name is None or name not in remotes:
        return [f"The repository has no default remote. Add one, then: dvc push {path.name}.dvc"]
    url = remotes[name]
    shown = without_secrets(url)
    try:
        folder = repo.folder(url)
        if folder is not None:
            _to_folder(folder / objects.LAYOUT, layout, digests)
        elif objects.is_store(repo, name):
            _to_store(url, layout, digests)
        else:
            objects.run_dvc(path.parent, "push", "--remote", name, "--", f"{path.name}.dvc")
    except (MlnbError, OSError) as error:
        return [f"It is not in the remote {shown} yet: {str(error).rstrip('.')}. {later}"]
    return [f"Pushed to the remote {shown}."]


def _to_folder(remote: Path, layout: Path, digests: Sequence[str]) -> None:
    for md5 in digests:
        source, target = (root / objects.object_path(md5) for root in (layout, remote))
        if target.is_file() and target.stat().st_size == source.stat().st_size:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        try:
            shutil.copyfile(source, part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)


def _to_store(url: str, layout: Path, digests: Sequence[str]) -> None:
    from mlnb.core.backends.remote import Remote

    remote = Remote(url)
    for md5 in digests:
        key = (objects.LAYOUT / objects.object_path(md5)).as_posix()
        source = layout / objects.object_path(md5)
        try:
            if remote.size(key) == source.stat().st_size:
                continue
        except FileNotFoundError:
            pass
        remote.write(key, source)
