"""The widget of `%dataset show` and `diff` in JupyterLab: 500 columns, hostile names and values."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

IMAGES = Path(__file__).parents[2] / "docs" / "images"
READY = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    return panel?.context?.isReady && panel.sessionContext?.isReady
        && panel.sessionContext.session?.kernel?.status === 'idle';
}"""
HOSTILE = [
    "<script>window.hacked = 1</script>",
    "</script><script>window.hacked = 1</script>",
    '"><img src=x onerror="window.hacked = 1">',
    "' onmouseover='window.hacked = 1' style='",
    "javascript:window.hacked=1",
    "</td></table><h1>out</h1>",
    "\u202eevil\u202c",
    "zero\u200bwidth\ufeff",
    "line\nbreak\r\ttab",
    "\x1b[31mred\x07\x00",
    "__proto__",
    "constructor",
    "{{ 7 * 7 }}${7 * 7}",
    "العربية",
    "x" * 10_000,
    " ",
    "",
]
MAKE = f"""
import numpy as np, pandas as pd
HOSTILE = {HOSTILE!r}
random, rows = np.random.default_rng(0), 2_000
text = [one[:300] for one in HOSTILE]
columns = {{"flight": np.arange(rows)}}
for place, name in enumerate(HOSTILE):
    values = [text[(row + place) % len(text)] for row in range(rows)]
    columns[name] = pd.Series(values, dtype="str")
make = {{
    "fare": lambda: random.gamma(2, 30, rows).round(2),
    "distance": lambda: random.integers(50, 5_000, rows),
    "carrier": lambda: pd.Series(random.choice(["AA", "B6", "DL", "UA"], rows), dtype="str"),
    "delay": lambda: pd.array(np.where(random.random(rows) < 0.04, np.nan,
                                       random.normal(10, 30, rows).round(1))),
    "departure": lambda: pd.Timestamp("2024-01-01")
        + pd.to_timedelta(random.integers(0, 10**7, rows), unit="s"),
    "diverted": lambda: random.random(rows) < 0.03,
}}
kinds = list(make)
for number in range(500 - len(columns)):
    kind = kinds[number % len(kinds)]
    columns[f"{{kind}}_{{number:03d}}"] = make[kind]()
before = pd.DataFrame(columns)
changed = {{}}
for place, name in enumerate(before.columns[1:]):
    some = random.choice(rows, max(1, 900 - 2 * place), replace=False)
    values = before[name].to_numpy(copy=True)
    if name.startswith("fare"):
        values[some] = (values[some] * 1.8).round(2)
    else:
        values[some] = values[np.sort(some)[::-1]]
    changed[name] = pd.Series(values, dtype=before[name].dtype)
after = before.assign(**changed).drop(index=range(50, 90)).drop(columns="diverted_005")
after = after.reset_index(drop=True)
"""
CELLS = (
    "%load_ext mlnb",
    MAKE,
    '%dataset save before wide -m "first"',
    '%dataset save after wide -m "second"',
    "%dataset show wide@1",
    "%dataset diff wide@1 wide@2",
)


class Notebook:
    """A notebook open in JupyterLab."""

    def __init__(self, page: Any, lab: Any) -> None:
        self.page = page
        self.lab = lab

    def open(self, name: str) -> None:
        self.page.goto(f"{self.lab.url}/lab/tree/{name}?token={self.lab.token}&reset")
        self.page.wait_for_selector("#jp-main-dock-panel", timeout=60_000)
        self.page.wait_for_function(READY, timeout=60_000)

    def command(self, name: str, **arguments: Any) -> None:
        self.page.evaluate(
            "([name, arguments]) => window.jupyterapp.commands.execute(name, arguments)",
            [name, arguments],
        )

    def run_all(self) -> None:
        self.command("notebook:run-all-cells")

    def widget(self, title: str) -> Any:
        return self.page.locator(".mlnb-columns", has_text=title)

    def was_hacked(self) -> bool:
        return bool(self.page.evaluate("window.hacked !== undefined || {}.hacked !== undefined"))


