"""Dataset versions as an MLflow dataset source.

MLflow finds it by the entry point ``mlflow.dataset_source``, so that
``mlflow.data.get_source(run.inputs.dataset_inputs[0]).load()`` gives the table in any program
where mlnb is installed and the project is current.
"""

from typing import Any

from mlflow.data.dataset_source import DatasetSource

from mlnb.tracking.inputs import SOURCE_TYPE


class MlnbDatasetSource(DatasetSource):
    """One dataset version of the project, ``name@number``."""

    def __init__(self, ref: str, digest: str = "") -> None:
        self.ref = ref
        self.digest = digest

    @staticmethod
    def _get_source_type() -> str:
        return SOURCE_TYPE

    def load(self) -> Any:
        """Return the version as a pandas frame."""
        from mlnb import datasets

        return datasets.load(self.ref)

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
