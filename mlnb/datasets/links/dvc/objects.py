"""Where the bytes of a DVC object are: the cache, a remote, or by ``dvc get``."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mlnb.core import project
from mlnb.core.errors import Failed, TimedOut
from mlnb.datasets.links.dvc import outputs
from mlnb.datasets.links.dvc.repository import FOLDER, Repository
from mlnb.datasets.links.verified import digests

LAYOUT = Path("files") / "md5"
"""Below a cache or a remote, since DVC 3; before, right below it."""
FETCHING = 3600.0
_ENVIRONMENT = {
    "endpointurl": ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"),
    "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
}
"""A remote's settings that may stand in the environment, too."""


def object_path(md5: str) -> Path:
    """Return an object's path below `LAYOUT`."""
    return Path(md5[:2]) / md5[2:]


def cache(repository: Repository) -> Path | None:
    """Return the folder of a work tree's cache; None for a clone."""
    configured = repository.settings.get("cache", {}).get("dir")
    if configured is not None:
        return repository.folder(configured)
    return repository.root / FOLDER / "cache" if repository.root is not None else None


def locate(repository: Repository, md5: str) -> Path | None:
    """Return an object's file on this machine, or None."""
    for folder in _folders(repository):
        for layout in (folder / LAYOUT, folder):
            file = layout / object_path(md5)
            if file.is_file():
                return file
    return None


def is_intact(file: Path, output: outputs.Output) -> bool:
    """Tell whether an object's bytes have the MD5 that it is named by."""
    if digests([file], "md5")[file] == output.md5.removesuffix(".dir"):
        return True
    if not output.legacy:
        return False
    text = file.read_bytes().replace(b"\r\n", b"\n")
    return hashlib.md5(text, usedforsecurity=False).hexdigest() == output.md5


def is_store(repository: Repository, name: str) -> bool:
    """Tell whether a remote is an S3, GCS or Azure store that the environment says all of."""
    values = repository.settings.get(f'remote "{name}"', {})
    own = {key: value for key, value in values.items() if key not in ("url", "jobs")}
    for key, variables in _ENVIRONMENT.items():
        if key in own and own[key] in map(os.environ.get, variables):
            del own[key]
    return not own and values.get("url", "").startswith(("s3://", "gs://", "az://", "azure://"))


def download(repository: Repository, md5: str) -> None:
    """Bring an object into the project from a remote that is a store, if one has it."""
    from mlnb.core.backends.remote import Remote

    for name, url in repository.remotes().items():
        if is_store(repository, name):
            for key in (LAYOUT / object_path(md5), object_path(md5)):
                try:
                    data = Remote(url).view(key.as_posix())
                except OSError:  # not there, or not to be reached: the next place
                    continue
                _put(data, md5)
                return


def fetch(repository: Repository, output: outputs.Output) -> None:
    """Bring an output's objects into the project with the ``dvc`` program.

    Raises
    ------
    Failed
        If there is no such program, or it does not get them.
    """
    if program() is None:
        raise Failed(
            f"{output.path!r} of {repository.shown} is not on this machine.",
            "Run `dvc fetch` there, or install DVC here: pip install 'mlnb[dvc]'",
        )
    own = _own()
    own.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=own, prefix=".get.") as name:
        target = Path(name) / "data"
        path = f"{repository.base}/{output.path}" if repository.base else output.path
        revision = ["--rev", repository.commit] if repository.commit else []
        place = str(repository.top) if repository.root is not None else repository.place
        run_dvc(Path(name), "get", *revision, "--out", str(target), "--", place, path)
        _keep(target)


def run_dvc(folder: Path, *arguments: str) -> None:
    """Run the ``dvc`` program in a folder.

    Raises
    ------
    Failed
        If there is none, or with the reason that it gives.
    """
    found = program()
    if found is None:
        raise Failed("DVC is not installed.", "Run: pip install 'mlnb[dvc]'")
    try:
        done = subprocess.run(  # noqa: S603  (a program found on PATH, no shell)
            [found, *arguments],
            cwd=folder,
            env={**os.environ, "DVC_NO_ANALYTICS": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=FETCHING,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TimedOut(f"dvc {arguments[0]}", FETCHING) from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        said = next((line for line in lines if line.startswith("ERROR")), "ERROR: it failed")
        raise Failed(f"dvc {arguments[0]}: {said.removeprefix('ERROR: ').rstrip('.')}.")


def _keep(fetched: Path) -> None:
    """Move what was fetched under its MD5s."""
    if fetched.is_file():
        _move(fetched)
        return
    files = [item for item in fetched.rglob("*") if item.is_file() and not item.is_symlink()]
    named = {file.relative_to(fetched).as_posix(): _move(file) for file in files}
    listing = outputs.listing(named)
    file = fetched / ".listing"
    file.write_bytes(listing)
    _move(file, ".dir")


def _move(file: Path, suffix: str = "") -> str:
    with file.open("rb") as stream:
        md5 = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    target = _own() / LAYOUT / object_path(md5 + suffix)
    target.parent.mkdir(parents=True, exist_ok=True)
    file.replace(target)
    return md5


def _folders(repository: Repository) -> Iterator[Path]:
    own = cache(repository)
    if own is not None:
        yield own
    yield _own()
    for url in repository.remotes().values():
        folder = repository.folder(url)
        if folder is not None:
            yield folder


def _own() -> Path:
    return project.current().local / "dvc"


def _put(data: memoryview, md5: str) -> None:
    target = _own() / LAYOUT / object_path(md5)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}")
    part.write_bytes(data)
    part.replace(target)


def program() -> str | None:
    """Return the ``dvc`` of this environment, or the one on PATH."""
    beside = Path(sys.executable).with_name("dvc")
    return str(beside) if beside.is_file() else shutil.which("dvc")
