"""The live widget of an endpoint in JupyterLab: it shows what answers, and its buttons ask once."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

IMAGES = Path(__file__).parents[2] / "docs" / "images"
READY = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    return panel?.context?.isReady && panel.sessionContext?.isReady;
}"""
MAKE = """
import threading
import numpy as np
import pandas as pd
import mlnb
from sklearn.linear_model import LogisticRegression

chance = np.random.default_rng(0)
flights = pd.DataFrame(
    {"distance": chance.uniform(100, 3000, 300), "hour": chance.integers(0, 24, 300)}
)
for above in (12, 18):
    model = LogisticRegression(max_iter=2000).fit(flights, flights["hour"] > above)
    mlnb.models.register(model, "late", example=flights)
mlnb.serving.deploy("late@1", "flight-delays", reason="first release")
mlnb.serving.deploy("late@2", "flight-delays", canary="20%", reason="later hours")

going = threading.Event()
def ask():
    endpoint = mlnb.serving.endpoint("flight-delays")
    while not going.wait(0.02):
        endpoint.predict(flights.sample(1))
for _ in range(3):
    threading.Thread(target=ask, daemon=True).start()
"""


@pytest.fixture
def page(browser: Any, lab: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1320, "height": 1400})
    page = context.new_page()
    page.set_default_timeout(60_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(f"{error} {error.stack}"))
    yield page
    context.close()
    assert errors == []


def command(page: Any, name: str, **arguments: Any) -> None:
    page.evaluate(
        "([name, arguments]) => window.jupyterapp.commands.execute(name, arguments)",
        [name, arguments],
    )


def test_traffic_is_shown_shifted_and_taken_back(page: Any, lab: Any, tmp_path: Path) -> None:
    """Also takes the documentation's pictures: `UPDATE_SCREENSHOTS=1 make test-e2e`."""
    lab.notebook("live.ipynb", "%load_ext mlnb", MAKE, "%endpoint show flight-delays")
    page.goto(f"{lab.url}/lab/tree/live.ipynb?token={lab.token}&reset")
    page.wait_for_function(READY, timeout=60_000)
    command(page, "notebook:run-all-cells")
    widget = page.locator(".mlnb-endpoint")
    try:
        widget.wait_for(timeout=120_000)
        check(page, widget, IMAGES if os.environ.get("UPDATE_SCREENSHOTS") else tmp_path)
    finally:
        with lab.program("endpoint", "stop", "flight-delays"):
            pass


def check(page: Any, widget: Any, folder: Path) -> None:
    rows = widget.locator("tbody tr")
    assert widget.locator(".mlnb-light").get_attribute("data-light") == "good"
    assert rows.count() == 2
    assert "late@2" in rows.nth(1).inner_text()
    for row in (0, 1):
        cell = rows.nth(row).locator("td").nth(4)
        wait(page, lambda cell=cell: float(cell.inner_text().replace(",", "")) > 0)
        wait(page, lambda row=row: "ms" in rows.nth(row).locator("td").nth(7).inner_text())
    split = widget.locator(".mlnb-split")
    assert split.get_attribute("aria-label") == "late@1: 80%, late@2: 20%"

    slider = widget.get_by_role("slider")
    slider.fill("50")
    widget.get_by_role("button", name="Shift").click()
    assert "Let late@2 answer 50% of the requests?" in widget.inner_text()
    widget.get_by_role("button", name="No").click()
    assert split.get_attribute("aria-label") == "late@1: 80%, late@2: 20%"
    widget.get_by_role("button", name="Shift").click()
    widget.get_by_role("button", name="Yes").click()
    wait(page, lambda: split.get_attribute("aria-label") == "late@1: 50%, late@2: 50%")
    wait(page, lambda: "answers 50%" in widget.locator("[role=alert]").inner_text())

    page.wait_for_timeout(6_000)  # so that the pictures show some seconds of traffic
    for theme, suffix in (("JupyterLab Light", ""), ("JupyterLab Dark", "-dark")):
        command(page, "apputils:change-theme", theme=theme)
        page.wait_for_timeout(1_500)
        widget.scroll_into_view_if_needed()
        page.mouse.move(0, 0)
        widget.screenshot(path=folder / f"endpoint-live{suffix}.png")

    widget.get_by_role("button", name="Roll back").click()
    assert "Take late@2 back?" in widget.inner_text()
    widget.get_by_role("button", name="Yes").click()
    wait(page, lambda: rows.count() == 1)
    assert split.get_attribute("aria-label") == "late@1: 100%"


def wait(page: Any, true: Any) -> None:
    for _ in range(150):
        if true():
            return
        page.wait_for_timeout(200)
    pytest.fail("it did not happen in time")
