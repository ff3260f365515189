"""Which backend pins and opens which kind of source."""

from importlib import import_module
from pathlib import Path
from typing import Any

from mlnb.core import project
from mlnb.core.errors import UnknownName, UnreadableRecord, UnsupportedData
from mlnb.datasets import manifests
from mlnb.datasets.links import places
from mlnb.datasets.links.manifest import LinkManifest
from mlnb.datasets.records import StoredVersion

_HOMES = {
    "delta": ("mlnb.datasets.links.delta", "DeltaSource"),
    "dvc": ("mlnb.datasets.links.dvc.tracked", "DvcSource"),
    "iceberg": ("mlnb.datasets.links.iceberg", "IcebergSource"),
    "parquet": ("mlnb.datasets.links.parquet", "ParquetSource"),
}
_FORMS = (
    "Give a Delta or Iceberg table, Parquet files, data tracked by DVC, or a database with a query."
)


def pin(source: Any, at: str | None) -> LinkManifest:
    """Return the manifest of a source as it is now, or at a version of its own.

    Parameters
    ----------
    source : str, Path or an open table
        See `mlnb.datasets.link`.
    at : str, optional
        The source's own version: a number, a snapshot, a git revision.
    """
    kind, place = _kind(source)
    module, _ = _HOMES[kind]
    made: LinkManifest = import_module(module).pin(place, at)
    return made


def opened(manifest: LinkManifest, wanted_by: str) -> Any:
    """Return the `source.Source` of a manifest, verified.

    Raises
    ------
    BrokenLink
        If what was pinned is not there as it was.
    """
    module, name = _HOMES[manifest.type]
    return getattr(import_module(module), name)(manifest, wanted_by)


def of_version(stored: StoredVersion) -> Any:
    """Return the `source.Source` of a version of kind ``link``."""
    return opened(manifests.read(project.current().store, stored), stored.ref)


def _kind(source: Any) -> tuple[str, Any]:
    """Return the kind of a source, and what its backend takes."""
    if not isinstance(source, str | Path):
        module = type(source).__module__.split(".")[0]
        if module == "deltalake" and hasattr(source, "table_uri"):
            return "delta", source
        if module == "pyiceberg" and hasattr(source, "metadata_location"):
            return "iceberg", source
        raise UnsupportedData(f"A {type(source).__name__} cannot be linked.", _FORMS)
    place = str(source)
    prefix, colon, rest = place.partition(":")
    if colon and prefix in _HOMES and not rest.startswith("//"):
        return prefix, rest
    if place.endswith(".metadata.json"):
        return "iceberg", place
    if "#" in place:
        return "dvc", place
    return (_remote(place) if places.is_remote(place) else _local(places.local(place))), place


def _remote(place: str) -> str:
    return "parquet" if place.endswith((".parquet", ".parq", ".pq")) else "delta"


def _local(path: Path) -> str:
    if (path / "_delta_log").is_dir():
        return "delta"
    if path.is_dir() and _is_iceberg(path):
        return "iceberg"
    if _is_tracked(path):
        return "dvc"
    if path.is_dir() or path.suffix.lower() in (".parquet", ".parq", ".pq"):
        return "parquet"
    if not path.exists():
        nearby = [item.name for item in path.parent.glob("*")] if path.parent.is_dir() else []
        raise UnknownName("file or folder", path.name, nearby)
    raise UnsupportedData(f"{path.name!r} cannot be linked.", _FORMS)


def _is_iceberg(folder: Path) -> bool:
    return any((folder / "metadata").glob("*.metadata.json"))


def _is_tracked(path: Path) -> bool:
    """Tell whether DVC tracks a path, or it is a ``.dvc`` file."""
    if path.suffix == ".dvc" and path.is_file():
        return True
    from mlnb.datasets.links.dvc import outputs, repository

    try:
        outputs.tracked(*repository.find(str(path)))
    except UnknownName:
        return False
    except UnsupportedData:
        return True  # and its backend says why it cannot be pinned
    except UnreadableRecord:
        if Path(f"{path}.dvc").exists():
            raise
        return False  # a damaged description of something else
    return True