@pytest.fixture
def notebook(browser: Any, lab: Any) -> Iterator[Notebook]:
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, device_scale_factor=1)
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield Notebook(opened, lab)
    context.close()
    assert errors == []


def picture(notebook: Notebook, widget: Any, name: str, folder: Path) -> None:
    widget.scroll_into_view_if_needed()
    notebook.page.mouse.move(0, 0)
    notebook.page.wait_for_timeout(300)
    widget.screenshot(path=folder / f"{name}.png")


def names_of(widget: Any) -> list[str]:
    return [text.strip() for text in widget.locator("tbody td.mlnb-name").all_inner_texts()]


def test_five_hundred_columns_with_hostile_names(
    notebook: Notebook, lab: Any, tmp_path: Path
) -> None:
    """Also takes the documentation's pictures: `UPDATE_SCREENSHOTS=1 make test-e2e`."""
    folder = IMAGES if os.environ.get("UPDATE_SCREENSHOTS") else tmp_path
    lab.notebook("wide.ipynb", *CELLS)
    notebook.open("wide.ipynb")
    notebook.run_all()
    show = notebook.widget("Dataset wide@1")
    show = show.locator("visible=true").filter(has_text="500 columns")
    show.wait_for(timeout=120_000)
    diff = notebook.widget("Dataset wide@1 → wide@2").locator("visible=true").last
    diff.wait_for(timeout=60_000)
    check_show(notebook, show)
    check_diff(notebook, diff)
    assert not notebook.was_hacked()
    for theme, suffix in (("JupyterLab Light", ""), ("JupyterLab Dark", "-dark")):
        notebook.command("apputils:change-theme", theme=theme)
        notebook.page.wait_for_timeout(1_500)
        picture(notebook, show, f"dataset-show{suffix}", folder)
        picture(notebook, diff, f"dataset-diff{suffix}", folder)


def says(widget: Any, text: str, besides: str | None = None) -> None:
    """Wait until the widget says so: what was typed is acted on a moment later."""
    widget.locator("[role=status]").filter(has_text=text, has_not_text=besides).wait_for()


def check_show(notebook: Notebook, widget: Any) -> None:
    says(widget, "500 columns")
    drawn = widget.locator("tbody tr:not(.mlnb-gap)").count()
    assert 10 < drawn < 60, "only the rows in view are drawn"
    assert names_of(widget)[:4] == [
        "flight",
        "<script>window.hacked = 1</script>",
        "</script><script>window.hacked = 1</script>",
        '"><img src=x onerror="window.hacked = 1">',
    ]
    assert r"\u202eevil\u202c" in names_of(widget)
    frame = widget.locator(".mlnb-frame")
    frame.evaluate("frame => { frame.scrollTop = frame.scrollHeight; }")
    widget.get_by_text(re.compile("_481$")).wait_for()
    frame.evaluate("frame => { frame.scrollTop = 0; }")
    search = widget.get_by_role("searchbox")
    search.fill("fare double")
    says(widget, "81 of 500 columns")
    widget.get_by_role("button", name="column").click()
    widget.get_by_role("button", name="column").click()
    widget.locator("tbody td.mlnb-name").first.filter(has_text="fare_480").wait_for()
    widget.locator("tbody tr").first.click()
    details = widget.locator(".mlnb-details")
    details.filter(has_text="95% quantile").wait_for()
    assert details.locator("svg").count() == 1
    search.fill("<script>")
    says(widget, "of 500 columns", besides="81 of")
    widget.locator("tbody tr").first.click()
    details.filter(has_text="<script>window.hacked").wait_for()
    assert details.locator("script, img, h1").count() == 0
    search.fill("")
    assert widget.locator("script, img, h1, [onmouseover]").count() == 0
    assert not notebook.was_hacked()


