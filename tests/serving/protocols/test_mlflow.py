import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlnb.core.errors import BadInput, SignatureMismatch
from mlnb.core.records import Column
from mlnb.serving.batches import Batch
from mlnb.serving.casting import Schema
from mlnb.serving.fields import fields_of
from mlnb.serving.protocols.mlflow import parse

FIELDS = fields_of(
    [
        Column(name="distance", type="double"),
        Column(name="hour", type="int64"),
        Column(name="carrier", type="string"),
    ]
)
ROWS = [
    {"distance": 800.0, "hour": 20, "carrier": "AA"},
    {"distance": None, "hour": 3, "carrier": "UA"},
]
LISTS = [[800.0, 20, "AA"], [None, 3, "UA"]]
COLUMNS = {"distance": [800.0, None], "hour": [20, 3], "carrier": ["AA", "UA"]}


def read(body: Any, media: str = "application/json") -> Batch:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parse(raw, media, Schema(FIELDS))


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": ["distance", "hour", "carrier"], "data": LISTS}},
        {
            "dataframe_split": {
                "columns": ["carrier", "hour", "distance"],
                "data": [row[::-1] for row in LISTS],
                "index": [7, 8],
            }
        },
        {"dataframe_records": ROWS},
        {"instances": ROWS},
        {"instances": LISTS},
        {"inputs": COLUMNS},
        {"inputs": ROWS},
        {"inputs": LISTS},
    ],
)
def test_every_form_gives_the_same_table(body: Any) -> None:
    batch = read(body, "application/json; charset=utf-8")
    assert batch.table.to_pylist() == ROWS
    assert [str(kind) for kind in batch.table.schema.types] == ["double", "int64", "string"]
    assert (batch.ids, batch.times, batch.rows) == (None, None, 2)


def test_one_row_may_be_given_as_plain_values() -> None:
    row = {"distance": 1.0, "hour": 2, "carrier": "AA"}
    assert read({"inputs": row}).table.to_pylist() == [row]


def test_csv_gives_it_too() -> None:
    text = b'\xef\xbb\xbfhour,carrier,distance\r\n20,"AA",800\r\n3,UA,\r\n\r\n'
    assert read(text, "text/csv; charset=utf-8").table.to_pylist() == ROWS


def test_ids_and_times_come_beside() -> None:
    batch = read({"inputs": COLUMNS, "ids": ["a", 5], "times": ["2013-05-01", "2013-05-01T01:00Z"]})
    assert batch.ids == ["a", "5"]
    assert batch.times is not None
    assert [moment.isoformat() for moment in batch.moments or ()] == [
        "2013-05-01T00:00:00+00:00",
        "2013-05-01T01:00:00+00:00",
    ]


@pytest.mark.parametrize(
    ("body", "field", "row", "message"),
    [
        ({"dataframe_records": [ROWS[0], {"hour": 1, "carrier": ""}]}, "distance", 1, "is missing"),
        ({"dataframe_records": [{**ROWS[0], "hous": 1}]}, "hous", 0, "Did you mean 'hour'"),
        ({"dataframe_records": [ROWS[0], {**ROWS[1], "hour": "x"}]}, "hour", 1, "needs an int"),
        ({"dataframe_records": [ROWS[0], 5]}, "", 1, "is no object"),
        ({"instances": [LISTS[0], LISTS[1][:2]]}, "", 1, "2 values, 3 are needed"),
        ({"instances": [LISTS[0], {}]}, "", 1, "no list of values"),
        ({"inputs": {**COLUMNS, "hour": [1]}}, "hour", None, "1 values, the first column 2"),
        ({"inputs": {"distance": [1], "hour": [1]}}, "carrier", None, "is missing"),
        ({"inputs": {}}, "distance", None, "is missing"),
        (
            {"dataframe_split": {"columns": ["distance", "hour", "hour", "carrier"], "data": []}},
            "hour",
            None,
            "twice",
        ),
        ({"dataframe_split": {"columns": [1, [], "x"], "data": []}}, "distance", None, "missing"),
        ({"inputs": COLUMNS, "ids": ["a"]}, "ids", None, "1 entries for 2 rows"),
        ({"inputs": COLUMNS, "ids": "ab"}, "ids", None, "is no list"),
        ({"inputs": COLUMNS, "ids": ["a", None]}, "ids", 1, "needs text or an integer"),
        ({"inputs": COLUMNS, "times": ["2013-01-01", "soon"]}, "times", 1, "ISO 8601"),
        ({"inputs": COLUMNS, "times": ["2013-01-01", None]}, "times", 1, "ISO 8601"),
    ],
)
def test_what_breaks_the_signature_is_named(
    body: Any, field: str, row: int | None, message: str
) -> None:
    with pytest.raises(SignatureMismatch) as caught:
        read(body)
    assert (caught.value.field, caught.value.row) == (field, row)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "no valid JSON"),
        (b"{", "no valid JSON"),
        (b"\xff\xfe", "no valid JSON"),
        (b'{"inputs": {"distance": [NaN]}}', "no valid JSON"),
        ([], "no JSON object"),
        ({}, "exactly one table, it has none"),
        ({"inputs": COLUMNS, "instances": LISTS}, "it has inputs and instances"),
        ({"datframe_split": {}}, "Did you mean 'dataframe_split'"),
        ({"dataframe_split": []}, "needs the lists 'columns' and 'data'"),
        ({"dataframe_split": {"columns": []}}, "needs the lists"),
        ({"dataframe_records": {}}, "no list of rows"),
        ({"inputs": 5}, "no list of rows"),
        ({"instances": []}, "no rows"),
        ({"inputs": {name: [] for name in COLUMNS}}, "no rows"),
        ({"dataframe_split": {"columns": list(COLUMNS), "data": []}}, "no rows"),
    ],
)
def test_what_is_malformed_is_one_clear_error(body: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read(body)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "empty"),
        (b"distance,hour,carrier\n", "no rows"),
        (b"distance,hour\n1,2\n", "'carrier': is missing"),
        (b"distance,hour,carrier\n1,2\n", "row 0.*2 values, 3 are needed"),
        (b"distance,hour,carrier\n1,2,AA\n1,two,AA\n", r"'hour' \(row 1\): needs an integer"),
        (b"distance,hour,carrier\n1,2,\xff\n", "no valid CSV"),
        (b'distance,hour,carrier\n1,2,"A\n', "no valid CSV"),
    ],
)
def test_bad_csv_is_one_clear_error(body: bytes, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read(body, "text/csv")


def test_another_content_type_is_refused() -> None:
    with pytest.raises(BadInput, match="'text/html' is not understood"):
        read(b"{}", "text/html")


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["columns", "data", "index", "distance", "hour", "carrier", "x"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)
KEYS = st.sampled_from(
    ["dataframe_split", "dataframe_records", "inputs", "instances", "ids", "times", "x"]
)


@given(body=st.dictionaries(KEYS, JSON, max_size=3))
def test_no_body_gives_anything_but_a_table_or_one_clear_error(body: Any) -> None:
    with suppress(BadInput):
        assert read(body).rows > 0


@given(body=st.binary(max_size=200), media=st.sampled_from(["application/json", "text/csv"]))
def test_no_bytes_give_anything_but_a_table_or_one_clear_error(body: bytes, media: str) -> None:
    with suppress(BadInput):
        assert read(body, media).rows > 0
