import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

IMAGES = Path(__file__).parents[2] / "docs" / "images"
READY = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    return panel?.context?.isReady && panel.sessionContext?.isReady
        && panel.sessionContext.session?.kernel?.status === 'idle';
}"""


class LabPage:
    """What a person does in JupyterLab."""

    def __init__(self, page: Any, lab: Any) -> None:
        self.page = page
        self.lab = lab

    def open(self, notebook: str = "") -> None:
        path = f"/lab/tree/{notebook}" if notebook else "/lab"
        self.page.goto(f"{self.lab.url}{path}?token={self.lab.token}&reset")
        self.page.wait_for_selector("#jp-main-dock-panel", timeout=60_000)
        if notebook:
            self.page.wait_for_function(READY, timeout=60_000)

    def show_panel(self) -> None:
        self.page.locator('li[data-id="mlnb-panel"]').click()
        self.page.wait_for_selector(".mlnb-Sections", timeout=30_000)

    def run_all(self) -> None:
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.locator('[data-command="runmenu:run-all"]').click()

    def section(self, name: str) -> Any:
        return self.page.locator(f'[data-mlnb-section="{name}"]')

    def line(self, section: str, text: str) -> Any:
        return self.section(section).locator(".mlnb-Row-line", has_text=text)


@pytest.fixture
def page(browser: Any, lab: Any) -> Iterator[LabPage]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, device_scale_factor=1)
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield LabPage(opened, lab)
    context.close()
    assert errors == []


FIRST = (
    "%load_ext mlnb",
    'import pandas as pd\n\ndf = pd.DataFrame({"carrier": ["UA", "AA"] * 50, "delay": range(100)})',
    '%dataset save df flights -m "first hundred"',
    "%%track first-fit\nimport mlnb\n\nmlnb.log(params={'depth': 3}, metrics={'roc_auc': 0.8125})",
)


def test_what_a_notebook_does_appears_in_the_panel(page: LabPage, lab: Any) -> None:
    lab.notebook("first.ipynb", *FIRST)
    page.open("first.ipynb")
    page.show_panel()
    assert "%%track" in page.section("runs").inner_text()
    assert "%dataset save" in page.section("datasets").inner_text()
    page.run_all()
    run = page.line("runs", "first-fit")
    run.wait_for(timeout=90_000)
    page.line("datasets", "flights").wait_for(timeout=10_000)
    assert "v1" in page.line("datasets", "flights").inner_text()
    assert "100 rows × 2" in page.line("datasets", "flights").inner_text()
    run.locator('.mlnb-Dot[aria-label="finished"]').wait_for(timeout=20_000)
    assert "roc_auc 0.8125" in run.inner_text()
    run.click()
    details = page.section("runs").locator(".mlnb-Row-details")
    assert "first.ipynb" in details.inner_text()
    assert re.search(r"depth\s+3", details.inner_text())


def test_a_pipeline_started_in_a_terminal_is_followed_cell_by_cell(page: LabPage, lab: Any) -> None:
    cells = ["import time", *["time.sleep(1.2)"] * 4]
    lab.notebook("ingest.ipynb", *cells)
    lab.notebook("train.ipynb", *cells[:3])
    (lab.folder / "pipeline.yaml").write_text(
        "name: nightly\n"
        "steps:\n"
        "  ingest: {notebook: ingest.ipynb}\n"
        "  train: {notebook: train.ipynb, needs: [ingest]}\n"
    )
    page.open()
    page.show_panel()
    assert "mlnb run pipeline.yaml" in page.section("pipelines").inner_text()
    line = page.line("pipelines", "nightly")
    seen: list[str] = []
    with lab.program("run", "pipeline.yaml") as program:
        line.wait_for(timeout=60_000)
        while page.section("pipelines").locator(".mlnb-Bar").count():
            text = line.locator(".mlnb-Row-summary").inner_text()
            if text not in seen[-1:]:
                seen.append(text)
            page.page.wait_for_timeout(100)
    assert program.code == 0, program.output
    steps = [text for text in seen if "·" in text]
    assert {"ingest · cell 3/5", "ingest · cell 4/5", "train · cell 3/3"} <= set(steps), seen
    assert steps == sorted(steps, key=lambda text: (text[0], text)), "progress never goes back"
    line.locator('.mlnb-Dot[aria-label="finished"]').wait_for(timeout=10_000)
    assert "2 of 2 steps" in line.inner_text()


def test_a_failing_pipeline_names_step_and_error(page: LabPage, lab: Any) -> None:
    lab.notebook("broken.ipynb", "x = 1", "x / 0")
    (lab.folder / "pipeline.yaml").write_text(
        "name: broken\nsteps:\n  divide: {notebook: broken.ipynb}\n"
    )
    page.open()
    page.show_panel()
    with lab.program("run", "pipeline.yaml") as program:
        pass
    assert program.code == 1, program.output
    line = page.line("pipelines", "broken")
    line.locator('.mlnb-Dot[aria-label="failed"]').wait_for(timeout=30_000)
    assert "ZeroDivisionError" in line.inner_text()
    line.click()
    page.section("pipelines").get_by_role("button", name="broken.ipynb", exact=True).click()
    page.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget?.context?.path === 'broken.ipynb'"
    )
    page.page.wait_for_function(READY, timeout=60_000)  # Jupyter stops a starting kernel slowly


def test_the_keyboard_the_filter_and_the_snippets(page: LabPage, lab: Any) -> None:
    lab.notebook("empty.ipynb", "")
    page.open("empty.ipynb")
    page.page.keyboard.press("Control+Shift+c")
    page.page.locator("#modal-command-palette input").fill("mlnb: Show")
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector(".mlnb-Sections")
    page.page.locator(".mlnb-Filter input").focus()
    page.page.keyboard.press("ArrowDown")
    page.page.keyboard.press("ArrowDown")
    assert "DATASETS" in page.page.evaluate("document.activeElement.innerText").upper()
    page.section("datasets").get_by_role("button", name="Insert into the notebook").click()
    source = page.page.evaluate(
        "window.jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.getSource()"
    )
    assert source.startswith("%dataset save df")


def test_the_panel_says_that_the_server_extension_is_missing(page: LabPage, lab: Any) -> None:
    page.page.route("**/mlnb/api/**", lambda route: route.fulfill(status=404, body="not here"))
    page.open()
    page.page.locator('li[data-id="mlnb-panel"]').click()
    alert = page.page.locator(".mlnb-Panel [role=alert]")
    alert.wait_for(timeout=30_000)
    assert "jupyter server extension enable mlnb" in alert.inner_text()
