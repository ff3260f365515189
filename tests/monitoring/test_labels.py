"""Labels: joined by id, append-only, idempotent; the last word on an id counts."""

from typing import Any

import pandas as pd
import pytest

from mlnb import datasets, monitoring
from mlnb.core.errors import BadInput, SignatureMismatch, UnknownName, UnsupportedData
from mlnb.serving.outcomes import known, log_name


def batches(watched: Any, name: str) -> int:
    return len(list(watched.project.store.entries(f"endpoints/{name}/labels")))


def test_the_same_labels_again_write_nothing(watched: Any, april: pd.DataFrame) -> None:
    name = watched.serve(april)
    for _ in range(3):
        assert monitoring.label(name, april, id="id", label="late") == 1500
    assert batches(watched, name) == 1
    assert known(name).to_dict() == dict(zip(april["id"], april["late"], strict=True))


def test_late_and_partial_labels_add_up(watched: Any, april: pd.DataFrame) -> None:
    name = watched.serve(april)
    first = april.astype({"late": "Int64"})
    first.loc[500:, "late"] = pd.NA
    assert monitoring.label(name, first, label="late") == 500
    assert monitoring.label(name, april.iloc[400:700], label="late") == 300
    assert len(known(name)) == 700
    sizes = [entry.data["rows"] for entry in watched.project.store.entries(log_name(name))]
    assert sizes == [500, 200]  # only what was new


def test_the_last_label_of_an_id_counts(watched: Any, april: pd.DataFrame) -> None:
    name = watched.serve(april)
    one = april.head(1)
    for late in (0, 1, 0):
        monitoring.label(name, one.assign(late=late), label="late")
        assert known(name)[one["id"].iloc[0]] == late
    twice = pd.concat([one.assign(late=0), one.assign(late=1)])
    monitoring.label(name, twice, label="late")
    assert known(name)[one["id"].iloc[0]] == 1


def test_rows_that_are_not_served_yet_are_kept(
    watched: Any, april: pd.DataFrame, june: pd.DataFrame
) -> None:
    name = watched.serve(april)
    assert monitoring.label(name, pd.concat([april, june]), label="late") == 1500
    watched.serve(june, name=name)
    assert [p.labelled for p in monitoring.report(name).periods] == [1500, 1500]


def test_labels_of_a_dataset_or_a_file(watched: Any, april: pd.DataFrame, tmp_path: Any) -> None:
    april.to_csv(tmp_path / "late.csv", index=False)
    datasets.save(april, "outcomes")
    name = watched.serve(april)
    assert monitoring.label(name, tmp_path / "late.csv", label="late") == 1500
    assert monitoring.label(name, "outcomes", label="late") == 1500
    assert batches(watched, name) == 1


@pytest.mark.parametrize(
    "ids", [pd.Series([1, 2, 3]), pd.Series([1.0, 2.0, 3.0]), pd.Series(["1", "2", "3"])]
)
def test_ids_are_compared_as_text(watched: Any, april: pd.DataFrame, ids: Any) -> None:
    name = watched.serve(april.head(3).assign(id=["1", "2", "3"]))
    given = pd.DataFrame({"key": ids, "late": [0, 1, 0]})
    assert monitoring.label(name, given, id="key", label="late") == 3


@pytest.mark.parametrize(
    ("change", "options", "error", "message"),
    [
        ({}, {"label": "lat"}, SignatureMismatch, "Did you mean 'late'"),
        ({}, {"label": "late", "id": "idd"}, SignatureMismatch, "Did you mean 'id'"),
        ({"id": "x"}, {"label": "late"}, BadInput, r"They look like 'x', the served .*'04-1499'"),
        ({"late": "yes"}, {"label": "late"}, UnsupportedData, "are like 'yes'"),
    ],
)
def test_bad_input_stores_nothing(
    watched: Any,
    april: pd.DataFrame,
    change: dict[str, Any],
    options: dict[str, Any],
    error: type,
    message: str,
) -> None:
    name = watched.serve(april)
    with pytest.raises(error, match=message):
        monitoring.label(name, april.assign(**change), **options)
    assert batches(watched, name) == 0


def test_an_unknown_endpoint_gets_no_log(watched: Any, april: pd.DataFrame) -> None:
    with pytest.raises(UnknownName):
        monitoring.label("nowhere", april, label="late")
    assert "nowhere" not in watched.project.store.logs("endpoints")
