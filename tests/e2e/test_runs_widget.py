"""`%runs` and `%runs compare` in JupyterLab, in a saved notebook without a kernel, and exported."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

IMAGES = Path(__file__).parents[2] / "docs" / "images"
READY = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    return panel?.context?.isReady && panel.sessionContext?.isReady;
}"""
HOSTILE = '</script><img src=x onerror="window.hacked = 1"><script>window.hacked = 1</script>'
MAKE = f"""
import random
import numpy as np
import pandas as pd
import mlnb

chance = random.Random(7)

for rows in (10, 20):
    mlnb.datasets.save(pd.DataFrame({{"x": list(range(rows))}}), "flights")

def train(family, depth, rate, data="flights@1"):
    mlnb.datasets.load(data)
    given = {{"family": family, "depth": depth, "learning_rate": rate, "seed": 7}}
    mlnb.log(given | {{f"option_{{n:03d}}": n for n in range(200)}})
    for step in range(60):
        loss = 0.7 * np.exp(-rate * step / 2) + 0.3 + chance.uniform(-0.01, 0.01)
        mlnb.log(metrics={{"loss": loss, "auc": 0.95 - loss / 4}}, step=step)

with mlnb.track({HOSTILE!r}, experiment="delays"):
    mlnb.log({{"family": {HOSTILE!r}, "depth": 2}}, {{"auc": 0.5, "loss": float("nan")}})
"""
TRACKED = (
    "%%track boosting-4 --experiment delays\ntrain('boosting', depth=4, rate=0.3)",
    "%%track boosting-6 --experiment delays\ntrain('boosting', depth=6, rate=0.1)",
    "%%track boosting-8 --experiment delays\ntrain('boosting', depth=8, rate=0.05)",
    "%%track forest-12 --experiment delays\nprint('trees')\ntrain('forest', 12, 0.2, 'flights')",
)
COMPARE = "%runs compare boosting-4 boosting-6 boosting-8 forest-12"


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


@pytest.fixture
def notebook(browser: Any, lab: Any) -> Iterator[Notebook]:
    context = browser.new_context(viewport={"width": 1320, "height": 1400})
    page = context.new_page()
    page.set_default_timeout(60_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(f"{error} {error.stack}"))
    yield Notebook(page, lab)
    context.close()
    # ipywidgets' own extension fails without a kernel; nothing here needs it.
    assert [error for error in errors if "@jupyter-widgets/jupyterlab-manager" not in error] == []


def test_compared_in_lab_then_saved_then_exported(
    notebook: Notebook, browser: Any, lab: Any, tmp_path: Path
) -> None:
    """Also takes the documentation's pictures: `UPDATE_SCREENSHOTS=1 make test-e2e`."""
    folder = IMAGES if os.environ.get("UPDATE_SCREENSHOTS") else tmp_path
    cells = ("%load_ext mlnb", MAKE, *TRACKED, "%runs list -n 10", COMPARE)
    path = lab.notebook("runs.ipynb", *cells)
    notebook.open("runs.ipynb")
    notebook.command("notebook:run-all-cells")
    page = notebook.page
    table, comparison = page.locator(".mlnb-runs"), page.locator(".mlnb-comparison")
    comparison.locator("polyline").first.wait_for(timeout=120_000)
    check_table(table)
    check_comparison(page, comparison)
    table.get_by_role("searchbox").fill("flights")  # the pictures are to be of ordinary runs
    for theme, suffix in (("JupyterLab Light", ""), ("JupyterLab Dark", "-dark")):
        notebook.command("apputils:change-theme", theme=theme)
        page.wait_for_timeout(1_200)
        picture(page, table, folder / f"runs-list{suffix}.png")
        picture(page, comparison, folder / f"runs-compare{suffix}.png")
    table.get_by_role("searchbox").fill("")
    notebook.command("docmanager:save")
    page.wait_for_function("!window.jupyterapp.shell.currentWidget.context.model.dirty")
    assert page.evaluate("window.hacked") is None

    check_without_kernel(notebook, tmp_path)
    check_export(browser, path, folder)


def picture(page: Any, widget: Any, path: Path) -> None:
    widget.scroll_into_view_if_needed()
    page.mouse.move(0, 0)
    page.wait_for_timeout(200)
    widget.screenshot(path=path)


def check_table(table: Any) -> None:
    assert table.locator("[role=status]").inner_text() == "5 runs"
    assert table.locator("script, img").count() == 0
    table.get_by_role("button", name="loss").click()
    names = table.locator("tbody tr td:first-child").all_inner_texts()
    assert names[-1].startswith("</script><img"), "what has no number is last"
    table.get_by_role("searchbox").fill("forest")
    assert table.locator("[role=status]").inner_text() == "1 of 5 runs"
    table.get_by_role("searchbox").fill("")
    table.locator("summary").click()
    assert table.locator(".mlnb-choices label").count() > 200
    before = table.locator("thead th").count()
    table.get_by_label("option_199", exact=True).check()
    assert table.locator("thead th").count() == before + 1
    table.get_by_label("option_199", exact=True).uncheck()
    table.locator("summary").click()


