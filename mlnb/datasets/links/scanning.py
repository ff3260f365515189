"""Give another engine a version to read lazily, at exactly that state."""

from typing import Any, Literal, get_args

from mlnb.core import lineage
from mlnb.core.errors import BadInput, suggestion
from mlnb.core.extras import require
from mlnb.datasets import versions
from mlnb.datasets.links import backends
from mlnb.datasets.records import StoredVersion

ScanEngine = Literal["polars", "duckdb", "arrow"]


def scan(ref: str, *, engine: ScanEngine = "polars") -> Any:
    """Open a version for reading by another engine, which reads only what its query needs.

    Parameters
    ----------
    ref : str
        As in `resolve`.
    engine : {"polars", "duckdb", "arrow"}
        A polars ``LazyFrame``, a DuckDB relation or a ``pyarrow.dataset.Dataset``. Links are
        scanned where they are, at the state they pin; other versions from the store.

    Returns
    -------
    polars.LazyFrame, duckdb.DuckDBPyRelation or pyarrow.dataset.Dataset

    Raises
    ------
    UnknownName, InvalidReference
        If the reference means no version.
    BrokenLink
        If what a link pins is not there as it was.
    """
    if engine not in get_args(ScanEngine):
        known = get_args(ScanEngine)
        raise BadInput(f"{engine!r} is no engine.", suggestion(str(engine), known))
    if engine != "arrow":
        require(engine, engine)
    stored = versions.find(ref)
    if stored.kind != "link":
        return _stored(stored, engine)
    opened = _link(stored, engine)
    version = versions.public(stored)
    lineage.record_input("dataset", version.ref, version.digest, value=version)
    return opened


def _link(stored: StoredVersion, engine: str) -> Any:
    source = backends.of_version(stored)
    if not getattr(source, "is_table", True):
        raise source.no_table()
    if engine == "polars":
        return source.polars()
    return _over(source.dataset(), engine)


def _stored(stored: StoredVersion, engine: str) -> Any:
    import pyarrow.dataset as ds

    from mlnb.datasets.loading import load

    table = load(stored.ref, engine="arrow")
    if engine == "polars":
        import polars

        return polars.DataFrame(table).lazy()
    return _over(ds.dataset(table), engine)


def _over(dataset: Any, engine: str) -> Any:
    """Return a dataset, or DuckDB's relation over it."""
    if engine == "arrow":
        return dataset
    import duckdb

    return duckdb.from_arrow(dataset)
