"""Expectations: inferred, edited, checked, enforced before anything is saved."""

import decimal
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlnb import datasets
from mlnb.core.errors import (
    BadInput,
    Conflict,
    ExpectationsNotMet,
    MissingExtra,
    UnknownName,
    UnsupportedData,
)
from mlnb.core.project import Project
from mlnb.datasets import expectations, schemas

PRICE = pd.ArrowDtype(pa.decimal128(5, 2))
MIXED = pd.DataFrame(
    {
        "id": range(40),
        "delay": [1.5, -2.0, None, 8.25] * 10,
        "carrier": ["AA", "B6", "DL", "UA"] * 10,
        "note": [f"note {number}" for number in range(40)],
        "when": pd.date_range("2026-10-25", periods=40, freq="h", tz="Europe/Berlin"),
        "kind": pd.Categorical(["x", "y"] * 20, categories=["x", "y", "z"]),
        "late": [True, False] * 20,
        "gates": pd.array([1, None] * 20, dtype="Int16"),
        "price": pd.Series(
            [decimal.Decimal("1.25")] * 40, dtype=pd.ArrowDtype(pa.decimal128(5, 2))
        ),
        "path": [[1, 2], None] * 20,
    }
)


@pytest.fixture
def inferred(in_project: Project) -> Path:
    datasets.save(MIXED, "flights")
    datasets.expect("flights", infer="latest")
    return in_project.root / "expectations" / "flights.yaml"


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1, text
    file.write_text(text.replace(old, new))


def failures(report: datasets.CheckReport) -> list[tuple[str, str, int]]:
    return [(item.column, item.check, item.count) for item in report.failures]


def test_what_was_inferred_holds_and_says_what_there_is(inferred: Path) -> None:
    report = datasets.check("flights")
    assert report.passed
    assert report.checks > 20
    assert (report.subject, report.file) == ("flights@1", "expectations/flights.yaml")
    text = inferred.read_text()
    for part in (
        "dtype: datetime64[us, Europe/Berlin]",
        "isin:\n      - AA\n      - B6\n",
        "less_than_or_equal_to: 8.25",
        "nullable: true",
        "mlnb dataset check flights",
    ):
        assert part in text
    assert "note 7" not in text


def test_a_file_of_pandera_itself_is_read(inferred: Path) -> None:
    import pandera.io.pandas_io as io

    schema = io.from_yaml(inferred)
    assert schema.validate(MIXED) is not None
    io.to_yaml(schema.remove_columns(["price"]), inferred)
    assert datasets.check("flights").passed


def test_each_failing_check_is_counted_with_examples(inferred: Path) -> None:
    worse = MIXED.assign(
        id=0,
        delay=MIXED["delay"] * 10,
        carrier=MIXED["carrier"].where(MIXED["carrier"] != "DL"),
        late=MIXED["late"].astype(int),
    ).drop(columns="note")
    datasets.save(worse, "flights")
    edit(inferred, "  id:\n", "  id:\n    unique: true\n")
    report = datasets.check("flights@2")
    assert failures(report) == [
        ("id", "unique", 39),
        ("delay", "greater_than_or_equal_to(-2.0)", 10),
        ("delay", "less_than_or_equal_to(8.25)", 20),
        ("carrier", "not_nullable", 10),
        ("note", "column_in_dataframe", 0),
        ("late", "dtype(bool)", 40),
    ]
    assert report.failures[1].examples == ["-20.0"] * 3
    assert report.failures[1].rows == [1, 5, 9]
    assert datasets.check("flights@1", expectations=inferred).passed


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("strict: false", "strict: true\nordered: true", []),
        ("strict: false", "unique: [carrier, late]", [("", "unique(['carrier', 'late'])", 36)]),
        ("  note:\n", "  extra:\n    required: false\n  note:\n", []),
        ("  note:\n", "  '^n.t':\n    regex: true\n", []),
        ("  note:\n", "  note:\n    str_length: {max_value: 6}\n", [("note", "str_length", 30)]),
        ("  note:\n", "  note:\n    checks:\n      less_than: 5\n", [("note", "less_than", 40)]),
        ("  id:\n", "  id:\n    title: the row\n    coerce: true\n", []),
    ],
)
def test_whatever_pandera_can_say_can_be_said(
    old: str, new: str, expected: list[tuple[str, str, int]], inferred: Path
) -> None:
    edit(inferred, old, new)
    found = failures(datasets.check("flights"))
    assert [(column, check[: len(start)], count) for column, check, count in found
            for _c, start, _n in expected] == expected  # fmt: skip
    assert len(found) == len(expected)


def test_strict_refuses_further_columns(inferred: Path) -> None:
    datasets.save(MIXED.assign(extra=1), "flights")
    assert datasets.check("flights").passed
    edit(inferred, "strict: false", "strict: true")
    assert failures(datasets.check("flights")) == [("extra", "strict", 0)]


def test_order_counts_when_it_is_asked_for(inferred: Path) -> None:
    datasets.save(MIXED[MIXED.columns[::-1]], "flights")
    assert datasets.check("flights").passed
    edit(inferred, "strict: false", "ordered: true")
    assert [item.check for item in datasets.check("flights").failures] == ["ordered"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    dtype: bool\n", "    dtyp: bool\n", "'late' has 'dtyp'.*Did you mean 'dtype'"),
        ("dtype: bool", "dtype: boool", "column 'late'"),
        ("strict: false", "stric: false", "'stric' is no key of a schema. Did you mean 'strict'"),
        ("      isin:\n      - AA", "      is_in:\n      - AA", "no check 'is_in'.*'isin'"),
        ("schema_type: dataframe", "schema_type: [", "flights.yaml, line"),
        ("columns:\n", "rows:\n", "no columns"),
        ("  note:\n    dtype: str\n    nullable: false\n", "  note: str\n", "'note' is no mapping"),
    ],
)
def test_a_file_that_is_wrong_says_where(old: str, new: str, message: str, inferred: Path) -> None:
    edit(inferred, old, new)
    with pytest.raises(BadInput, match=message):
        datasets.check("flights")


