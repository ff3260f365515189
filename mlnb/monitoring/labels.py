"""True outcomes, joined to served predictions by id once they are known.

Each call stores only what is new or different, as one Parquet object and one entry of the log
``endpoints/<name>/labels``. So the same labels again write nothing, late and partial labels add
to what is there, and of an id that is labelled twice the later label counts.
"""

from io import BytesIO
from typing import TYPE_CHECKING, Any

from mlnb.core import project
from mlnb.core.errors import BadInput, UnsupportedData
from mlnb.core.names import check_name
from mlnb.core.records import now
from mlnb.serving.outcomes import LabelBatch, known, log_name
from mlnb.validation.frames import column, table

if TYPE_CHECKING:
    import pandas as pd


def label(endpoint: str, frame: Any, *, id: str = "id", label: str) -> int:
    """Tell what became of served rows.

    Parameters
    ----------
    endpoint : str
        Endpoint.
    frame : str, Path or DataFrame
        A dataset reference, a CSV, Parquet or JSON file, or a frame. Rows whose label is missing
        are left out; rows that were not served (yet) are kept for later.
    id : str
        Column with the ids that were sent with the requests.
    label : str
        Column with the outcomes.

    Returns
    -------
    int
        How many of the rows belong to a served prediction.

    Raises
    ------
    UnknownName
        If the endpoint never served.
    SignatureMismatch
        If a column is not there.
    UnsupportedData
        If the labels cannot be compared with the predictions.
    BadInput
        If none of the ids was served. Nothing is stored in any of these cases.
    """
    from mlnb.serving import predictions

    check_name("endpoint", endpoint)
    data, _ = table(frame)
    given = _clean(column(data, id, "id"), column(data, label, "label"))
    served = predictions(endpoint)
    _check_comparable(given, served["prediction"], label)
    joined = int(given.index.isin(served["id"].astype("string")).sum())
    if len(given) and not joined:
        mine, theirs = given.index[0], served["id"].iloc[-1] if len(served) else ""
        raise BadInput(
            f"None of the {len(given):,} ids in {id!r} was served by endpoint {endpoint!r}.",
            f"They look like {mine!r}, the served ones like {theirs!r}.",
        )
    _store(endpoint, _changed(given, known(endpoint)), label)
    return joined


def _clean(ids: "pd.Series[Any]", labels: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return the labels that are known, by id, each id once."""
    import pandas as pd

    there = (ids.notna() & labels.notna()).to_numpy()
    kept = labels[there]
    given = pd.Series(kept.array, index=_text(ids[there]), name="label")
    return given[~given.index.duplicated(keep="last")]


def _text(ids: "pd.Series[Any]") -> "pd.Index[Any]":
    """Return ids as the prediction log has them; whole floats (integers with gaps) lose the .0."""
    import pandas as pd

    if pd.api.types.is_float_dtype(ids.dtype) and (ids % 1 == 0).all():
        ids = ids.astype("int64")
    return pd.Index(ids.astype("string"), name="id")


def _check_comparable(given: "pd.Series[Any]", predictions: "pd.Series[Any]", name: str) -> None:
    from pandas.api.types import is_numeric_dtype

    answers = predictions.infer_objects()
    if not len(given) or not len(answers):
        return
    if is_numeric_dtype(answers.dtype) != is_numeric_dtype(given.infer_objects().dtype):
        raise UnsupportedData(
            f"The labels in {name!r} are like {given.iloc[0]!r}, the predictions like "
            f"{answers.iloc[0]!r}.",
            "Give the labels as the model predicts them.",
        )


def _changed(given: "pd.Series[Any]", before: "pd.Series[Any]") -> "pd.Series[Any]":
    old = before.reindex(given.index)
    same = old.notna().to_numpy() & (old.to_numpy() == given.to_numpy(dtype=object))
    changed: pd.Series[Any] = given[~same]
    return changed


def _store(endpoint: str, changed: "pd.Series[Any]", name: str) -> None:
    if not len(changed):
        return
    here = project.current()
    body = BytesIO()
    changed.rename("label").rename_axis("id").reset_index().to_parquet(body, index=False)
    batch = LabelBatch(
        endpoint=endpoint,
        digest=here.store.put(body.getvalue()),
        rows=len(changed),
        column=name,
        author=here.settings.author,
        created=now(),
    )
    here.store.append(log_name(endpoint), lambda _number: batch.to_dict())
    here.events.emit("labels.added", endpoint, rows=len(changed), column=name)
