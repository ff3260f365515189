"""Served rows, period by period on the time of the event (UTC)."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from mlnb.core.errors import BadInput, suggestion

if TYPE_CHECKING:
    import pandas as pd

By = Literal["month", "day"]
_UNITS = {"month": "datetime64[M]", "day": "datetime64[D]"}


def check(by: str | None) -> None:
    """Refuse an unknown length of period.

    Raises
    ------
    BadInput
        With the nearest known one.
    """
    if by is not None and by not in get_args(By):
        raise BadInput(f"{by!r} is no period.", suggestion(by, get_args(By)))


def split(
    served: "pd.DataFrame", by: str | None, whole: str
) -> Iterator[tuple[str, "pd.DataFrame"]]:
    """Yield each period that has rows, in order: ``2013-05`` or ``2013-05-17``.

    Parameters
    ----------
    served : DataFrame
        With ``time`` (UTC), in order.
    by : {"month", "day"} or None
        None for all rows as one period.
    whole : str
        What that one period is called.
    """
    if not len(served):
        return
    if by is None:
        yield whole, served
        return
    times = served["time"].dt.tz_convert("UTC").dt.tz_localize(None)
    period = times.to_numpy(dtype="datetime64[us]").astype(_UNITS[by])
    starts = np.append(0, np.flatnonzero(period[1:] != period[:-1]) + 1)
    stops = np.append(starts[1:], len(period))
    for start, stop in zip(starts, stops, strict=True):
        yield str(period[start]), served.iloc[start:stop]


def named(since: datetime | str | None, until: datetime | str | None) -> str:
    """Return the name of a window: ``2013-05-01 to 2013-08-01``, or ``all``."""
    if since is None and until is None:
        return "all"
    if until is None:
        return f"from {since}"
    return f"until {until}" if since is None else f"{since} to {until}"
