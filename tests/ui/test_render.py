"""Results as terminal text, HTML and JSON."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlnb.core.errors import BadInput, SignatureMismatch
from mlnb.core.records import Column, Record
from mlnb.ui import render
from mlnb.ui.grammar import Listing
from mlnb.ui.render import MIME, Table, View


@dataclass(frozen=True, kw_only=True)
class Thing(Record):
    """A record that no view is registered for."""

    name: str
    size: int = 3


@dataclass(frozen=True, kw_only=True)
class Measured(Record):
    """A record with a number."""

    value: float


class Cells(HTMLParser):
    """Collects the text of table cells and every tag."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.tags: set[str] = set()
        self._inside = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag in ("td", "th"):
            self._inside = True
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.cells[-1] += data


def test_a_record_without_a_view_shows_its_fields() -> None:
    shown = render.laid_out(Thing(name="a"))
    assert shown.title == "Thing"
    assert list(shown.fields) == [("name", "a"), ("size", 3)]


def test_a_listing_is_a_table_of_its_records() -> None:
    shown = render.laid_out(Listing([Thing(name="a"), Thing(name="b")], title="T", empty=""))
    assert shown.title == "T"
    assert list(shown.tables[0].columns) == ["name", "size"]
    assert list(shown.tables[0].rows) == [["a", 3], ["b", 3]]


def test_an_empty_listing_says_so() -> None:
    assert "No things yet." in render.to_text(Listing([], title="T", empty="No things yet."))
    assert "Nothing." in render.to_text([])


def test_text_is_shown_as_it_is() -> None:
    assert render.to_text("plain [red]text[/red]") == "plain [red]text[/red]"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (336776, "336,776"),
        (0.123456, "0.1235"),
        (["a", 1], "a, 1"),
        ({"a": 1.0}, "a=1"),
        ("x", "x"),
    ],
)
def test_the_text_of_a_cell(value: object, text: str) -> None:
    assert render.text_of(value) == text


def test_times_are_local_to_the_minute() -> None:
    moment = datetime(2013, 1, 1, 5, 15, 30, tzinfo=UTC)
    assert render.text_of(moment) == moment.astimezone().strftime("%Y-%m-%d %H:%M")


def test_the_terminal_shows_title_fields_tables_and_notes() -> None:
    text = render.to_text(
        View(
            "Title",
            fields=[("rows", 1000), ("empty", None)],
            tables=[Table(["name", "count"], [["a", 5], ["b", 12345]], title="Counts")],
            notes=["A note."],
        )
    )
    assert "Title" in text
    assert "1,000" in text
    assert "empty" not in text
    assert "Counts" in text
    assert "12,345" in text
    assert "A note." in text
    lines = text.splitlines()
    a, b = (next(line for line in lines if line.strip().startswith(key)) for key in "ab")
    assert a.rstrip().endswith("5")
    assert len(a.rstrip()) == len(b.rstrip()), "numbers are aligned at the right"


def test_colours_are_for_terminals_only() -> None:
    assert "\x1b" not in render.to_text(View("Title", status="bad"))


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1)


@given(texts, texts)
def test_html_shows_any_text_and_runs_none(name: str, value: str) -> None:
    parser = Cells()
    parser.feed(
        render.to_html(View("<b>", fields=[(name, value)], tables=[Table([name], [[value]])]))
    )
    assert parser.cells == [name, value, name, value]
    assert parser.tags <= {"div", "p", "strong", "table", "thead", "tbody", "tr", "th", "td"}


def test_html_marks_good_and_bad_rows() -> None:
    html = render.to_html(View("", tables=[Table(["a"], [[1], [2]], styles=["bad", ""])]))
    assert html.count('class="mlnb-bad"') == 1


def test_a_notebook_stores_html_text_and_the_record() -> None:
    column = Column(name="delay", type="int64")
    bundle = render.mimebundle(column)
    assert set(bundle) == {"text/html", "text/plain", MIME}
    assert bundle[MIME]["type"] == "Column"
    assert Column.from_dict(bundle[MIME]["record"]) == column


def test_json_is_the_record() -> None:
    column = Column(name="delay", type="int64")
    assert Column.from_dict(json.loads(render.to_json(column))) == column
    many = json.loads(render.to_json(Listing([column, column], title="", empty="")))
    assert [Column.from_dict(item) for item in many] == [column, column]


def test_an_error_is_two_lines_whatever_the_width(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    render.write_error(BadInput("A message of more than twenty letters [bold].", "A fix of [x]."))
    assert capsys.readouterr().err.splitlines() == [
        "Error: A message of more than twenty letters [bold].",
        "A fix of [x].",
    ]


def test_an_error_as_json_names_its_field(capsys: pytest.CaptureFixture[str]) -> None:
    render.write_error(SignatureMismatch("distance", "is missing", row=2), as_json=True)
    body = json.loads(capsys.readouterr().out)
    assert (body["field"], body["row"]) == ("distance", 2)


def test_json_and_the_notebook_hold_only_numbers_that_json_has() -> None:
    assert json.loads(render.to_json([Measured(value=float("nan"))]))[0]["value"] is None
    assert render.mimebundle(Measured(value=float("inf")))[MIME]["record"]["value"] is None


def test_a_notebook_shows_some_rows_of_very_many_and_says_so() -> None:
    listing = Table(["a"], [[i] for i in range(1_000)])
    for shown in (
        render.to_html(View("T", tables=[listing])),
        render.to_text(View("T", tables=[listing])),
    ):
        assert "199" in shown
        assert "200" not in shown.replace("200 rows", "")
        assert "… and 800 more rows" in shown
    assert len(render.to_json(View("T", tables=[listing]))) > 3_000
