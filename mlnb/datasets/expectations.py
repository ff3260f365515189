"""Expectations on a dataset: inferred, edited as a file of the project, checked, enforced on save.

Each check is counted, and only a few examples are kept of what fails: the time is bounded by the
size of the table, however much of it fails.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlnb.core import project
from mlnb.core.errors import BadInput, Conflict, ExpectationsNotMet
from mlnb.core.extras import require
from mlnb.core.project import Project
from mlnb.datasets import schemas, versions
from mlnb.datasets.loading import load
from mlnb.datasets.records import CheckFailure, CheckReport, Expectations

_EXAMPLES = 3
_LONGEST = 60


def expect(name: str, *, infer: str | None = None, replace: bool = False) -> Expectations:
    """Return what a dataset is expected to hold; first infer it from a version, if asked to.

    Parameters
    ----------
    name : str
        The dataset.
    infer : str, optional
        The version to infer it from; ``latest`` for the newest. The result is written to
        ``expectations/<name>.yaml`` in the project, to be edited and committed.
    replace : bool
        Whether an existing file may be replaced.

    Raises
    ------
    Conflict
        If there is a file already.
    UnknownName
        If there is no file and none was to be inferred, or no such version.
    MissingExtra
        If pandera is not installed.
    """
    here = project.current()
    path = schemas.path_of(here, name)
    if infer is None:
        schemas.read(path, name)
        return _expectations(here, name, path)
    if path.exists() and not replace:
        raise Conflict(f"{here.relative(path)} exists already.", "Edit it, or give --force.")
    require("pandera.pandas", "checks")
    ref = infer if "@" in infer else f"{name}@{infer}"
    version = versions.find(ref)
    text = schemas.infer(_frame_of(version.ref), name, version.ref)
    schemas.parse(text, path.name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return _expectations(here, name, path)


def check(ref: str, *, expectations: Path | str | None = None) -> CheckReport:
    """Check a version against what its dataset is expected to hold.

    Parameters
    ----------
    ref : str
        As in `resolve`.
    expectations : path, optional
        The schema; ``expectations/<name>.yaml`` in the project by default.

    Returns
    -------
    CheckReport
        With each check that fails, how often, and examples.

    Raises
    ------
    UnknownName
        If there is no such version or file.
    BadInput
        If the file is no schema.
    MissingExtra
        If pandera is not installed.
    """
    here = project.current()
    version = versions.find(ref)
    path = schemas.path_of(here, version.name, expectations)
    schema = schemas.read(path, version.name)
    return _report(here, version.ref, path, schema, _frame_of(version.ref))


def enforce(data: Any, name: str, expectations: Path | str | None = None) -> None:
    """Raise unless data meets what a dataset is expected to hold; writes nothing.

    Parameters
    ----------
    data : DataFrame, Table or path
        As in `save`.
    name : str
        The dataset, which need not exist yet.
    expectations : path, optional
        As in `check`.

    Raises
    ------
    ExpectationsNotMet
        Listing what fails.
    """
    here = project.current()
    path = schemas.path_of(here, name, expectations)
    schema = schemas.read(path, name)
    report = _report(here, name, path, schema, _as_pandas(data))
    if not report.passed:
        raise ExpectationsNotMet(name, report.file, [_sentence(item) for item in report.failures])


def _expectations(here: Project, name: str, path: Path) -> Expectations:
    text = path.read_text(encoding="utf-8")
    return Expectations(name=name, file=here.relative(path), text=text)


def _frame_of(ref: str) -> Any:
    frame = load(ref, engine="pandas")
    if not hasattr(frame, "iloc"):
        raise BadInput(f"{ref} is no table.", "Expectations are on the columns of tables.")
    return frame


def _as_pandas(data: Any) -> Any:
    import pandas as pd

    from mlnb.datasets.pandas_frames import to_pandas
    from mlnb.datasets.sources import read

    return data if isinstance(data, pd.DataFrame) else to_pandas(read(data))


def _report(here: Project, subject: str, path: Path, schema: Any, frame: Any) -> CheckReport:
    started = time.monotonic()
    plain = frame.reset_index(drop=True)
    failures = []
    made = 0
    for outcome in _outcomes(schema, plain):
        made += 1
        if outcome is not None:
            failures.append(outcome)
    return CheckReport(
        subject=subject,
        file=here.relative(path),
        rows=len(plain),
        checks=made,
        passed=not failures,
        failures=failures,
        seconds=time.monotonic() - started,
    )


# -- the checks; each yields a failure, or None when it passes ---------------------------------


def _outcomes(schema: Any, frame: Any) -> Iterator[CheckFailure | None]:
    expected: set[Any] = set()
    for label, column in schema.columns.items():
        found = [label] if label in frame.columns else []
        if column.regex:
            found = [item for item in frame.columns if _matches(label, item)]
        expected.update(found)
        if not found:
            yield _failure(str(label), "column_in_dataframe", 0, []) if column.required else None
        for item in found:
            series = frame[item]
            if getattr(series, "ndim", 1) > 1:
                yield _failure(str(item), "unique_column_names", series.shape[1], [])
            else:
                yield from _column_outcomes(str(item), column, series)
    if schema.strict:
        yield from (
            _failure(str(item), "strict", 0, []) if item not in expected else None
            for item in frame.columns
        )
    if schema.ordered:
        order = [item for item in frame.columns if item in expected]
        wanted = [item for item in schema.columns if item in expected]
        yield (
            _failure("", "ordered", 0, [str(item) for item in wanted]) if order != wanted else None
        )
    if schema.unique:
        yield _of_mask("", f"unique({schema.unique})", frame, frame.duplicated(schema.unique))
    for item in schema.checks:
        yield _checked("", item, frame)


def _matches(pattern: Any, label: Any) -> bool:
    """Tell whether a label fits the name of a column that is a regular expression."""
    return isinstance(label, str) and re.match(str(pattern), label) is not None


def _column_outcomes(label: str, column: Any, series: Any) -> Iterator[CheckFailure | None]:
    if column.dtype is not None:
        wrong = _of_type(label, column.dtype, series)
        yield wrong
        if wrong is not None:
            return  # what else is wrong follows from that
    if not column.nullable:
        yield _of_mask(label, "not_nullable", series, series.isna())
    if column.unique:
        yield _of_mask(label, "unique", series, series.dropna().duplicated())
    for item in column.checks:
        yield _checked(label, item, series)


def _of_type(label: str, wanted: Any, series: Any) -> CheckFailure | None:
    name = f"dtype({wanted})"
    try:
        fits = schemas.fits_type(wanted, series)
    except Exception:  # pandera has no word for the type that the column has
        fits = False
    if hasattr(fits, "shape"):  # of text, each value is looked at
        import pandas as pd

        return _of_mask(label, name, series, ~pd.Series(fits, index=series.index).astype(bool))
    return None if fits else _failure(label, name, len(series), [str(series.dtype)])


def _checked(label: str, item: Any, data: Any) -> CheckFailure | None:
    name = item.error or str(item.name)
    try:
        result = item(data)
    except Exception as error:  # such as text compared with a number
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        return _failure(label, f"{name}: {reason}", len(data), [])
    output = result.check_output
    if not hasattr(output, "index"):
        return None if result.check_passed else _failure(label, name, 0, [])
    return _of_mask(label, name, data, ~output.fillna(False).astype(bool))


def _of_mask(label: str, name: str, data: Any, wrong: Any) -> CheckFailure | None:
    if getattr(wrong, "ndim", 1) > 1:
        wrong = wrong.any(axis=1)
    count = int(wrong.sum())
    if not count:
        return None
    rows = wrong.index[wrong.to_numpy(dtype=bool)][:_EXAMPLES]
    if getattr(data, "ndim", 1) > 1:
        examples = [str(tuple(data.loc[row].tolist())) for row in rows]
    else:
        examples = [str(data.loc[row]) for row in rows]
    return _failure(label, name, count, examples, [int(row) for row in rows])


def _failure(
    label: str, name: str, count: int, examples: list[str], rows: list[int] | None = None
) -> CheckFailure:
    short = [text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…" for text in examples]
    return CheckFailure(column=label, check=name, count=count, examples=short, rows=rows or [])


def _sentence(failure: CheckFailure) -> str:
    of = f"{failure.column}: " if failure.column else ""
    if failure.check == "column_in_dataframe":
        return f"{of}the column is missing"
    if failure.check == "strict":
        return f"{of}the column is not expected"
    shown = f", such as {', '.join(failure.examples)}" if failure.examples else ""
    times = f" in {failure.count:,} rows" if failure.count else ""
    return f"{of}{failure.check} fails{times}{shown}"
