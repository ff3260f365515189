"""Models, endpoints and lineage in JupyterLab, on a real model behind a real endpoint."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from .lab_page import LabPage, visiting
from .lab_server import Lab, running_lab

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

HERE = Path(__file__).parent
PATIENCE = 60_000
ASK = (
    "import sys, mlnb; sys.path.insert(0, {here!r}); import released; "
    "rows = released.flights(5, 200)[released.INPUTS]; "
    "asked = mlnb.serving.endpoint('arrivals'); "
    "[asked.predict(rows.iloc[at : at + 1]) for at in range(200)]"
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("releases")) as running:
        running.python(HERE / "released.py")
        try:
            yield running
        finally:
            with running.program("endpoint", "stop", "arrivals"):
                pass


@pytest.fixture(scope="module")
def visitor(browser: Any, lab: Lab) -> Iterator[LabPage]:
    with visiting(browser, lab, height=1000) as page:
        page.open()
        yield page


def shown(visitor: LabPage, kind: str, key: str) -> Any:
    """Open a document and return it once it has read what it shows."""
    visitor.command("mlnb:open", kind=kind, id=key, folder="")
    visitor.page.wait_for_function(
        "end => window.jupyterapp.shell.currentWidget?.id.endsWith(end)",
        arg=f":{quote(key)}",
        timeout=PATIENCE,
    )
    document = visitor.page.locator(".mlnb-Document:visible")
    document.locator(".mlnb-Frame-kind", has_text=kind).wait_for(timeout=PATIENCE)
    return document


def card(document: Any, title: str) -> Any:
    heading = document.page.get_by_role("heading", name=title, exact=True)
    return document.locator(".mlnb-Card").filter(has=heading)


def version(document: Any, number: int) -> Any:
    """Return the line of a model's version."""
    return document.locator(".mlnb-mod-choice button", has_text=f"v{number}")


def answer(visitor: LabPage, accept: str, **fields: str) -> None:
    """Fill the dialog that asks, and accept."""
    dialog = visitor.page.locator(".jp-Dialog")
    for label, value in fields.items():
        dialog.get_by_label(label.replace("_", " "), exact=True).fill(value)
    dialog.get_by_role("button", name=accept, exact=True).click()


def test_an_endpoint_shows_what_it_does(visitor: LabPage, lab: Lab) -> None:
    document = shown(visitor, "endpoint", "arrivals")
    traffic = card(document, "Traffic")
    assert "90%" in traffic.get_by_role("row", name="late-arrivals@2").inner_text()
    canary = traffic.get_by_role("row", name="late-arrivals@3")
    assert "canary" in canary.inner_text()
    assert "10%" in canary.inner_text()
    drift = card(document, "Drift").locator("li")
    lights = {
        row.locator(".mlnb-Drift-name").inner_text(): row.locator(".mlnb-Dot").get_attribute(
            "aria-label"
        )
        for row in drift.all()
    }
    assert lights["dep_delay"] == "drifted"
    assert lights["distance"] == "no drift"
    assert "dep_delay" in card(document, "Alerts").inner_text()
    assert "try the new one" in card(document, "History").inner_text()
    latest = card(document, "Latest predictions").get_by_role("row")
    latest.nth(10).wait_for(timeout=PATIENCE)
    document.get_by_role("button", name="Show the last lines").click()
    document.locator(".mlnb-Log", has_text="late-arrivals@3").wait_for(timeout=PATIENCE)


def test_requests_are_seen_while_they_come(visitor: LabPage, lab: Lab) -> None:
    document = shown(visitor, "endpoint", "arrivals")
    row = card(document, "Traffic").get_by_role("row", name="late-arrivals@2")
    visitor.page.wait_for_timeout(2500)
    code = ASK.format(here=str(HERE))
    subprocess.run([sys.executable, "-c", code], cwd=lab.folder, env=lab.environment, check=True)
    visitor.page.wait_for_function(
        """row => {
            const cells = [...row.querySelectorAll('td')].map(cell => cell.innerText);
            return Number(cells[2]) > 0 && cells[3].endsWith('ms') && Number(cells[6]) > 100;
        }""",
        arg=row.element_handle(),
        timeout=PATIENCE,
    )
    charts = document.locator(".mlnb-Chart canvas")
    assert charts.count() == 3


def test_traffic_is_shifted_and_a_canary_taken_back(visitor: LabPage, lab: Lab) -> None:
    document = shown(visitor, "endpoint", "arrivals")
    document.get_by_role("button", name="Shift…").click()
    answer(
        visitor,
        "Shift",
        Share_of_the_requests="50%",
        Reason="it's <b>fine</b> so far",
    )
    canary = card(document, "Traffic").get_by_role("row", name="late-arrivals@3")
    canary.get_by_text("50%", exact=True).wait_for(timeout=PATIENCE)
    history = card(document, "History")
    entry = history.locator("li", has_text="2 shifted to 50%")
    entry.get_by_text("it's <b>fine</b> so far").wait_for(timeout=PATIENCE)

    document.get_by_role("button", name="Roll back…").click()
    answer(visitor, "Roll back", Reason="odd answers at night")
    taken = history.locator("li", has_text="2 taken back")
    taken.get_by_text("odd answers at night").wait_for(timeout=PATIENCE)
    canary.wait_for(state="detached", timeout=PATIENCE)
    assert document.get_by_role("button", name="Shift…").count() == 0
    with lab.program("endpoint", "show", "arrivals", "--json") as program:
        pass
    assert '"canary"' not in program.output


