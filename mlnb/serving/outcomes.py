"""What became of served rows, as `mlnb.monitoring.label` keeps it.

It is the log ``endpoints/<name>/labels``, with one entry and one Parquet object for each time that
labels came.
"""

from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

from mlnb.core import project
from mlnb.core.records import Record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class LabelBatch(Record):
    """One entry of an endpoint's labels."""

    endpoint: str
    digest: str
    """The Parquet object with the columns ``id`` and ``label``."""
    rows: int
    column: str
    """What the label was called."""
    author: str
    created: datetime


def log_name(endpoint: str) -> str:
    """Return the name of an endpoint's labels in the store."""
    return f"endpoints/{endpoint}/labels"


def known(endpoint: str) -> "pd.Series[Any]":
    """Return the newest label of every id, as objects, indexed by the id's text."""
    import pandas as pd

    here = project.current()
    parts = []
    for entry in here.store.entries(log_name(endpoint)):
        batch = LabelBatch.from_dict(entry.data)
        body = here.store.get(batch.digest, wanted_by=f"labels of {endpoint}")
        part = pd.read_parquet(BytesIO(body))
        parts.append(pd.Series(part["label"].astype(object).to_numpy(), index=part["id"]))
    if not parts:
        return pd.Series([], index=pd.Index([], dtype="string"), dtype=object)
    every = pd.concat(parts)
    newest: pd.Series[Any] = every[~every.index.duplicated(keep="last")]
    return newest
