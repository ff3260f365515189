"""What a user logs, checked and turned into what MLflow takes."""

import math
import numbers
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from mlnb.core import redaction
from mlnb.core.errors import BadInput, UnsupportedData

_KEY = re.compile(r"[\w\-. :/]{1,250}")
POINTS = 50_000
"""A figure with more points is kept as PNG only: its SVG would be megabytes."""
_FILE = re.compile(r"[\w\-. ]+(/[\w\-. ]+)*")


def params(given: Mapping[str, Any]) -> dict[str, str]:
    """Return parameters as text without secrets; nested mappings become dotted names.

    Raises
    ------
    BadInput
        If a name has characters MLflow refuses.
    """
    flat: dict[str, str] = {}
    for name, value in given.items():
        if isinstance(value, Mapping) and value:
            nested = {f"{name}.{inner}": item for inner, item in value.items()}
            flat.update(params(nested))
        else:
            flat[key("parameter", name)] = redaction.named(name, str(value))
    return flat


def metrics(given: Mapping[str, Any]) -> dict[str, float]:
    """Return metrics as floats.

    Raises
    ------
    BadInput
        If a value is no number.
    """
    return {key("metric", name): _number(name, value) for name, value in given.items()}


def key(kind: str, name: object) -> str:
    """Return a parameter's, metric's or tag's name if MLflow takes it.

    Raises
    ------
    BadInput
        If it does not.
    """
    found = _key(name) if isinstance(name, str) else ""
    if not found:
        raise BadInput(
            f"{name!r} cannot name a {kind}.",
            "Use letters, digits, '_', '-', '.', ':', '/' and spaces, at most 250.",
        )
    return found


@lru_cache(maxsize=4096)
def _key(name: str) -> str:
    """Return a name that MLflow takes, else ``""``; a secret has no business in one."""
    if not _KEY.fullmatch(name):
        return ""
    clean = redaction.text(name)
    return clean if clean == name else clean.replace(redaction.MARK, "redacted")


def _number(name: str, value: Any) -> float:
    if hasattr(value, "item") and getattr(value, "size", 1) == 1:  # NumPy, PyTorch
        value = value.item()
    if not isinstance(value, numbers.Real):
        raise BadInput(f"The metric {name!r} is {value!r}, which is no number.")
    number = float(value)
    return number if not math.isinf(number) else math.copysign(1.7976931348623157e308, number)


def file_name(name: str, suffix: str = "") -> str:
    """Return a relative artifact path, with the suffix when it has none.

    Raises
    ------
    BadInput
        If the path would lead out of the run's artifacts.
    """
    if not _FILE.fullmatch(name) or ".." in name.split("/"):
        raise BadInput(
            f"{name!r} cannot name an artifact.", "Use a relative path such as 'plots/roc.png'."
        )
    return name if not suffix or Path(name).suffix else name + suffix


def figure_files(name: str, figure: Any) -> dict[str, bytes]:
    """Return a figure as the files that a run keeps: PNG, and SVG where it is drawn in lines.

    A name with a suffix gives one file: ``roc.svg``, or PNG under any other.

    Raises
    ------
    BadInput
        If the name cannot be an artifact's.
    UnsupportedData
        If the figure can be shown as no PNG (or SVG, where that was asked for).
    """
    path = f"figures/{file_name(name, '.png')}"
    if Path(name).suffix == ".svg":
        drawn = svg(figure)
        if drawn is None:
            raise UnsupportedData(
                f"A {type(figure).__name__} cannot be drawn as SVG.",
                "Pass a matplotlib figure of fewer points, or leave the suffix out.",
            )
        return {path: drawn}
    files = {path: png(figure)}
    drawn = None if Path(name).suffix else svg(figure)
    if drawn is not None:
        files[f"figures/{name}.svg"] = drawn
    return files


def png(figure: Any) -> bytes:
    """Return a figure as PNG: matplotlib (or seaborn), PIL, PNG bytes, whatever Jupyter can show.

    Raises
    ------
    UnsupportedData
        If it can be shown as no PNG.
    """
    if isinstance(figure, bytes) and figure.startswith(b"\x89PNG"):
        return figure
    figure = _figure_of(figure)
    if hasattr(figure, "savefig"):
        stream = BytesIO()
        figure.savefig(stream, format="png", bbox_inches="tight")
        return stream.getvalue()
    if hasattr(figure, "save") and hasattr(figure, "getbands"):
        stream = BytesIO()
        figure.save(stream, format="PNG")
        return stream.getvalue()
    shown = figure._repr_png_() if hasattr(figure, "_repr_png_") else None
    if isinstance(shown, bytes):
        return shown
    raise UnsupportedData(
        f"A {type(figure).__name__} is no figure that can be saved as PNG.",
        "Pass a matplotlib figure, an image, or PNG bytes.",
    )


def svg(figure: Any) -> bytes | None:
    """Return a matplotlib figure as SVG; None for anything else, and for very many points."""
    figure = _figure_of(figure)
    if not hasattr(figure, "savefig") or not hasattr(figure, "findobj") or _points(figure) > POINTS:
        return None
    stream = BytesIO()
    # No date: the same figure is then the same file, but for the ids in it.
    figure.savefig(stream, format="svg", bbox_inches="tight", metadata={"Date": None})
    return stream.getvalue()


def _figure_of(figure: Any) -> Any:
    return getattr(figure, "figure", None) or figure  # axes and seaborn grids know theirs


def _points(figure: Any) -> int:
    """Return how many points a figure has to draw, without drawing it."""
    count = 0
    for artist in figure.findobj(lambda item: hasattr(item, "get_offsets")):
        count += len(artist.get_offsets())
    for artist in figure.findobj(lambda item: hasattr(item, "get_xdata")):
        count += len(artist.get_xdata(orig=False))
    return count


def table(data: Any) -> Any:
    """Return a table as a pandas frame: pandas, polars, Arrow, mapping of columns, or file.

    Raises
    ------
    UnsupportedData
        If it is no table.
    """
    import narwhals as nw
    import pandas as pd

    if isinstance(data, Path):
        if data.suffix not in (".csv", ".parquet"):
            raise UnsupportedData(f"{data.name!r} is no table.", "Pass a .csv or .parquet file.")
        return pd.read_csv(data) if data.suffix == ".csv" else pd.read_parquet(data)
    if isinstance(data, Mapping):
        return pd.DataFrame({name: list(column) for name, column in data.items()})
    try:
        return nw.from_native(data, eager_only=True).to_pandas()
    except TypeError:
        raise UnsupportedData(
            f"A {type(data).__name__} is no table.", "Pass a pandas, polars or Arrow table."
        ) from None


def files(given: str | Path | Iterable[str | Path] | Mapping[str, str | Path]) -> dict[Path, str]:
    """Return local files and folders with the artifact folder each goes to.

    Raises
    ------
    BadInput
        If one is not there.
    """
    if isinstance(given, str | Path):
        given = [given]
    pairs = given.items() if isinstance(given, Mapping) else (("", path) for path in given)
    found = {Path(path): file_name(folder) if folder else "" for folder, path in pairs}
    for path in found:
        if not path.exists():
            raise BadInput(f"There is no file {str(path)!r} to keep as an artifact.")
    return found
