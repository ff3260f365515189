"""Results in notebooks that are saved: in JupyterLab without trust, exported, on a code host."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import nh3
import pytest

from .lab_page import LabPage, visiting
from .lab_server import Lab, running_lab

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

MAKE = Path(__file__).with_name("stored_results.py")
TRUSTED = "window.jupyterapp.shell.currentWidget.content.model.cells.get(0).trusted"
TAGS = """
h1 h2 h3 h4 h5 h6 br b i strong em a pre code img tt div ins del sup sub p ol ul table thead tbody
tfoot blockquote dl dt dd kbd q samp var hr ruby rt rp li tr td th s strike summary details caption
figure figcaption abbr cite dfn mark small span time wbr
"""
"""What GitHub lets through, as its html-pipeline documents it."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("stored")) as running:
        running.python(MAKE)
        yield running


@pytest.fixture
def page(browser: Any, lab: Lab) -> Iterator[LabPage]:
    with visiting(browser, lab, height=1600) as opened:
        yield opened


def open_notebook(page: LabPage, name: str) -> None:
    page.open(name)
    page.page.locator(".mlnb-Stored").first.wait_for(timeout=60_000)
    assert page.page.evaluate(TRUSTED) is False


def card(page: LabPage, cell: str) -> Any:
    """Return the output of the cell whose source is ``# cell``."""
    found = page.page.locator(".jp-CodeCell").filter(
        has=page.page.locator(".cm-content", has_text=f"# {cell}")
    )
    found.first.scroll_into_view_if_needed()
    return found.first.locator(".mlnb-Result")


def test_each_result_is_drawn_as_a_card_without_trust(page: LabPage, tmp_path: Path) -> None:
    open_notebook(page, "stored.ipynb")
    run = card(page, "run").inner_text()
    for text in ("gradient-boosting", "finished", "0.8125", "max_depth", "features-train@3"):
        assert text in run
    assert "MemoryError" in card(page, "failed-run").inner_text()
    assert "192 more metrics" in card(page, "many-metrics").inner_text()
    assert "200 parameters" in card(page, "many-metrics").inner_text()
    assert card(page, "profile").locator(".mlnb-Shape").count() == 4
    diff = card(page, "diff")
    assert "~440" in diff.inner_text()
    assert diff.locator("del").first.inner_text() != diff.locator("ins").first.inner_text()
    assert "The same content." in card(page, "same").inner_text()
    verdict = card(page, "verdict")
    assert "did not pass" in verdict.inner_text()
    assert verdict.locator(".mlnb-Range svg").count() == 3
    assert "gate refused" in card(page, "model").inner_text()
    assert "80%" in card(page, "endpoint").inner_text()
    assert "Stopped by analyst." in card(page, "stopped").inner_text()
    monitoring = card(page, "monitoring").inner_text()
    assert "drifted in 2 of 4 periods" in monitoring
    assert "0.48 ▲" in monitoring
    assert "… and 25 more" in card(page, "drift").inner_text()
    pipeline = card(page, "pipeline").inner_text()
    assert "train, cell 8" in pipeline
    assert "Input X contains NaN" in pipeline


def test_a_wide_profile_is_filtered_and_a_narrow_window_scrolls(page: LabPage) -> None:
    open_notebook(page, "stored.ipynb")
    wide = card(page, "wide-profile")
    assert "700" in wide.locator("header + dl").inner_text()
    wide.get_by_role("searchbox").fill("column_017")
    assert wide.get_by_role("status").inner_text() == "10 of 700 columns"
    assert wide.locator("tbody tr").count() == 10
    page.page.set_viewport_size({"width": 640, "height": 900})
    for name in ("verdict", "monitoring", "pipeline", "failed-run"):
        shown = card(page, name)
        assert shown.evaluate("node => node.scrollWidth <= node.clientWidth + 1"), name


def test_markup_in_records_stays_text(page: LabPage) -> None:
    open_notebook(page, "hostile.ipynb")
    for name in ("run", "profile", "diff", "verdict", "endpoint", "pipeline"):
        shown = card(page, name)
        assert "<script>window.pwned = 1</script>" in shown.inner_text(), name
        assert shown.locator("script, img, a[href], [onerror]").count() == 0


def test_older_formats_are_read_and_what_is_unknown_shows_its_html(page: LabPage) -> None:
    open_notebook(page, "old.ipynb")
    assert "of-format-1" in card(page, "first").inner_text()
    page.page.get_by_text("The HTML beside it").nth(3).wait_for(timeout=10_000)
    assert page.page.get_by_text("The HTML beside it").count() == 4


