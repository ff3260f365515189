import math
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlnb.core.errors import SignatureMismatch, UnsupportedData
from mlnb.core.records import Column
from mlnb.serving.casting import arrow, cast
from mlnb.serving.fields import fields_of


def field(kind: str) -> Any:
    return fields_of([Column(name="x", type=kind)])[0]


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("int64", [1, -2, 2**62], [1, -2, 2**62]),
        ("int64", [3.0], [3]),
        ("int32", [2**31 - 1], [2**31 - 1]),
        ("double", [1, 2.5, None], [1.0, 2.5, None]),
        ("double", [2**60 + 1], [float(2**60 + 1)]),
        ("float", [0.5], [0.5]),
        ("bool", [True, False], [True, False]),
        ("string", ["a", None, ""], ["a", None, ""]),
        ("large_string", ["a"], ["a"]),
        ("dictionary<values=string, indices=int32, ordered=0>", ["a"], ["a"]),
        ("timestamp[us]", ["2013-05-01", None], [datetime(2013, 5, 1), None]),
        ("timestamp[us]", ["2013-05-01T10:00:00+02:00"], [datetime(2013, 5, 1, 8)]),
        ("timestamp[us, tz=UTC]", ["2013-05-01T10:00:00"], [datetime(2013, 5, 1, 10, tzinfo=UTC)]),
        (
            "timestamp[us, tz=UTC]",
            ["2013-05-01T10:00:00Z", "2013-05-01T10:00:00+01:00", "2013-05-01"],
            [
                datetime(2013, 5, 1, 10, tzinfo=UTC),
                datetime(2013, 5, 1, 9, tzinfo=UTC),
                datetime(2013, 5, 1, tzinfo=UTC),
            ],
        ),
        ("date32", ["2013-05-01"], [date(2013, 5, 1)]),
    ],
)
def test_what_fits_is_cast(kind: str, values: list[Any], expected: list[Any]) -> None:
    array = arrow(field(kind), cast(field(kind), values))
    assert array.to_pylist() == expected
    assert array.type == field(kind).type


@pytest.mark.parametrize(
    ("kind", "bad", "reason"),
    [
        ("int64", "1", "needs an integer, got text '1'"),
        ("int64", 3.5, "3.5 does not fit int64"),
        ("int64", True, "needs an integer, got boolean true"),
        ("int64", None, "needs an integer, got null"),
        ("int64", 2**63, "9223372036854775808 does not fit int64"),
        ("int32", 2**31, "2147483648 does not fit int32"),
        ("int64", 1e300, "1e+300 does not fit int64"),
        ("double", "high", "needs a number, got text 'high'"),
        ("double", True, "needs a number, got boolean true"),
        ("double", [1], "needs a number, got list [1]"),
        ("double", {}, "needs a number, got object {}"),
        ("float", 1e300, "1e+300 does not fit float"),
        ("bool", 1, "needs true or false, got 1"),
        ("bool", None, "needs true or false, got null"),
        ("string", 5, "needs text, got 5"),
        ("timestamp[us]", 5, "needs an ISO 8601 time, got 5"),
        ("timestamp[us]", "yesterday", "needs an ISO 8601 time, got text 'yesterday'"),
    ],
)
def test_what_does_not_fit_is_named_by_field_and_row(kind: str, bad: Any, reason: str) -> None:
    good = {"t": "2013-01-01", "s": "a", "l": "a", "b": True}.get(kind[0], 1)
    with pytest.raises(SignatureMismatch) as caught:
        cast(field(kind), [good, good, bad, bad])
    assert caught.value.to_dict() == {
        "error": "SignatureMismatch",
        "message": f"Field 'x' (row 2): {reason}.",
        "fix": "",
        "field": "x",
        "row": 2,
    }


def test_long_values_are_cut_in_the_message() -> None:
    with pytest.raises(SignatureMismatch) as caught:
        cast(field("double"), ["x" * 10_000])
    assert len(caught.value.message) < 120


def test_text_of_csv_is_read_as_the_type() -> None:
    assert cast(field("int64"), ["1", "2"], text=True) == [1, 2]
    assert cast(field("double"), ["1", "", "2.5"], text=True) == [1.0, None, 2.5]
    assert cast(field("bool"), ["true", "0"], text=True) == [True, False]
    assert cast(field("string"), ["5", ""], text=True) == ["5", None]
    for kind, bad in (("int64", "1.5"), ("int64", ""), ("double", "x"), ("bool", "maybe")):
        with pytest.raises(SignatureMismatch, match=r"row 1"):
            cast(field(kind), ["true" if kind == "bool" else "1", bad], text=True)


@pytest.mark.parametrize("kind", ["binary", "list<item: double>", "anytype", "object", "null"])
def test_a_type_no_request_can_carry_is_refused(kind: str) -> None:
    with pytest.raises(UnsupportedData, match=r"'x' has type"):
        field(kind)


JSON = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.lists(st.integers(), max_size=1),
)


@given(values=st.lists(JSON, min_size=1, max_size=5), kind=st.sampled_from(["int64", "double"]))
def test_numbers_keep_their_value_or_are_refused(values: list[Any], kind: str) -> None:
    try:
        array = arrow(field(kind), cast(field(kind), values))
    except SignatureMismatch as error:
        bad = values[error.row or 0]
        integral = isinstance(bad, float) and bad.is_integer() and abs(bad) < 2**63
        fits = type(bad) is int and -(2**63) <= bad < 2**63
        refused = not ((fits or integral) if kind == "int64" else type(bad) in (int, float))
        assert refused, bad
        return
    for before, after in zip(values, array.to_pylist(), strict=True):
        assert type(before) is not bool
        if before is None:
            assert after is None
            assert kind == "double"
        else:
            assert math.isclose(before, after, rel_tol=1e-15)
    assert array.type == pa.type_for_alias(kind)


@pytest.mark.parametrize(
    "declared",
    [
        *("halffloat", "float16", "float", "float32", "double", "float64", "bool", "boolean"),
        *("string", "utf8", "large_string", "int8", "uint16", "int32", "uint64", "date32"),
        *("timestamp[ns]", "timestamp[us, tz=UTC]", "timestamp[s, tz=Europe/Berlin]", "date64[ms]"),
    ],
)
def test_arrow_s_name_of_a_type_is_known_without_arrow(declared: str) -> None:
    (field,) = fields_of([Column(name="x", type=declared)])
    assert field.arrow == str(field.type)


def test_a_whole_number_that_json_libraries_round_into_range_is_refused() -> None:
    """They read -9223372036854775809 as the float -2**63, which would fit."""
    (field,) = fields_of([Column(name="x", type="int64")])
    assert cast(field, [-(2**63)]) == [-(2**63)]
    with pytest.raises(SignatureMismatch, match="does not fit int64"):
        cast(field, [-(2.0**63)])
