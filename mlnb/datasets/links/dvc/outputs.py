"""What DVC tracks: the outputs that ``.dvc`` and ``dvc.lock`` files name."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Any

import yaml

from mlnb.core.errors import UnknownName, UnreadableRecord, UnsupportedData
from mlnb.datasets.links.dvc.repository import Repository

LOCK = "dvc.lock"
_MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")


@dataclass(frozen=True)
class Output:
    """A tracked file or folder."""

    path: str
    """Relative to the DVC root."""
    md5: str
    """Ends with ``.dir`` for a folder."""
    legacy: bool = False
    """Written by DVC 1 or 2, whose MD5 of a text file takes CRLF for LF."""

    @property
    def is_folder(self) -> bool:
        """Tell whether it is a folder."""
        return self.md5.endswith(".dir")


def tracked(repository: Repository, path: str) -> tuple[Output, str]:
    """Return the output that a path is, or is inside of, and the rest of the path.

    Raises
    ------
    UnknownName
        If DVC does not track it.
    UnsupportedData
        If it does, in a way that has no MD5.
    """
    path = normpath(path.removesuffix(".dvc") if _is_description(repository, path) else path)
    wanted = [path, *map(str, PurePosixPath(path).parents)][:-1]
    known = []
    for output in _nearest_first(repository, wanted):
        if output.path in wanted:
            if not _MD5.fullmatch(output.md5):
                raise UnsupportedData(
                    f"DVC tracks {output.path!r} of {repository.shown} without an MD5 "
                    "(as a cloud version or by a server's checksum).",
                    "Track it with `dvc add`.",
                )
            return output, path.removeprefix(output.path).lstrip("/")
        known.append(output.path)
    raise UnknownName(f"data tracked by DVC in {repository.shown}:", path, known)


def contents(manifest: bytes, shown: str) -> dict[str, str]:
    """Return the MD5 of each file of a folder, by its path below the folder.

    Raises
    ------
    UnreadableRecord
        If it is damaged, or names a file outside the folder.
    """
    what = f"DVC folder {shown}"
    try:
        entries = [(str(item["relpath"]), str(item["md5"])) for item in json.loads(manifest)]
    except (ValueError, TypeError, KeyError) as error:
        raise UnreadableRecord(what, f"its .dir object is damaged ({error!r})") from None
    found: dict[str, str] = {}
    for path, md5 in entries:
        if not _is_below(path):
            raise UnreadableRecord(what, f"it names a file outside the folder: {path!r}")
        if not _MD5.fullmatch(md5) or md5.endswith(".dir"):
            raise UnreadableRecord(what, f"{path!r} has no MD5: {md5!r}")
        found[path] = md5
    if len(found) != len(entries):
        raise UnreadableRecord(what, "it names a file twice")
    for path in found:
        for parent in map(str, PurePosixPath(path).parents):
            if parent in found:
                raise UnreadableRecord(what, f"{parent!r} is both a file and a folder")
    return found


def listing(files: dict[str, str]) -> bytes:
    """Return a folder's ``.dir`` object, byte for byte as DVC writes it."""
    entries = [{"md5": files[path], "relpath": path} for path in sorted(files)]
    return json.dumps(entries, sort_keys=True).encode()


def _is_below(path: str) -> bool:
    return bool(
        path
        and "\0" not in path
        and "\\" not in path
        and not path.startswith("/")
        and ":" not in path.split("/")[0]
        and all(part not in ("", ".", "..") for part in path.split("/"))
    )


def _is_description(repository: Repository, path: str) -> bool:
    return path.endswith(".dvc") and repository.read(path) is not None


def _nearest_first(repository: Repository, wanted: list[str]) -> Iterator[Output]:
    """Yield all outputs; those of the files where DVC puts them by default come first."""
    guesses = [f"{path}.dvc" for path in wanted]
    for name in guesses:
        text = repository.read(name)
        if text is not None:
            yield from _outputs(repository, name, text)
    for name in repository.described():
        if name not in guesses:
            yield from _outputs(repository, name, repository.read(name) or b"")


def _outputs(repository: Repository, name: str, text: bytes) -> list[Output]:
    """Return the outputs that a file names."""
    folder = str(PurePosixPath(name).parent)
    try:
        data = _parsed(text)
        if PurePosixPath(name).name == LOCK:
            stages: dict[str, Any] = data["stages"] if "schema" in data else data  # DVC 1 has none
            directories = _working_directories(repository, folder)
            return [
                _output(item, f"{folder}/{directories.get(stage.split('@')[0], '.')}")
                for stage, body in stages.items()
                for item in body.get("outs", [])
            ]
        where = f"{folder}/{data.get('wdir', '.')}"
        return [_output(item, where) for item in data.get("outs", [])]
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise UnreadableRecord(f"{name} of {repository.shown}", reason) from None


def _parsed(text: bytes) -> dict[str, Any]:
    """Return a YAML file with every value as text.

    DVC writes YAML 1.2, where a file may be called ``yes`` or ``1_000`` without quotes; PyYAML's
    own reading, YAML 1.1, would make a truth or a number of it.
    """
    return yaml.load(text, Loader=yaml.BaseLoader) or {}  # noqa: S506  (makes nothing but text)


def _output(item: dict[str, Any], folder: str) -> Output:
    path = normpath(f"{folder}/{item['path']}")
    return Output(path, str(item.get("md5", "")), legacy=item.get("hash") != "md5")


def _working_directories(repository: Repository, folder: str) -> dict[str, str]:
    """Return where each stage of a ``dvc.yaml`` runs: its outputs' paths start there."""
    stages = _parsed(repository.read(f"{folder}/dvc.yaml") or b"").get("stages", {})
    bodies = {name: body.get("do", body) for name, body in stages.items()}
    return {name: str(body["wdir"]) for name, body in bodies.items() if "wdir" in body}
