"""Tables that validation and monitoring are given: a dataset reference, a file or a frame."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlnb.core.errors import SignatureMismatch, UnsupportedData, suggestion

if TYPE_CHECKING:
    import pandas as pd

FILES = frozenset({".csv", ".json", ".jsonl", ".parquet"})


def table(data: Any) -> tuple["pd.DataFrame", str]:
    """Return a pandas frame, and the dataset version it is (empty when it is none).

    Parameters
    ----------
    data : str, Path or DataFrame
        A dataset reference such as ``flights@2``, a file as `mlnb.datasets.save` takes it (the
        frame is the one that saving and loading it would give), or a pandas, polars or Arrow
        table.

    Raises
    ------
    UnknownName
        If there is no such dataset, version or file.
    UnsupportedData
        If it is none of these.
    """
    import pandas as pd

    if isinstance(data, pd.DataFrame):
        return data.reset_index(drop=True), ""
    if isinstance(data, Path) or (isinstance(data, str) and _is_file(data)):
        from mlnb.datasets.pandas_frames import to_pandas
        from mlnb.datasets.sources import read

        return to_pandas(read(Path(data))).reset_index(drop=True), ""
    if isinstance(data, str):
        from mlnb.datasets import load, resolve

        ref = resolve(data).ref
        return load(ref).reset_index(drop=True), ref
    return _native(data), ""


def _is_file(text: str) -> bool:
    """Tell a file's name from a dataset reference: by its suffix, as a dataset's may have dots."""
    return Path(text).suffix.lower() in FILES


def _native(data: Any) -> "pd.DataFrame":
    import narwhals as nw

    try:
        frame: pd.DataFrame = nw.from_native(data, eager_only=True).to_pandas()
    except TypeError:
        raise UnsupportedData(
            f"A {type(data).__name__} is no table.",
            "Give a data frame, a CSV, Parquet or JSON file, or a dataset reference.",
        ) from None
    return frame


def column(frame: "pd.DataFrame", name: str, role: str) -> "pd.Series[Any]":
    """Return a column.

    Raises
    ------
    SignatureMismatch
        Naming the column and the nearest one there is.
    """
    if name not in frame.columns:
        raise SignatureMismatch(
            name, f"the data has no such column for the {role}", fix=suggestion(name, frame.columns)
        )
    found: pd.Series[Any] = frame[name]
    return found