def test_the_button_opens_the_document(page: LabPage) -> None:
    open_notebook(page, "stored.ipynb")
    card(page, "version").get_by_role("button", name="Open").click()
    page.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget?.node.querySelector('.mlnb-Frame')"
        "?.innerText.includes('flights')"
    )


def test_it_follows_the_theme(page: LabPage, tmp_path: Path) -> None:
    open_notebook(page, "stored.ipynb")
    colours = []
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        page.command("apputils:change-theme", theme=theme)
        light = str(theme.endswith("Light")).lower()
        page.page.wait_for_function(f"() => document.body.dataset.jpThemeLight === '{light}'")
        page.page.wait_for_timeout(500)
        parts = card(page, "verdict").locator("header strong, .mlnb-Result-verdict, circle").all()
        colour = "node => getComputedStyle(node).color + getComputedStyle(node).fill"
        colours.append([part.evaluate(colour) for part in parts])
        page.page.screenshot(path=tmp_path / f"{theme}.png")
    assert all(light != dark for light, dark in zip(*colours, strict=True))


def test_a_widget_gives_way_to_what_is_stored_when_its_kernel_is_gone(
    page: LabPage, lab: Lab
) -> None:
    """A trusted, saved notebook, whose widget no kernel knows any more."""
    lab.notebook(
        "live.ipynb",
        "%load_ext mlnb",
        "%dataset diff flights@1 flights@2",
    )
    page.open("live.ipynb")
    page.run_all()
    page.page.locator(".mlnb-columns").locator("visible=true").first.wait_for(timeout=90_000)
    assert page.page.locator(".mlnb-Result:visible").count() == 0
    page.command("docmanager:save")
    page.page.wait_for_function(
        "() => !window.jupyterapp.shell.currentWidget.context.model.dirty", timeout=20_000
    )
    page.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
    page.open("live.ipynb")
    page.page.locator(".mlnb-Result:visible").first.wait_for(timeout=60_000)
    assert page.page.get_by_text("Error displaying widget").locator("visible=true").count() == 0


def test_an_exported_notebook_needs_nothing_else(browser: Any, lab: Lab, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nbconvert", "--to", "html"]
    for name in ("stored", "hostile"):
        subprocess.run(
            [*command, lab.folder / f"{name}.ipynb", "--output-dir", tmp_path],
            env=lab.environment,
            check=True,
            capture_output=True,
        )
        context = browser.new_context(offline=True)
        opened = context.new_page()
        opened.goto((tmp_path / f"{name}.html").as_uri())
        text = opened.locator("body").inner_text()
        assert opened.evaluate("window.pwned ?? null") is None
        assert opened.locator(".mlnb-view").count() == {"stored": 15, "hostile": 6}[name]
        assert opened.locator(".mlnb-view :is(script, style, [onerror])").count() == 0
        broken = "images => images.filter(image => !image.naturalWidth).length"
        assert opened.locator(".mlnb-view img").evaluate_all(broken) == 0
        opened.screenshot(path=tmp_path / f"{name}.png", full_page=True)
        context.close()
        wanted = "did not pass gate.yaml" if name == "stored" else "<script>window.pwned"
        assert wanted in text


def test_what_a_code_host_leaves_says_all_of_it(browser: Any, lab: Lab, tmp_path: Path) -> None:
    """Tables without any style, pictures as their text."""
    notebook = nbformat.read(lab.folder / "stored.ipynb", as_version=4)
    attributes = {
        "*": {"align", "alt", "colspan", "rowspan", "scope", "title", "width", "height", "valign"},
        "img": {"src", "alt"},
    }
    parts = [
        nh3.clean(
            cell.outputs[0].data["text/html"],
            tags=set(TAGS.split()),
            attributes=attributes,
            url_schemes={"http", "https"},
        )
        for cell in notebook.cells
    ]
    shown = "<hr>".join(parts)
    assert "style=" not in shown
    assert "data:" not in shown
    page = tmp_path / "host.html"
    page.write_text(f"<!doctype html><meta charset=utf-8>{shown}", encoding="utf-8")
    context = browser.new_context(viewport={"width": 900, "height": 1200})
    opened = context.new_page()
    opened.goto(page.as_uri())
    text = opened.locator("body").inner_text()
    opened.screenshot(path=tmp_path / "host.png", full_page=True)
    context.close()
    for words in ("Run gradient-boosting", "did not pass gate.yaml", "train, cell 8", "█"):
        assert words in text or words in shown


def test_what_is_stored_is_bounded(lab: Lab) -> None:
    notebook = nbformat.read(lab.folder / "stored.ipynb", as_version=4)
    for cell in notebook.cells:
        sizes = {kind: len(json.dumps(body)) for kind, body in cell.outputs[0].data.items()}
        assert max(sizes.values()) < 260_000, (cell.source, sizes)