def test_a_file_is_not_replaced_by_chance(inferred: Path) -> None:
    edit(inferred, "strict: false", "strict: true")
    with pytest.raises(Conflict, match=r"expectations/flights\.yaml exists"):
        datasets.expect("flights", infer="flights@1")
    assert "strict: true" in datasets.expect("flights").text
    assert "strict: false" in datasets.expect("flights", infer="1", replace=True).text


def test_without_a_file_the_way_to_one_is_said(in_project: Project) -> None:
    datasets.save(MIXED, "flights")
    for call in (datasets.check, datasets.expect):
        with pytest.raises(UnknownName, match="dataset expect flights --infer"):
            call("flights")  # type: ignore[operator]
    with pytest.raises(UnknownName, match="no dataset 'flihgts'"):
        datasets.expect("flihgts", infer="latest")
    assert not (in_project.root / "expectations").exists()


def test_labels_that_yaml_has_no_word_for_are_refused(in_project: Project) -> None:
    datasets.save(pd.DataFrame({("a", "b"): [1]}), "data")
    with pytest.raises(UnsupportedData, match="column label"):
        datasets.expect("data", infer="latest")


def test_whole_numbers_may_be_labels(in_project: Project) -> None:
    datasets.save(pd.DataFrame({0: [1], 1: [2.5]}), "data")
    datasets.expect("data", infer="latest")
    assert datasets.check("data").passed


# -- on save


def as_polars(frame: pd.DataFrame) -> Any:
    return pl.from_pandas(frame)


def as_arrow(frame: pd.DataFrame) -> Any:
    return pa.Table.from_pandas(frame, preserve_index=False)


def as_file(frame: pd.DataFrame) -> Any:
    frame.to_csv("in.csv", index=False)
    return "in.csv"


@pytest.mark.parametrize("form", [lambda frame: frame, as_polars, as_arrow, as_file])
def test_a_save_is_refused_before_anything_is_written(form: Any, in_project: Project) -> None:
    good = pd.DataFrame({"n": [1, 2, 3] * 10, "s": ["a", "b", "c"] * 10})
    datasets.save(form(good), "data", expect=False)
    datasets.expect("data", infer="latest")
    before = {file.digest for file in in_project.store.objects()}
    bad = good.assign(n=good["n"] + 1, s=good["s"].replace("a", "z"))
    with pytest.raises(ExpectationsNotMet) as caught:
        datasets.save(form(bad), "data", expect=True)
    assert caught.value.reasons == [
        "n: less_than_or_equal_to(3) fails in 10 rows, such as 4, 4, 4",
        "s: isin(['a', 'b', 'c']) fails in 10 rows, such as z, z, z",
    ]
    assert "expectations/data.yaml" in str(caught.value)
    assert {file.digest for file in in_project.store.objects()} == before
    assert datasets.resolve("data").number == 1
    fewer = good.head(15)
    assert datasets.save(form(fewer), "data", expect=True).number == 2


def test_a_first_version_can_be_held_to_a_file(in_project: Project) -> None:
    Path("rules.yaml").write_text("columns:\n  a: {dtype: int64, greater_than: 0}\n")
    with pytest.raises(ExpectationsNotMet, match="Nothing was saved to 'data'"):
        datasets.save(pd.DataFrame({"a": [0]}), "data", expect="rules.yaml")
    assert datasets.names() == []
    assert datasets.save(pd.DataFrame({"a": [1]}), "data", expect="rules.yaml").number == 1
    with pytest.raises(UnknownName, match="--infer"):
        datasets.save(pd.DataFrame({"a": [1]}), "data", expect=True)


def test_without_pandera_the_extra_is_named(
    inferred: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pandera.pandas", None)
    for call in (
        lambda: datasets.check("flights"),
        lambda: datasets.expect("flights", infer="latest", replace=True),
        lambda: datasets.save(MIXED, "flights", expect=True),
    ):
        with pytest.raises(MissingExtra, match="checks"):
            call()


TYPES = {
    "int8": st.integers(-128, 127),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "uint32": st.integers(0, 2**32 - 1),
    "float32": st.floats(width=32),
    "float64": st.floats(),
    "bool": st.booleans(),
    "str": st.none() | st.text(max_size=3),
    "Int64": st.none() | st.integers(-(2**63), 2**63 - 1),
    "datetime64[ns, UTC]": st.datetimes(pd.Timestamp(1700, 1, 1), pd.Timestamp(2200, 1, 1)),
    "category": st.sampled_from(["x", "y"]),
    "object": st.none() | st.lists(st.integers(0, 3), max_size=2),
}


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.integers(0, 30))
    kinds = draw(st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=4))
    columns = {
        f"c{place}": pd.Series(
            draw(st.lists(TYPES[kind], min_size=rows, max_size=rows)), dtype=kind
        )
        for place, kind in enumerate(kinds)
    }
    return pd.DataFrame(columns)


@settings(max_examples=100, deadline=None)
@given(frame=frames())
def test_a_frame_meets_what_is_inferred_from_it(frame: pd.DataFrame) -> None:
    schema = schemas.parse(schemas.infer(frame, "data", "data@1"), "data.yaml")
    assert [item for item in expectations._outcomes(schema, frame) if item] == []
