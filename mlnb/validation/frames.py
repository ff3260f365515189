"""Tables that validation and monitoring are given: a dataset reference, a file or a frame."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlnb.core.errors import SignatureMismatch, UnknownName, UnsupportedData, suggestion

if TYPE_CHECKING:
    import pandas as pd

READERS = {".csv": "read_csv", ".parquet": "read_parquet"}


def is_file(text: str) -> bool:
    """Tell a file's name from a dataset reference: by its suffix, as a dataset's may have dots."""
    return Path(text).suffix.lower() in READERS


def table(data: Any) -> tuple["pd.DataFrame", str]:
    """Return a pandas frame, and the dataset version it is (empty when it is none).

    Parameters
    ----------
    data : str, Path or DataFrame
        A dataset reference such as ``flights@2``, a CSV or Parquet file, or a frame (pandas,
        polars or Arrow).

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
    if isinstance(data, Path) or (isinstance(data, str) and is_file(data)):
        return _file(Path(data)), ""
    if isinstance(data, str):
        from mlnb.datasets import load, resolve

        ref = resolve(data).ref
        return load(ref).reset_index(drop=True), ref
    return _native(data), ""


def _file(path: Path) -> "pd.DataFrame":
    import pandas as pd

    if path.suffix.lower() not in READERS:
        raise UnsupportedData(f"{path} is neither CSV nor Parquet.", "Convert it to one of these.")
    if not path.is_file():
        near = [str(item) for item in path.parent.iterdir()] if path.parent.is_dir() else []
        raise UnknownName("file", str(path), near)
    try:
        frame: pd.DataFrame = getattr(pd, READERS[path.suffix.lower()])(path)
    except (ValueError, OSError) as error:
        raise UnsupportedData(f"{path} cannot be read: {str(error).splitlines()[0]}.") from None
    return frame


def _native(data: Any) -> "pd.DataFrame":
    import narwhals as nw

    try:
        frame: pd.DataFrame = nw.from_native(data, eager_only=True).to_pandas()
    except TypeError:
        raise UnsupportedData(
            f"A {type(data).__name__} is no table.",
            "Give a data frame, a CSV or Parquet file, or a dataset reference.",
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