def check_comparison(page: Any, comparison: Any) -> None:
    from playwright.sync_api import expect  # which the fast tests do not have

    assert comparison.locator(".mlnb-scroll polyline").count() == 4
    assert comparison.locator(".mlnb-curves svg").count() == 2
    rows = comparison.locator(".mlnb-grid").first.locator("tbody tr")
    differing = rows.count()
    assert "learning_rate" in comparison.locator(".mlnb-grid").first.inner_text()
    assert "flights@2" in comparison.locator(".mlnb-grid").first.inner_text()
    comparison.get_by_label("only what differs").uncheck()
    assert rows.count() > 200 + differing / 2
    comparison.get_by_label("only what differs").check()
    comparison.get_by_role("searchbox").fill("learning")
    assert rows.count() == 1
    comparison.get_by_role("searchbox").fill("")
    # Reached and used by keyboard: the second run is taken out of the pictures, and put back.
    chip = comparison.locator(".mlnb-chip").nth(1)
    chip.focus()
    lines = comparison.locator(".mlnb-scroll polyline")
    expect(comparison.locator("polyline").nth(1)).to_have_class(re.compile("mlnb-marked"))
    page.keyboard.press("Enter")
    expect(lines).to_have_count(3)
    page.keyboard.press("Enter")
    expect(lines).to_have_count(4)
    code = comparison.locator("summary", has_text="Code of forest-12")
    code.click()
    assert "train('forest'" in comparison.locator(".mlnb-diff:visible ins").all_inner_texts()[-1]
    code.click()
    heading = comparison.locator("thead button").nth(2)
    heading.focus()
    page.keyboard.press("Enter")
    assert comparison.locator("thead th[aria-sort=ascending]").count() == 1


def check_without_kernel(notebook: Notebook, tmp_path: Path) -> None:
    """Open what was saved, in a page of its own, with no kernel started."""
    saved = notebook.lab.folder / "runs.ipynb"
    read = nbformat.read(saved, as_version=4)
    assert "widgets" not in read.metadata
    page = notebook.page
    page.evaluate(
        """async () => {
            const app = window.jupyterapp;
            await app.commands.execute('application:close');
            await app.serviceManager.sessions.shutdownAll();
        }"""
    )
    settings = {"kernelPreference": {"shouldStart": False, "canStart": False}}
    page.goto(f"{notebook.lab.url}/lab?token={notebook.lab.token}&reset")
    page.wait_for_function("() => window.jupyterapp?.shell", timeout=60_000)
    page.evaluate(
        """async (preference) => {
            const app = window.jupyterapp;
            await app.restored;
            await app.commands.execute('docmanager:open', {
                path: 'runs.ipynb', ...preference, kernel: null
            });
        }""",
        settings,
    )
    comparison = page.locator(".mlnb-comparison")
    comparison.locator("polyline").first.wait_for(timeout=30_000)
    assert page.evaluate("!window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel")
    assert comparison.locator(".mlnb-scroll polyline").count() == 4
    comparison.locator(".mlnb-chip").nth(0).click()
    assert comparison.locator(".mlnb-scroll polyline").count() == 3
    assert page.locator(".mlnb-runs [role=status]").inner_text() == "5 runs"
    page.screenshot(path=tmp_path / "saved.png")


def check_export(browser: Any, path: Path, folder: Path) -> None:
    """Open what stock nbconvert makes, from a file, with every request refused."""
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--log-level=ERROR", str(path)]
    subprocess.run(command, check=True, cwd=path.parent)
    for scripts in (True, False):
        context = browser.new_context(
            viewport={"width": 1320, "height": 1400}, java_script_enabled=scripts, offline=True
        )
        page = context.new_page()
        page.route("http*://**", lambda route: route.abort())
        page.goto(path.with_suffix(".html").as_uri(), wait_until="domcontentloaded")
        if scripts:
            comparison = page.locator(".mlnb-comparison")
            comparison.locator("polyline").first.wait_for(timeout=30_000)
            assert comparison.locator(".mlnb-scroll polyline").count() == 4
            assert comparison.locator(".mlnb-curves svg").count() == 2
            comparison.get_by_role("searchbox").fill("learning")
            assert comparison.locator(".mlnb-grid").first.locator("tbody tr").count() == 1
            comparison.get_by_role("searchbox").fill("")
            assert page.evaluate("window.hacked") is None
            comparison.scroll_into_view_if_needed()
            page.screenshot(path=folder / "runs-export.png")
        else:
            plain = page.locator(".mlnb-plain").last
            assert plain.is_visible()
            assert plain.locator("img").count() == 3, "parallel coordinates and two curves"
            assert "learning_rate" in plain.inner_text()
            plain.screenshot(path=path.parent / "plain.png")
        context.close()
