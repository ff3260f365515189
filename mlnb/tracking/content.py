"""What a user logs, checked and turned into what MLflow takes."""

import math
import numbers
import operator
import os
import posixpath
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from mlnb.core import redaction
from mlnb.core.errors import BadInput, UnsupportedData
from mlnb.core.project import STATE

_KEY = re.compile(r"[\w\-. :/]{1,250}")
POINTS = 50_000
"""A figure with more points is kept as PNG only: its SVG would be megabytes."""
_FILE = re.compile(r"[\w\-. ]+(/[\w\-. ]+)*")
_DEEPEST = 50
_STEPS = 2**63
"""Stores keep a step as a whole number of 64 bits."""


def params(given: Mapping[str, Any]) -> dict[str, str]:
    """Return parameters as text without secrets; nested mappings become dotted names.

    Raises
    ------
    BadInput
        If a name has characters MLflow refuses, or mappings are nested without end.
    """
    return _flat(named("params", given), 0)


def _flat(given: Mapping[str, Any], depth: int) -> dict[str, str]:
    if depth > _DEEPEST:
        raise BadInput(f"Parameters are nested in more than {_DEEPEST} mappings.")
    flat: dict[str, str] = {}
    for name, value in given.items():
        if isinstance(value, Mapping) and value:
            nested = {f"{name}.{inner}": item for inner, item in value.items()}
            flat.update(_flat(nested, depth + 1))
        else:
            known = key("parameter", name)
            # The text of a list or an object may hold names that say what is secret, too.
            flat[known] = redaction.named(name, redaction.source(str(value)))
    return flat


def named(what: str, given: Any) -> Mapping[str, Any]:
    """Return what was given by name, if it was.

    Raises
    ------
    BadInput
        If it is no mapping.
    """
    if not isinstance(given, Mapping):
        raise BadInput(
            f"{what} is a {type(given).__name__}, and a mapping is needed.",
            f"Name each: {what}={{'name': …}}",
        )
    return given


def metrics(given: Mapping[str, Any]) -> dict[str, float]:
    """Return metrics as floats.

    Raises
    ------
    BadInput
        If a value is no number.
    """
    if not isinstance(given, Mapping):
        named("metrics", given)
    return {key("metric", name): _number(name, value) for name, value in given.items()}


def step(given: Any) -> int:
    """Return a step as a whole number.

    Raises
    ------
    BadInput
        If it is none, or needs more than 64 bits.
    """
    try:
        whole = int(given) if isinstance(given, float) and given.is_integer() else None
        found = operator.index(given) if whole is None else whole
    except TypeError:
        found = _STEPS
    if -_STEPS <= found < _STEPS:
        return found
    raise BadInput(f"The step {given!r} is no whole number of 64 bits.", "Pass 0, 1, 2, …")


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
            "Use letters, digits, '_', '-', '.', ':', '/' and spaces, at most 250; parts between "
            "'/' are neither empty nor '.' nor '..'.",
        )
    return found


@lru_cache(maxsize=4096)
def _key(name: str) -> str:
    """Return a name that MLflow takes, else ``""``; a secret has no business in one."""
    if not _KEY.fullmatch(name) or name.startswith(("/", "..")) or name == ".":
        return ""
    if posixpath.normpath(name) != name:  # MLflow takes it for a path that can be written shorter
        return ""
    return _without_secrets(name)


def _without_secrets(name: str) -> str:
    clean = redaction.text(name)
    return clean if clean == name else clean.replace(redaction.MARK, "redacted")


def _number(name: str, value: Any) -> float:
    if hasattr(value, "item") and getattr(value, "size", 1) == 1:  # NumPy, PyTorch
        value = value.item()
    if not isinstance(value, numbers.Real):
        raise BadInput(f"The metric {name!r} is {value!r}, which is no number.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf if operator.gt(value, 0) else -math.inf
    return number if not math.isinf(number) else math.copysign(1.7976931348623157e308, number)


def file_name(name: str, suffix: str = "") -> str:
    """Return a relative artifact path, with the suffix when it has none.

    Raises
    ------
    BadInput
        If the path would lead out of the run's artifacts.
    """
    if not isinstance(name, str) or not _FILE.fullmatch(name) or ".." in name.split("/"):
        raise BadInput(
            f"{name!r} cannot name an artifact.", "Use a relative path such as 'plots/roc.png'."
        )
    name = _without_secrets(name)
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
        try:
            return pd.DataFrame({name: list(column) for name, column in data.items()})
        except (TypeError, ValueError) as error:
            raise UnsupportedData(
                f"A mapping is no table: {error}.",
                "Pass columns of one length: {'name': [1, 2], 'other': ['a', 'b']}.",
            ) from None
    try:
        return nw.from_native(data, eager_only=True).to_pandas()
    except TypeError:
        raise UnsupportedData(
            f"A {type(data).__name__} is no table.", "Pass a pandas, polars or Arrow table."
        ) from None


def files(
    given: str | Path | Iterable[str | Path] | Mapping[str, str | Path],
) -> dict[str, Path]:
    """Return local files by where they go in the run's artifacts; of a folder, all that is in it.

    Links are followed. Left out are, in a folder, what is no file (a socket, a link to nothing)
    and mlnb's own ``.mlnb``.

    Raises
    ------
    BadInput
        If one is not there, is no file that can be read, or has a name that is no text.
    """
    if isinstance(given, str | os.PathLike):
        given = [given]
    try:
        pairs = given.items() if isinstance(given, Mapping) else [("", item) for item in given]
        paths = [(file_name(folder) if folder else "", Path(item)) for folder, item in pairs]
    except TypeError:
        raise BadInput(f"{given!r} names no files to keep as artifacts.") from None
    found: dict[str, Path] = {}
    for folder, path in paths:
        if path.is_dir():
            found.update(_below(path, folder or path.name, frozenset()))
        elif path.is_file():
            found[f"{folder}/{path.name}" if folder else path.name] = path
        elif path.exists():
            raise BadInput(f"{str(path)!r} is neither a file nor a folder.")
        else:
            raise BadInput(f"There is no file {str(path)!r} to keep as an artifact.")
    for target, path in found.items():
        _check_file(target, path)
    return {_without_secrets(target): path for target, path in found.items()}


def _below(folder: Path, target: str, above: frozenset[Path]) -> dict[str, Path]:
    """Return the files in a folder; a link to a folder that it is in is not followed."""
    real = folder.resolve()
    found: dict[str, Path] = {}
    try:
        inside = sorted(folder.iterdir())
    except OSError as error:
        raise BadInput(f"The folder {str(folder)!r} cannot be read: {error.strerror}.") from None
    for path in inside:
        place = f"{target}/{path.name}" if target else path.name
        if path.is_dir():
            if path.name != STATE and path.resolve() not in above | {real}:
                found.update(_below(path, place, above | {real}))
        elif path.is_file():
            found[place] = path
    return found


def _check_file(target: str, path: Path) -> None:
    try:
        target.encode()
    except UnicodeEncodeError:
        raise BadInput(f"The name of the file {str(path)!r} is no text.", "Rename it.") from None
    if not os.access(path, os.R_OK):
        raise BadInput(f"The file {str(path)!r} cannot be read.", "Check who may read it.")
