"""Data tracked by DVC, pinned by commit and MD5."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from mlnb.core.errors import MlnbError, StoreError, UnsupportedData
from mlnb.core.extras import require
from mlnb.datasets.links import places
from mlnb.datasets.links.dvc import objects, outputs, repository
from mlnb.datasets.links.dvc.outputs import Output
from mlnb.datasets.links.dvc.repository import Repository
from mlnb.datasets.links.manifest import LinkManifest
from mlnb.datasets.links.parquet import SUFFIXES
from mlnb.datasets.links.source import broken, first_line

_TEXTS = (".csv", ".json", ".jsonl")


def pin(source: str, at: str | None) -> LinkManifest:
    """Return the manifest of data that DVC tracks.

    Parameters
    ----------
    source : str
        A path in a DVC repository (or its ``.dvc`` file), or ``REPOSITORY#PATH`` with a folder
        or a git URL.
    at : str, optional
        A git revision. By default the state of the work tree, or a URL's newest commit.
    """
    repo, path = repository.find(source)
    if at is not None:
        repo = repo.at(at)
    output, rest = outputs.tracked(repo, path)
    if not repo.commit:
        repo = _committed(repo, path, output)
    md5, legacy = output.md5, output.legacy
    if rest:
        if not output.is_folder:
            raise UnsupportedData(f"{output.path!r} is a file; there is no {path!r}.")
        files = _contents(repo, output)
        if rest not in files:
            raise UnsupportedData(
                f"There is no file {rest!r} in {output.path!r} of {repo.shown}.",
                "Link the whole folder, or one of its files.",
            )
        md5 = files[rest]
    pinned = {
        "path": f"{output.path}/{rest}".rstrip("/"),
        "md5": md5,
        "revision": repo.commit,
        **({"output": output.path} if rest else {}),
        **({"base": repo.base} if repo.base and repo.root is None else {}),
        **({"hash": "md5-dos2unix"} if legacy else {}),
    }
    return LinkManifest(type="dvc", location=places.recorded(repo.place), pin=pinned)


def _committed(repo: Repository, path: str, output: Output) -> Repository:
    """Return the repository at HEAD when this state is committed, else the work tree."""
    try:
        head = repo.at("HEAD")
        return head if outputs.tracked(head, path)[0] == output else repo
    except MlnbError:
        return repo


def _contents(repo: Repository, output: Output) -> dict[str, str]:
    file = objects.locate(repo, output.md5)
    if file is None:
        objects.download(repo, output.md5)
        file = objects.locate(repo, output.md5)
    if file is None:
        objects.fetch(repo, output)
        file = objects.locate(repo, output.md5)
    if file is None or not objects.is_intact(file, output):
        raise UnsupportedData(f"DVC's list of the files in {output.path!r} is missing or damaged.")
    return outputs.contents(file.read_bytes(), output.path)


class DvcSource:
    """Tracked data: a table when it is a table's file or a folder of Parquet files."""

    def __init__(self, manifest: LinkManifest, wanted_by: str) -> None:
        self._manifest = manifest
        self._wanted_by = wanted_by
        pinned = manifest.pin
        legacy = pinned.get("hash") == "md5-dos2unix"
        self._output = Output(pinned["path"], pinned["md5"], legacy)
        self._whole = Output(pinned.get("output", pinned["path"]), pinned["md5"], legacy)
        self._repo = repository.reopen(
            manifest.location, pinned["revision"], pinned.get("base", "")
        )
        listed = self._object(self._output)
        self.files: dict[str, Path] = {"": listed}
        """Each file's path below the data (``""`` for a file itself) and its object."""
        if self._output.is_folder:
            named = self._listed(listed)
            self.files = {
                path: self._object(Output(f"{self._output.path}/{path}", md5, legacy))
                for path, md5 in named.items()
            }

    @property
    def name(self) -> str:
        """Return the data's file name."""
        return PurePosixPath(self._output.path).name

    @property
    def is_folder(self) -> bool:
        """Tell whether it is a folder."""
        return self._output.is_folder

    @property
    def is_table(self) -> bool:
        """Tell whether it can be read as a table."""
        if self._output.is_folder:  # the names of Hive folders hold values, which objects lack
            return bool(self.files) and all(
                path.endswith(SUFFIXES) and "=" not in path for path in self.files
            )
        return self.name.lower().endswith((*SUFFIXES, *_TEXTS))

    @property
    def schema(self) -> Any:
        """Return the Arrow schema."""
        return self._dataset.schema

    @cached_property
    def rows(self) -> int:
        """Return the number of rows."""
        return int(self._dataset.count_rows())

    @property
    def bytes(self) -> int:
        """Return the size of all files."""
        return sum(file.stat().st_size for file in self.files.values())

    def read(self, columns: Sequence[str] | None = None) -> Any:
        """Return an Arrow table."""
        import pyarrow as pa

        try:
            return self._dataset.to_table(columns=list(columns) if columns is not None else None)
        except (pa.ArrowException, OSError) as error:
            raise self._broken(f"it cannot be read: {first_line(error)}") from None

    def dataset(self) -> Any:
        """Return an Arrow dataset: lazy for Parquet, in memory for text."""
        return self._dataset

    def polars(self) -> Any:
        """Return a lazy frame."""
        polars = require("polars", "polars")
        if self._is_text:
            return polars.from_arrow(self.read()).lazy()
        return polars.scan_parquet([self.files[path] for path in sorted(self.files)])

    @property
    def _is_text(self) -> bool:
        return not self.is_folder and self.name.lower().endswith(_TEXTS)

    @cached_property
    def _dataset(self) -> Any:
        import pyarrow as pa
        import pyarrow.dataset as ds

        if not self.is_table:
            raise self.no_table()
        if self._is_text:
            from mlnb.datasets.files import read_file

            suffix = PurePosixPath(self.name).suffix.lower()
            return ds.dataset(read_file(self.files[""], suffix=suffix).table)
        try:
            return ds.dataset([str(self.files[path]) for path in sorted(self.files)])
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._broken(f"it cannot be read: {first_line(error)}") from None

    def no_table(self) -> UnsupportedData:
        """Return the error of asking for a table where there is none."""
        what = "a folder of files" if self.is_folder else "a file"
        return UnsupportedData(
            f"{self._wanted_by} is {what}, not a table.",
            f"Write it out: mlnb dataset export {self._wanted_by} PATH --to files",
        )

    def _listed(self, file: Path) -> dict[str, str]:
        try:
            return outputs.contents(file.read_bytes(), self._output.path)
        except StoreError as error:
            raise self._broken(error.message.rstrip(".")) from None

    def _object(self, output: Output) -> Path:
        """Return an object's verified file, fetched when it is not on this machine."""
        file = objects.locate(self._repo, output.md5)
        if file is None:
            objects.download(self._repo, output.md5)
            file = objects.locate(self._repo, output.md5)
        if file is None:
            try:
                objects.fetch(self._repo, self._whole)
            except MlnbError as error:
                raise self._broken(error.message.rstrip("."), error.fix) from None
            file = objects.locate(self._repo, output.md5)
        if file is None:
            raise self._broken(f"what DVC has for {output.path!r} now has another MD5")
        if not objects.is_intact(file, output):
            raise self._broken(f"the object of {output.path!r} in DVC's cache is damaged")
        return file

    def _broken(self, reason: str, fix: str = "") -> Exception:
        fix = fix or "Remove the object from DVC's cache and run `dvc fetch`."
        return broken(self._wanted_by, self._manifest, reason, fix)
