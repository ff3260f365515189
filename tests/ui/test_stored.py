"""What a notebook stores of a record: bounded, numbered, and its HTML without any trust."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import nh3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlnb.core.records import (
    Column,
    DriftReport,
    EndpointStatus,
    FeatureDrift,
    MonitorReport,
    Record,
    RunRecord,
)
from mlnb.ui import render, stored

MOMENT = datetime(2013, 1, 1, 5, 15, tzinfo=UTC)
TAGS = """
h1 h2 h3 h4 h5 h6 br b i strong em a pre code img tt div ins del sup sub p ol ul table thead tbody
tfoot blockquote dl dt dd kbd q samp var hr ruby rt rp li tr td th s strike summary details caption
figure figcaption abbr cite dfn mark small span time wbr
"""
GITHUB: dict[str, Any] = {
    "tags": set(TAGS.split()),
    "attributes": {
        "*": {"align", "alt", "colspan", "rowspan", "scope", "title", "width", "height", "valign"},
        "a": {"href"},
        "img": {"src", "alt"},
    },
    "url_schemes": {"http", "https", "mailto"},
    "link_rel": None,
}
"""What GitHub lets through, as its html-pipeline documents it: no style, no class, no data URL."""


@dataclass(frozen=True, kw_only=True)
class Wide(Record):
    """A record with as much as one likes."""

    names: list[str] = field(default_factory=list)
    values: dict[str, float] = field(default_factory=dict)
    inner: list[list[int]] = field(default_factory=list)
    text: str = ""


def run(**facts: Any) -> RunRecord:
    body: dict[str, Any] = {
        "id": "8c1a" * 8,
        "name": "gradient-boosting",
        "experiment": "delays",
        "status": "FINISHED",
        "started": MOMENT,
        "ended": MOMENT,
        "metrics": {"roc_auc": 0.8125},
        "params": {"depth": "3"},
    }
    return RunRecord(**{**body, **facts})


def test_a_small_record_is_stored_whole_and_read_back() -> None:
    body = stored.body(run())
    assert body is not None
    assert (body["format"], body["type"], body["cut"]) == (stored.FORMAT, "RunRecord", {})
    assert RunRecord.from_dict(json.loads(json.dumps(body))["record"]) == run()


def test_what_is_too_much_is_cut_and_counted() -> None:
    wide = Wide(names=[f"n{i}" for i in range(1_000)], inner=[list(range(500))], text="x" * 9_000)
    body = stored.body(wide)
    assert body is not None
    assert body["record"]["names"] == [f"n{i}" for i in range(stored.MOST)]
    assert body["cut"] == {"names": 1_000, "inner.0": 500}
    assert len(body["record"]["text"]) == 4_000
    assert body["record"]["text"].endswith("x…")


def test_long_items_leave_room_for_fewer() -> None:
    body = stored.body(Wide(names=["é" * 3_000] * 1_000))
    assert body is not None
    assert 6 <= len(body["record"]["names"]) < stored.MOST
    assert body["cut"] == {"names": 1_000}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 3_000), st.integers(0, 2_000), st.integers(0, 120), st.integers(0, 50_000))
def test_nothing_that_is_stored_is_larger_than_the_limit(
    names: int, values: int, inner: int, text: int
) -> None:
    wide = Wide(
        names=["\u2028" * 400] * names,
        values={f"{i}" * 40: i / 7 for i in range(values)},
        inner=[list(range(inner * 20))] * inner,
        text="ü" * text,
    )
    body = stored.body(wide)
    if body is not None:
        assert len(json.dumps(body, ensure_ascii=False).encode()) <= stored.LIMIT


def test_what_cannot_be_made_small_is_left_to_the_html(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "LIMIT", 200)
    bundle = render.mimebundle(run())
    assert set(bundle) == {"text/html", "text/plain"}


def test_features_that_moved_are_the_last_to_be_left_out() -> None:
    features = [
        FeatureDrift(
            feature=f"f{i}", kind="numeric", psi=i / 1_000, test="ks", statistic=0.0,
            p_value=1.0, p_adjusted=1.0, drifted=i == 7,
        )
        for i in range(900)
    ]  # fmt: skip
    period = DriftReport(
        endpoint="e", model="m@1", period="2013-01", rows=9, reference="d@1",
        features=features, drifted=True,
    )  # fmt: skip
    report = MonitorReport(
        endpoint="e", model="m@1", reference="d@1", created=MOMENT, periods=[period, period]
    )
    for record, place in ((period, "features"), (report, "periods.0.features")):
        body = render.mimebundle(record)[stored.MIME]
        assert body["cut"][place] == 900
        shown = body["record"].get("periods", [body["record"]])[0]["features"]
        assert [item["feature"] for item in shown[:3]] == ["f7", "f899", "f898"]


HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'


@pytest.mark.parametrize(
    "record",
    [
        run(name=HOSTILE, error=HOSTILE, params={HOSTILE: HOSTILE}, tags={"t": HOSTILE}),
        EndpointStatus(name=HOSTILE, status="failed", detail=HOSTILE, model=HOSTILE),
        Column(name=HOSTILE, type=HOSTILE),
    ],
    ids=lambda record: type(record).__name__,
)
def test_the_html_says_the_same_after_a_code_host_has_cleaned_it(record: Record) -> None:
    html = render.to_html(record)
    cleaned = nh3.clean(html, **GITHUB)
    assert "style=" not in cleaned
    assert nh3.clean(cleaned, tags=set()) == nh3.clean(html, tags=set()), "no word was lost"
    assert "<script" not in cleaned
    assert "<style" not in html, "its text would be shown where the element is not known"
    assert cleaned.count("<table") == html.count("<table")
    assert cleaned.count("<th") == html.count("<th")
