"""What is shown of columns: the widget's state, histograms, text that hides nothing."""

import json
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from markupsafe import escape

from mlnb import datasets
from mlnb.core.project import Project
from mlnb.datasets.records import DatasetProfile, Histogram
from mlnb.ui import render
from mlnb.ui.figures import Change, Lines, Shape, visible
from mlnb.ui.widgets import dataset_columns
from mlnb.ui.widgets.dataset_columns import of_diff, of_profile

pytestmark = pytest.mark.usefixtures("project")

BEFORE = pd.DataFrame(
    {
        "id": range(200),
        "fare": [float(n % 50) for n in range(200)],
        "carrier": ["AA", "B6"] * 100,
        "same": 1,
    }
)
AFTER = BEFORE.assign(
    fare=BEFORE["fare"].where(BEFORE["id"] % 4 > 0, 99.5),
    carrier=BEFORE["carrier"].where(BEFORE["id"] != 7, "<b>DL</b>"),
)


@pytest.fixture
def diff(project: Project) -> datasets.DatasetDiff:
    datasets.save(BEFORE, "flights")
    datasets.save(AFTER, "flights")
    found = datasets.diff("flights@1", "flights@2")
    assert isinstance(found, datasets.DatasetDiff)
    return found


def test_a_profile_in_the_widget() -> None:
    datasets.save(BEFORE, "flights", message="first")
    shown = datasets.show("flights")
    assert isinstance(shown, DatasetProfile)
    widget = of_profile(shown)
    assert ["message", "first"] in widget.facts
    fare, carrier = widget.rows[1], widget.rows[2]
    assert fare["cells"][:5] == ["fare", "double", "", "50", "0 … 25 … 49"]
    assert len(fare["cells"]) == len(fare["sort"]) == len(widget.heads)
    assert ["95% quantile", "47"] in fare["details"]["tables"][0]
    assert carrier["details"]["top"] == [["AA", 100], ["B6", 100]]
    json.dumps(widget.get_state(), default=str, allow_nan=False)


def test_a_difference_in_the_widget(diff: datasets.DatasetDiff) -> None:
    widget = of_diff(diff)
    assert widget.facts == [["added", "+0"], ["removed", "−0"], ["changed", "~51"], ["kept", "149"]]
    assert [row["cells"][:3] for row in widget.rows] == [
        ["fare", "50", "25.0%"],
        ["carrier", "1", "0.5%"],
    ]
    assert widget.rows[1]["cells"][3] == ["id=7", "B6", "<b>DL</b>"]
    assert widget.rows[0]["details"]["tables"][0][0] == ["", "before", "after"]
    assert widget.rows[0]["cells"][4].startswith("PSI ")
    json.dumps(widget.get_state(), default=str, allow_nan=False)


def test_the_difference_in_text_and_html(diff: datasets.DatasetDiff) -> None:
    text = render.to_text(diff, width=160)
    assert "51 (51 cells in 2 columns)" in text
    assert "id=7: B6 → <b>DL</b>" in text
    assert "matched by id, as saved" in text
    page = render.to_html(diff)
    assert "&lt;b&gt;DL&lt;/b&gt;" in page
    assert "<ins " in page
    assert "<b>" not in page


def test_of_many_columns_the_worst_are_shown(project: Project) -> None:
    rng = np.random.default_rng(0)
    before = pd.DataFrame({"id": range(60), **{f"c{n:03d}": rng.random(60) for n in range(500)}})
    after = before.copy()
    for place, name in enumerate(before.columns[1:]):
        after.loc[: place // 10, name] = -1.0
    datasets.save(before, "wide")
    datasets.save(after, "wide")
    found = datasets.diff("wide@1", "wide@2")
    text = render.to_text(found)
    assert "and 460 more columns with changes" in text
    assert text.index("c490") < text.index("c489")
    assert "c100" not in text
    assert len(text.splitlines()) < 120
    assert len(of_diff(found).rows) == 500  # type: ignore[arg-type]  # of tables, not folders


def test_the_schema_and_rows_in_text(project: Project) -> None:
    datasets.save(BEFORE, "flights")
    changed = BEFORE.drop(columns="same").rename(columns={"carrier": "line"}).iloc[1:]
    datasets.save(changed.assign(new=1).reset_index(drop=True), "flights")
    text = render.to_text(datasets.diff("flights@1", "flights@2", rows=2))
    assert "−   same" in text
    assert "+   new" in text
    assert "removed" in text
    by_content = render.to_text(datasets.diff("flights@1", "flights@2", key=[]))
    assert "unknown without a key" in by_content
    assert "--key" in by_content


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢", "plain é 漢"),
        ("a\nb\r\t", r"a\nb\r\t"),
        ("\x1b[31m\x07\x00", r"\x1b[31m\x07\x00"),
        ("\u202eevil", r"\u202eevil"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("no\xa0break", r"no\xa0break"),
        ("عربي", "\u2068عربي\u2069"),
        ("x" * 10_000, "x" * 59 + "…"),
        ("", ""),
    ],
)
def test_text_hides_nothing(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_changes_and_lines() -> None:
    change = Change(None, "<i>", "id=1")
    assert str(change) == "id=1: null → <i>"
    assert "&lt;i&gt;</ins>" in change.__html__()
    assert str(Change(" ", "")) == "' ' → ''"
    assert str(Lines([change, "<b>"])) == "id=1: null → <i>\n<b>"
    assert Lines([change, "<b>"]).__html__().endswith("<br>&lt;b&gt;")


class Images(HTMLParser):
    """Collects the pictures of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "img":
            self.found.append(dict(attrs))


def test_histograms_are_pictures_with_a_text_of_their_own() -> None:
    now = Histogram(edges=[0.0, 1.0, 2.0], counts=[1, 3])
    before = Histogram(edges=[-2.0, 0.0], counts=[4])
    parser = Images()
    parser.feed(str(escape(Shape(now, before))))
    [image] = parser.found
    assert image["alt"] == str(Shape(now)) == "▄█"
    picture = unquote(str(image["src"]).partition(",")[2])
    assert picture.count("<path") == 2
    assert "NaN" not in picture
    assert str(escape(Shape(None))) == ""
    point = Histogram(edges=[5.0, 5.0], counts=[7])
    assert "img" in str(escape(Shape(point, point)))


@pytest.mark.skipif(shutil.which("node") is None, reason="node runs the widget's own module")
def test_filter_and_sort(tmp_path: Path) -> None:
    source = Path(dataset_columns.__file__).parent / "static" / "dataset_columns.js"
    (tmp_path / "module.mjs").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    rows = [
        {"cells": ["fare", "double", None], "sort": ["fare", 3, None]},
        {"cells": ["__proto__", "string"], "sort": ["__proto__", None, None]},
        {"cells": ["fare_2", "int64"], "sort": ["fare_2", 10, None]},
    ]
    program = f"""
        import {{ visible }} from "./module.mjs";
        const rows = {json.dumps(rows)};
        const at = (column, down) => ({{ at: column, down }});
        console.log(JSON.stringify([
            visible(rows, "", at(-1, false)), visible(rows, "fare INT", at(-1, false)),
            visible(rows, "", at(1, true)), visible(rows, "", at(1, false)),
            visible(rows, "", at(0, false)), visible(rows, "__proto__", at(-1, false)),
        ]));
    """
    (tmp_path / "ask.mjs").write_text(program, encoding="utf-8")
    done = subprocess.run(
        ["node", "ask.mjs"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [[0, 1, 2], [2], [2, 0, 1], [0, 2, 1], [1, 0, 2], [1]]
