"""Dataset versions as an MLflow dataset source.

MLflow finds it by the entry point ``mlflow.dataset_source``, so that
``mlflow.data.get_source(run.inputs.dataset_inputs[0]).load()`` gives the table, or the files, in
any program where mlnb is installed and the project is current.
"""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow.data.dataset_source import DatasetSource

from mlnb.tracking.inputs import SOURCE_TYPE

if TYPE_CHECKING:
    from mlnb.core.records import DatasetVersion


class MlnbDatasetSource(DatasetSource):
    """One dataset version of the project, ``name@number``."""

    def __init__(self, ref: str, digest: str = "") -> None:
        self.ref = ref
        self.digest = digest

    @staticmethod
    def _get_source_type() -> str:
        return SOURCE_TYPE

    def load(self) -> Any:
        """Return the version that the run read: a table as a pandas frame, files as a folder.

        Files are written to a new temporary folder, as MLflow's own sources do. A link is read
        where it points to, in the state that it pins.

        Raises
        ------
        UnknownName
            If this project has no such version, or another under its name.
        """
        from mlnb import datasets

        version = self._version()
        if version.kind == "table" or version.columns:
            return datasets.load(version.ref)
        folder = Path(tempfile.mkdtemp(prefix="mlnb-")) / version.name
        datasets.export(version.ref, folder, to="files")
        return str(folder)

    def _version(self) -> "DatasetVersion":
        """Return the version; the one of this content where numbers are not those of the run."""
        from mlnb import datasets
        from mlnb.core.errors import UnknownName

        name = self.ref.partition("@")[0]
        try:
            version = datasets.resolve(self.ref)
            if not self.digest or version.digest == self.digest:
                return version
            return datasets.resolve(f"{name}@{self.digest}")
        except UnknownName:
            if not self.digest or name not in datasets.names():
                raise
        raise UnknownName(
            "dataset version",
            f"{name}@{self.digest[:16]}",
            fix=f"The run read it as {self.ref}: open the run's own project, or pull {name} there.",
        )

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        return False  # a plain string is never taken for one of ours

    @classmethod
    def _resolve(cls, raw_source: Any) -> "MlnbDatasetSource":
        raise TypeError(f"{raw_source!r} is no dataset version")

    def to_dict(self) -> dict[str, Any]:
        """Return the reference and the whole digest."""
        return {"ref": self.ref, "digest": self.digest}

    @classmethod
    def from_dict(cls, source_dict: dict[Any, Any]) -> "MlnbDatasetSource":
        """Read what `to_dict` wrote."""
        return cls(str(source_dict["ref"]), str(source_dict.get("digest", "")))
