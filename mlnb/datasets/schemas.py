"""Files of expectations: pandera schemas in YAML, read strictly and inferred from a version.

The format is pandera's own, so that what its documentation says holds, and a schema that was
written for pandera can be used as it is. Only a misspelt key is an error here.
"""

from pathlib import Path
from typing import Any

import yaml

from mlnb.core.errors import BadInput, UnknownName, UnsupportedData, suggestion
from mlnb.core.extras import require
from mlnb.core.names import check_name
from mlnb.core.project import Project

FOLDER = "expectations"
_FEW = 20
"""Texts with at most this many different values are expected to keep to them."""
_OFTEN = 10
"""… if each occurs this often on average."""
_TOP = (
    *("schema_type", "api", "version", "name", "title", "description", "metadata", "dtype"),
    *("columns", "index", "multiindex", "checks", "unique", "strict", "ordered", "coerce"),
    *("report_duplicates", "unique_column_names", "add_missing_columns", "drop_invalid_rows"),
)
_COLUMN = (
    *("dtype", "nullable", "unique", "required", "regex", "checks", "coerce", "default"),
    *("title", "description", "metadata", "report_duplicates", "drop_invalid_rows"),
)
_NO_CHECKS = {
    *("from_builtin_check_name", "get_backend", "get_builtin_check_fn", "is_builtin_check"),
    *("register_backend", "register_builtin_check_fn"),
}
"""What pandera's class of checks has besides."""
_HEAD = """\
# What {name} is expected to hold: a pandera schema, inferred from {ref}. Edit it, then:
#   mlnb dataset check {name}
#   mlnb dataset save DATA {name} --expect
# Columns: dtype, nullable, unique, required, and checks such as greater_than_or_equal_to,
# less_than, in_range: {{min_value: 0, max_value: 1}}, isin: [a, b], str_matches: '^[A-Z]{{2}}$'.
# 'strict: true' allows no further columns. All: pandera.readthedocs.io
"""


def path_of(here: Project, name: str, file: Path | str | None = None) -> Path:
    """Return the file of a dataset's expectations: the one given, else the project's own."""
    return Path(file) if file else here.root / FOLDER / f"{check_name('dataset', name)}.yaml"