def check_diff(notebook: Notebook, widget: Any) -> None:
    widget.scroll_into_view_if_needed()
    widget.locator(".mlnb-facts").filter(has_text="removed").wait_for()
    facts = widget.locator(".mlnb-facts").inner_text()
    assert "−40 removed" in facts
    assert "+0 added" in facts
    assert "~1,960 changed" in facts
    assert "− diverted_005 (bool)" in widget.locator(".mlnb-notes").inner_text()
    assert "matched by flight, as saved" in widget.locator(".mlnb-notes").inner_text()
    first = widget.locator("tbody tr").first
    first.locator("del").wait_for()
    assert first.locator("del").count() == first.locator("ins").count() == 1
    widget.get_by_role("searchbox").fill("fare")
    first.click()
    samples = widget.locator(".mlnb-samples")
    samples.locator("ins").nth(2).wait_for()
    assert samples.locator("ins").count() == 3
    assert samples.locator(".mlnb-place").first.inner_text().startswith("flight=")
    assert "after" in widget.locator(".mlnb-figures").first.inner_text()
    assert widget.locator("script, img, h1, [onmouseover]").count() == 0
    assert not notebook.was_hacked()


def test_the_html_beside_the_widget_is_safe_and_looks_right_without_trust(
    notebook: Notebook, lab: Any, tmp_path: Path
) -> None:
    folder = IMAGES if os.environ.get("UPDATE_SCREENSHOTS") else tmp_path
    program = lab.folder / "make.py"
    program.write_text(STORE)
    lab.python(program)
    stored = nbformat.read(lab.folder / "stored.ipynb", as_version=4)
    assert all("text/html" in cell.outputs[0].data for cell in stored.cells)
    notebook.open("stored.ipynb")
    trusted = "window.jupyterapp.shell.currentWidget.content.model.cells.get(0).trusted"
    assert notebook.page.evaluate(trusted) is False
    outputs = notebook.page.locator(".jp-OutputArea-output .mlnb-view")
    outputs.first.wait_for(timeout=30_000)
    assert outputs.count() == 2
    for output in outputs.all():
        assert output.locator("script, h1, [onmouseover], [onerror]").count() == 0
        assert "<script>window.hacked = 1</script>" in output.inner_text()
        loaded = "image => image.complete && image.naturalWidth > 0"
        assert output.locator("img").count() > 10
        assert output.locator("img").first.evaluate(loaded)
    picture(notebook, outputs.last, "untrusted", tmp_path)
    assert not notebook.was_hacked()
    for name in ("show", "diff"):
        page = notebook.page.context.new_page()
        page.goto((lab.folder / f"{name}.html").as_uri())
        assert page.evaluate("window.hacked === undefined && {}.hacked === undefined")
        assert page.locator("script").count() == 0
        page.screenshot(path=tmp_path / f"exported-{name}.png", full_page=False)
        page.close()
    assert folder.is_dir()


STORE = (
    MAKE
    + """
from pathlib import Path
import nbformat
from mlnb import datasets
from mlnb.ui import render

datasets.save(before, "wide", message=HOSTILE[0])
datasets.save(after, "wide", message=HOSTILE[2])
notebook = nbformat.v4.new_notebook()
notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
results = {"show": datasets.show("wide@1"), "diff": datasets.diff("wide@1", "wide@2")}
for name, result in results.items():
    cell = nbformat.v4.new_code_cell(name)
    bundle = render.mimebundle(result)
    del bundle[render.MIME]  # JupyterLab would draw that: here the HTML is looked at
    cell.outputs = [nbformat.v4.new_output("display_data", data=bundle)]
    notebook.cells.append(cell)
    page = f"<!doctype html><meta charset=utf-8><body>{bundle['text/html']}</body>"
    Path(f"{name}.html").write_text(page, encoding="utf-8")
nbformat.write(notebook, "stored.ipynb")
"""
)