def test_a_model_shows_its_versions_its_gate_and_its_card(visitor: LabPage) -> None:
    document = shown(visitor, "model", "late-arrivals@champion")
    document.locator(".mlnb-Frame-head", has_text="champion").wait_for(timeout=PATIENCE)
    assert "v2" in document.locator(".mlnb-Frame-head").inner_text()
    gate = card(document, "Gate: gate")
    row = gate.get_by_role("row", name="roc_auc ≥ 0.8")
    row.wait_for(timeout=PATIENCE)
    assert "between" in row.locator("svg.mlnb-Interval").get_attribute("aria-label")
    assert "…" in row.inner_text()
    markdown = card(document, "Model card").locator(".jp-RenderedMarkdown")
    markdown.get_by_role("heading", name="Training data").wait_for(timeout=PATIENCE)
    assert markdown.locator("strong", has_text="two features").count() == 1
    assert document.locator("script").count() == 0
    version(document, 1).click()
    card(document, "late-arrivals@1").wait_for(timeout=PATIENCE)
    assert "refused by its gate" in card(document, "late-arrivals@1").inner_text()


def test_two_versions_are_compared(visitor: LabPage) -> None:
    document = shown(visitor, "model", "late-arrivals@3")
    version(document, 3).click()
    document.locator(".mlnb-Compare-with select").select_option("1")
    comparison = card(document, "Version 3 against version 1")
    metric = comparison.get_by_role("row", name="roc_auc (validation)")
    metric.wait_for(timeout=PATIENCE)
    assert "+" in metric.inner_text()
    family = comparison.get_by_role("row", name="family")
    assert family.inner_text().split("\t")[1:] == ["baseline", "logistic", "changed"]


def test_a_version_is_promoted_and_rolled_back_with_a_reason(visitor: LabPage, lab: Lab) -> None:
    document = shown(visitor, "model", "late-arrivals@3")
    version(document, 3).click()
    document.get_by_role("button", name="Promote…").click()
    answer(visitor, "Promote", Reason="after a week of shadowing")
    history = card(document, "History of the aliases")
    history.get_by_text("after a week of shadowing").wait_for(timeout=PATIENCE)
    document.locator(".mlnb-Rows tr", has_text="v3").get_by_text("champion").wait_for()
    document.get_by_role("button", name="Roll back…").click()
    answer(visitor, "Roll back", Reason="after all not")
    history.get_by_text("after all not").wait_for(timeout=PATIENCE)
    with lab.program("model", "show", "late-arrivals@champion", "--json") as program:
        pass
    assert '"number": 2' in program.output


def test_lineage_leads_from_the_endpoint_to_the_data(visitor: LabPage) -> None:
    document = shown(visitor, "endpoint", "arrivals")
    document.get_by_role("button", name="Lineage").click()
    page = visitor.page
    graph = page.get_by_role("group", name="Lineage of arrivals")
    graph.wait_for(timeout=PATIENCE)
    flights = graph.locator('[data-mlnb-node="dataset:flights@1"]')
    assert flights.count() == 0
    page.get_by_label("Upstream").select_option("20")
    flights.wait_for(timeout=PATIENCE)
    assert "to prepare" in flights.get_attribute("aria-label")
    center = graph.locator("[aria-current]")
    center.focus()
    page.keyboard.press("ArrowLeft")
    focused = page.evaluate("document.activeElement.dataset.mlnbNode")
    assert focused.startswith("model:late-arrivals@")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.dataset.mlnbNode").startswith("run:")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    heading = page.locator(".mlnb-Document:visible .mlnb-Frame-head", has_text="late-arrivals")
    heading.wait_for(timeout=PATIENCE)


def test_a_graph_is_moved_enlarged_and_read_as_a_list(visitor: LabPage) -> None:
    document = shown(visitor, "lineage", "dataset:features@1")
    page = visitor.page
    node = document.locator('[data-mlnb-node="dataset:features@1"]')
    node.wait_for(timeout=PATIENCE)
    before = node.bounding_box()
    frame = document.locator(".mlnb-Graph-frame").bounding_box()
    page.mouse.move(frame["x"] + 30, frame["y"] + 30)
    page.mouse.down()
    page.mouse.move(frame["x"] + 110, frame["y"] + 70, steps=4)
    page.mouse.up()
    moved = node.bounding_box()
    assert (moved["x"] - before["x"], moved["y"] - before["y"]) == pytest.approx((80, 40), abs=1)
    page.mouse.wheel(-50, 0)
    page.wait_for_timeout(200)
    assert node.bounding_box()["x"] == pytest.approx(moved["x"] + 50, abs=1)
    # not by the mouse: a notification of what another test did may lie above
    document.get_by_role("button", name="Zoom out (-)").press("Enter")
    assert node.bounding_box()["width"] == pytest.approx(0.8 * before["width"], abs=1)
    document.get_by_role("button", name="Show all of it (0)").press("Enter")
    assert node.bounding_box()["width"] == pytest.approx(before["width"], abs=1)
    document.get_by_role("button", name="Show as a list").click()
    row = document.locator("tr", has=page.get_by_role("button", name="late-arrivals@3", exact=True))
    assert "logistic" in row.inner_text()
    assert "arrivals" in row.inner_text()
    row.get_by_role("button", name="late-arrivals@3").click()
    page.locator(".mlnb-Document:visible .mlnb-Frame-head", has_text="late-arrivals").wait_for()