def read(path: Path, name: str) -> Any:
    """Return the schema in a file, a `pandera.pandas.DataFrameSchema`.

    Raises
    ------
    UnknownName
        If there is no such file.
    BadInput
        If it is no schema; naming the first key that is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UnknownName(
            "file of expectations",
            path.name,
            [item.name for item in path.parent.glob("*.yaml")],
            fix=f"Write one: dataset expect {name} --infer",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path.name} cannot be read: {error}.") from None
    return parse(text, path.name)


def parse(text: str, where: str) -> Any:
    """Return the schema that a text holds (errors as in `read`)."""
    pandera = require("pandera.pandas", "checks")
    io = require("pandera.io.pandas_io", "checks")
    try:
        body = yaml.safe_load(text)
    except yaml.YAMLError as error:
        line = getattr(error, "problem_mark", None)
        at = f", line {line.line + 1}" if line else ""
        raise BadInput(f"{where}{at}: {getattr(error, 'problem', error)}.") from None
    _check_keys(body, where, pandera.Check)
    for column, facts in body["columns"].items():
        try:
            io.deserialize_schema({"columns": {column: dict(facts or {})}})
        except Exception as error:  # whatever it says, it is the file that is wrong
            raise BadInput(f"{where}: column {column!r}: {_plain(error)}.") from None
    try:
        columns = {key: dict(facts or {}) for key, facts in body["columns"].items()}
        return io.deserialize_schema({**body, "columns": columns})
    except Exception as error:  # as above
        raise BadInput(f"{where}: {_plain(error)}.") from None


def _check_keys(body: Any, where: str, checks: Any) -> None:
    """Refuse what pandera would pass over without a word."""
    if not isinstance(body, dict) or not isinstance(body.get("columns"), dict):
        raise BadInput(f"{where} has no columns.", "Write `columns:` with a mapping of names.")
    for key in body:
        if key not in _TOP and not _is_check(checks, key):
            raise BadInput(f"{where}: {key!r} is no key of a schema.", suggestion(str(key), _TOP))
    for column, facts in body["columns"].items():
        inside = f"{where}: column {column!r}"
        if facts is not None and not isinstance(facts, dict):
            raise BadInput(f"{inside} is no mapping.", "Write `dtype: int64`, say, below it.")
        listed = (facts or {}).get("checks") or {}
        for key in facts or {}:
            if key not in _COLUMN and not _is_check(checks, key):
                known = [*_COLUMN, *_check_names(checks)]
                hint = suggestion(str(key), known)
                raise BadInput(f"{inside} has {key!r}, which is no key and no check.", hint)
        for key in listed if isinstance(listed, dict) else ():
            if not _is_check(checks, key):
                raise BadInput(
                    f"{inside}: no check {key!r}.", suggestion(key, _check_names(checks))
                )


def _is_check(checks: Any, name: Any) -> bool:
    if not isinstance(name, str) or name.startswith("_") or name in _NO_CHECKS:
        return False
    try:
        return callable(getattr(checks, name))
    except AttributeError:
        return False


def _check_names(checks: Any) -> list[str]:
    return [name for name in dir(checks) if _is_check(checks, name) and not name.startswith("cf_")]


def _plain(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


# -- inferring -----------------------------------------------------------------------------------


def infer(frame: Any, name: str, ref: str) -> str:
    """Return the text of a schema that a frame meets.

    Numbers are expected in the range they have, texts of few values to be among them, gaps only
    where there are some.

    Raises
    ------
    UnsupportedData
        If a column's label is neither text nor a whole number.
    """
    columns: dict[Any, dict[str, Any]] = {}
    for position, label in enumerate(frame.columns):
        if not isinstance(label, str | int):
            raise UnsupportedData(
                f"The column label {label!r} cannot be written to a schema.",
                "Name the columns by text.",
            )
        columns[label] = _column(frame.iloc[:, position])
    body = {"schema_type": "dataframe", "strict": False, "columns": columns}
    text = _HEAD.format(name=name, ref=ref)
    return text + yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=100)


def _column(series: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if _is_known(series):
        facts["dtype"] = str(series.dtype)
    facts["nullable"] = bool(series.isna().any())
    checks = _checks(series)
    if checks:
        facts["checks"] = checks
    return facts


def _is_known(series: Any) -> bool:
    """Tell whether pandera can write and read the type's name."""
    pandera = require("pandera.pandas", "checks")
    try:
        fits = fits_type(pandera.Column(str(series.dtype)).dtype, series)
    except Exception:  # it has no name for some types of Arrow's
        return False
    return bool(getattr(fits, "all", lambda: fits)())


def fits_type(wanted: Any, series: Any) -> Any:
    """Return whether a column is of pandera's type, or for each row whether its value is."""
    engine = require("pandera.engines.pandas_engine", "checks")
    return wanted.check(engine.Engine.dtype(series.dtype), series)


def _checks(series: Any) -> dict[str, Any]:
    import pandas as pd
    from pandas.api import types

    kind = series.dtype
    if isinstance(kind, pd.CategoricalDtype):
        values = kind.categories.tolist()
        return {"isin": values} if all(isinstance(v, str | int) for v in values) else {}
    if types.is_numeric_dtype(kind) and not types.is_bool_dtype(kind):
        low, high = series.min(), series.max()
        if types.is_complex_dtype(kind) or pd.isna(low) or not _is_plain(low):
            return {}
        return {"greater_than_or_equal_to": low.item(), "less_than_or_equal_to": high.item()}
    if types.is_string_dtype(kind) and not types.is_object_dtype(kind):
        values = series.dropna().unique()
        if 0 < len(values) <= _FEW and len(series) >= _OFTEN * len(values):
            return {"isin": sorted(str(value) for value in values)}
    return {}


def _is_plain(value: Any) -> bool:
    """Tell whether a number can be written in YAML without losing anything."""
    return isinstance(getattr(value, "item", lambda: None)(), int | float)
