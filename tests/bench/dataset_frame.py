"""The table of the dataset benchmark: 12 mixed columns, and six versions made by five edits.

Everything is a function of the number of rows alone, so that several processes can make the
same frames without passing them around.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

_CITIES = np.array([f"city {number:03d}" for number in range(300)])
_KINDS = ["a", "b", "c", "d", "e"]
_YEAR = 86_400 * 365

_EDITED = ("price", "quantity", "city", "visits", "kind")
"""The columns of which cells are edited: never the key ``id``."""


def make(rows: int, *, first: int = 0, seed: int = 0) -> pd.DataFrame:
    """Return version 1, or with `first` and another seed the rows that follow it.

    ===========  ====================================================================
    id           key: int64, unique, ascending, with gaps
    time         timestamp without zone, to the second, sorted, repeated
    zoned        timestamp in Europe/Berlin, to the millisecond, in no order
    city         text, 300 different values
    kind         category of 5
    code         text, nearly all different
    quantity     int32, small
    price        float64 with two decimals, 3 % NaN
    score        float64, normal: every bit counts
    ratio        float32
    active       bool
    visits       nullable Int64, 5 % missing
    ===========  ====================================================================
    """
    random = np.random.default_rng(seed)
    price = random.gamma(2, 30, rows).round(2)
    price[random.random(rows) < 0.03] = np.nan
    numbers = np.arange(first, first + rows)
    start = pd.Timestamp("2024-01-01") + pd.to_timedelta(_YEAR * bool(first), unit="s")
    zoned = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(
        random.integers(0, _YEAR * 10**3, rows), unit="ms"
    )
    codes = np.char.add("K", random.integers(0, 10**9, rows).astype("U10"))
    return pd.DataFrame(
        {
            "id": numbers * 3 + 1000,
            "time": start + pd.to_timedelta(np.sort(random.integers(0, _YEAR, rows)), unit="s"),
            "zoned": pd.Series(zoned).dt.tz_convert("Europe/Berlin"),
            "city": pd.Series(_CITIES[random.integers(0, 300, rows)], dtype="str"),
            "kind": pd.Categorical.from_codes(random.integers(0, 5, rows), _KINDS),
            "code": pd.Series(codes, dtype="str"),
            "quantity": random.poisson(4, rows).astype("int32"),
            "price": price,
            "score": random.normal(size=rows),
            "ratio": random.random(rows).astype("float32"),
            "active": random.random(rows) < 0.3,
            "visits": pd.arrays.IntegerArray(
                random.integers(0, 1000, rows), random.random(rows) < 0.05
            ),
        }
    )


def flowers() -> pd.DataFrame:
    """Return a table as small as those that notebooks begin with: iris's 150 rows of 5 columns."""
    random = np.random.default_rng(5)
    names = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
    measured = pd.DataFrame(random.normal(4, 1, (150, 4)).round(1), columns=names)
    return measured.assign(species=np.repeat(["setosa", "versicolor", "virginica"], 50))


def _append(frame: pd.DataFrame) -> pd.DataFrame:
    """Append 1 % of rows."""
    rows = len(frame)
    return pd.concat([frame, make(rows // 100, first=rows, seed=1)], ignore_index=True)


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Edit 0.1 % of the cells: five columns, in each other rows at random."""
    random = np.random.default_rng(2)
    edited = frame.copy()
    each = frame.size // 1000 // len(_EDITED)
    fresh = make(each, seed=3)
    for name in _EDITED:
        places = np.sort(random.choice(len(frame), each, replace=False))
        edited.iloc[places, frame.columns.get_loc(name)] = fresh[name].array
    return edited


def _column(frame: pd.DataFrame) -> pd.DataFrame:
    """Add a column derived from two others."""
    return frame.assign(unit_price=(frame["price"] / frame["quantity"].clip(lower=1)).round(2))


def _delete(frame: pd.DataFrame) -> pd.DataFrame:
    """Delete 1 % of the rows, at random; the others keep their index."""
    return frame[np.random.default_rng(4).random(len(frame)) >= 0.01]


def _sort(frame: pd.DataFrame) -> pd.DataFrame:
    """Sort by a column that has nothing to do with the present order; the index goes along."""
    return frame.sort_values("score")


def _same(frame: pd.DataFrame) -> pd.DataFrame:
    """Return an equal frame in other memory."""
    return frame.copy()


EDITS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "append 1 %": _append,
    "0.1 % of cells": _cells,
    "column added": _column,
    "delete 1 %": _delete,
    "re-sort": _sort,
    "same again": _same,
}
"""What makes versions 2 to 6 out of the one before; the last changes nothing."""

STEPS = ("first", *EDITS)
"""The saves of the benchmark, in their order; the step at index n - 1 makes version n."""

KEY = "id"


def after(step: str, frame: pd.DataFrame | None, rows: int) -> pd.DataFrame:
    """Return what a step saves, given what the step before it saved."""
    if frame is None or step == "first":
        return make(rows)
    return EDITS[step](frame)


def version(number: int, rows: int) -> pd.DataFrame:
    """Return what version 1 to 6 holds."""
    frame = make(rows)
    for edit in list(EDITS.values())[: number - 1]:
        frame = edit(frame)
    return frame
