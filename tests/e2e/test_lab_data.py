"""The documents of runs, comparisons and datasets, in a browser, on a real project."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .data_project import HOSTILE, VERSIONS
from .lab_page import READY, LabPage, visiting
from .lab_server import running_lab

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

PROGRAM = Path(__file__).with_name("data_project.py")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with running_lab(tmp_path_factory.mktemp("data")) as running:
        running.python(PROGRAM)
        yield running


@pytest.fixture(scope="module")
def page(browser: Any, lab: Any) -> Iterator[LabPage]:
    with visiting(browser, lab, width=1300, height=1000) as opened:
        opened.open()
        opened.page.wait_for_function(
            "() => window.jupyterapp?.commands?.hasCommand('mlnb:open')", timeout=60_000
        )
        yield opened


def document(page: LabPage, kind: str, key: str) -> Any:
    """Open a document and wait until it shows something."""
    page.command("mlnb:open", kind=kind, id=key, folder="")
    shown = page.page.locator(".mlnb-Document:visible")
    shown.locator("h1").wait_for(timeout=30_000)
    return shown


def card(shown: Any, title: str) -> Any:
    heading = shown.page.get_by_role("heading", name=re.compile(rf"^{title}( \(.*\))?$"))
    return shown.locator(".mlnb-Card", has=heading)


def picture(chart: Any) -> str:
    return str(chart.locator("canvas").evaluate("canvas => canvas.toDataURL()"))


def test_a_run_shows_what_came_out_and_what_it_was_made_of(page: LabPage) -> None:
    shown = document(page, "run", "depth-4")
    assert shown.locator("h1").inner_text().startswith("depth-4")
    loss = shown.get_by_role("figure", name=re.compile("^loss: 60 points"))
    loss.wait_for()
    assert shown.get_by_role("figure", name=re.compile("^error: 60 points")).count() == 1
    assert re.search(r"auc\s+0\.74", card(shown, "Results").inner_text())
    assert re.search(r"rate\s+0\.1", card(shown, "Parameters").inner_text())
    image = card(shown, "Figures").locator("img")
    image.wait_for()
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    shown.get_by_role("button", name="notes.txt").click()
    assert f"All is well. {HOSTILE}" in shown.locator(".mlnb-Text").inner_text()
    shown.get_by_role("button", name="Show packages").click()
    card(shown, "Environment").get_by_label("Filter packages").fill("pandas")
    assert re.search(r"pandas\s+\d", card(shown, "Environment").inner_text())
    card(shown, "Data and models").get_by_role("button", name="flights@2").click()
    page.page.locator(".mlnb-Document:visible h1", has_text="flights@2").wait_for()


def test_a_curve_is_read_smoothed_and_scaled(page: LabPage) -> None:
    shown = document(page, "run", "depth-2")
    loss = shown.get_by_role("figure", name=re.compile("^loss:"))
    loss.locator("canvas").wait_for()
    plain = picture(loss)
    loss.locator(".u-over").hover()
    assert "step" in loss.locator(".mlnb-Chart-readout").inner_text()
    loss.focus()
    page.page.keyboard.press("ArrowRight")
    before = loss.locator(".mlnb-Chart-readout strong").inner_text()
    page.page.keyboard.press("ArrowRight")
    assert loss.locator(".mlnb-Chart-readout strong").inner_text() != before
    shown.get_by_label("Smoothing").fill("0.9")
    smooth = picture(loss)
    shown.get_by_label("Logarithmic").check()
    assert len({plain, smooth, picture(loss)}) == 3
    shown.get_by_label("Over").select_option("time")
    loss.locator(".u-over").hover()
    loss.locator(".mlnb-Chart-readout", has_text="after").wait_for()


def test_a_run_that_goes_on_is_followed(page: LabPage, lab: Any) -> None:
    with subprocess.Popen(
        [sys.executable, PROGRAM, "live"], cwd=lab.folder, env=lab.environment
    ) as program:
        shown = document(page, "run", "depth-2")  # meanwhile the other one begins
        while True:
            page.command("mlnb:open", kind="run", id="live", folder="")
            chart = shown.get_by_role("figure", name=re.compile("^loss: .* the last is"))
            if shown.locator("h1", has_text="live").count() and chart.count():
                break
            assert program.poll() is None
            page.page.wait_for_timeout(200)
        seen = {chart.get_attribute("aria-label") for _ in pause(page, 12)}
        shown.locator('h1 [aria-label="running"]').wait_for()
        (lab.folder / "stop").touch()
    assert program.returncode == 0
    assert len(seen) > 2, "the curve grew while the run went on"
    shown.locator('h1 [aria-label="finished"]').wait_for(timeout=20_000)


def pause(page: LabPage, times: int) -> Iterator[int]:
    for number in range(times):
        page.page.wait_for_timeout(400)
        yield number


def test_a_run_that_failed_says_why(page: LabPage) -> None:
    shown = document(page, "run", f"broken {HOSTILE}")
    error = card(shown, "Error")
    assert f"ValueError: {HOSTILE}" in error.inner_text()
    error.get_by_text("Traceback (most recent call last)").wait_for()
    assert HOSTILE in card(shown, "Parameters").inner_text()
    assert card(document(page, "run", "empty"), "Metrics").count() == 0


def test_a_run_is_restored_in_the_background(page: LabPage, lab: Any) -> None:
    shown = document(page, "run", "depth-9")
    restore = shown.get_by_role("button", name="Restore")
    assert restore.get_attribute("title").startswith("%runs restore ")
    restore.click()
    found: list[Path] = []
    for _ in range(200):
        found = list(lab.folder.glob("restored/depth-9-*/requirements.txt"))
        if found:
            break
        page.page.wait_for_timeout(200)
    assert found


def test_runs_are_compared(page: LabPage, lab: Any) -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "mlnb", "runs", "--json"],
        cwd=lab.folder,
        env=lab.environment,
        capture_output=True,
        check=True,
    )
    ids = {run["name"]: run["id"] for run in json.loads(listed.stdout)}
    shown = document(page, "compare", f"{ids['depth-2']},{ids['depth-4']}")
    table = card(shown, "Side by side")
    assert re.search(r"auc\s+0\.72\s+0\.74", table.inner_text())
    assert "rows" in table.inner_text()
    shown.get_by_label("Only what differs").check()
    assert not re.search(r"^rows\b", table.inner_text(), re.MULTILINE)
    shown.get_by_role("button", name="Add a run…").click()
    dialog = page.page.locator(".jp-Dialog")
    dialog.get_by_label("or another, by name or id").fill("depth-9")
    dialog.get_by_role("button", name="Add").click()
    table.get_by_role("button", name="depth-9", exact=True).wait_for()
    shown.get_by_role("figure", name="loss of 3 runs").wait_for()
    depth = shown.get_by_role("group", name="depth: all is chosen")
    depth.focus()
    page.page.keyboard.press("ArrowUp")
    shown.get_by_text("1 of 3 runs chosen").wait_for()
    shown.get_by_role("figure", name="loss of 1 runs").wait_for()
    page.page.keyboard.press("Escape")
    handle = depth.locator(".mlnb-Parallel-handle").bounding_box()
    x, top, height = handle["x"] + handle["width"] / 2, handle["y"], handle["height"]
    page.page.mouse.move(x, top + height - 10)
    page.page.mouse.down()
    page.page.mouse.move(x, top + height * 0.5, steps=4)
    page.page.mouse.up()
    shown.get_by_text("2 of 3 runs chosen").wait_for()
    shown.get_by_role("button", name="Choose all").click()
    shown.get_by_role("button", name="Compare code and packages").click()
    shown.get_by_text("All packages are the same.").wait_for()
    shown.get_by_role("button", name="Leave out depth-4").click()
    table.get_by_role("button", name="depth-4", exact=True).wait_for(state="detached")
    assert "%runs compare" in shown.get_by_role("button", name="Add a run…").get_attribute("title")


def test_a_run_leads_to_a_comparison(page: LabPage) -> None:
    shown = document(page, "run", "depth-2")
    shown.get_by_role("button", name="Compare…").click()
    choice = page.page.locator(".jp-Dialog select")
    value = choice.locator("option", has_text="empty").first.get_attribute("value")
    choice.select_option(value)
    page.page.locator(".jp-Dialog").get_by_role("button", name="Compare").click()
    page.page.locator(".mlnb-Document:visible h1", has_text="depth-2, empty").wait_for()


def test_a_dataset_shows_columns_versions_and_differences(page: LabPage) -> None:
    shown = document(page, "dataset", "flights")
    assert shown.locator("h1").inner_text().startswith("flights@2")
    columns = card(shown, "Columns")
    assert columns.locator(".mlnb-Shape").count() == 2
    columns.get_by_role("button", name="delay").click()
    assert re.search(r"deviation\s+\d", columns.inner_text())
    versions = card(shown, "Versions")
    assert f"corrected {HOSTILE}" in versions.inner_text()
    versions.get_by_role("button", name="compare").click()
    difference = card(shown, "Difference")
    difference.get_by_text("rows removed").wait_for(timeout=30_000)
    text = difference.inner_text()
    assert re.search(r"2\s+rows removed", text)
    assert re.search(r"10\s+rows changed", text)
    assert re.search(r"added\s+late", text)
    assert re.search(r"id=\d+ -?[\d.]+ → 1\d\d", text)
    assert "Rows are matched by id" in text
    versions.get_by_role("button", name=re.compile("^v1")).click()
    page.page.locator(".mlnb-Document:visible h1", has_text="flights@1").wait_for()


def test_a_tag_is_set_by_a_line_in_the_background(page: LabPage) -> None:
    shown = document(page, "dataset", "flights@1")
    tag = shown.get_by_role("button", name="Tag…")
    assert tag.get_attribute("title") == "%dataset tag flights@1 TAG"
    tag.click()
    page.page.locator(".jp-Dialog").get_by_role("textbox", name="Tag").fill("first")
    page.page.locator(".jp-Dialog").get_by_role("button", name="Tag").click()
    shown.locator("h1 .mlnb-Badge", has_text="first").wait_for(timeout=60_000)
    card(shown, "Versions").locator(".mlnb-Badge", has_text="first").wait_for(timeout=20_000)


def test_folders_and_links_are_shown_for_what_they_are(page: LabPage) -> None:
    shown = document(page, "dataset", "images")
    assert "Dataset of files".upper() in shown.locator("header").inner_text().upper()
    assert re.search(r"\.txt\s+4", card(shown, "Kinds of files").inner_text())
    card(shown, "Versions").get_by_role("button", name="compare").click()
    difference = card(shown, "Difference")
    difference.get_by_text("files added").wait_for(timeout=30_000)
    assert re.search(r"added\s+d\.txt", difference.inner_text())
    assert re.search(r"changed\s+b\.txt", difference.inner_text())
    linked = document(page, "dataset", "linked")
    assert "outside.parquet" in card(linked, "About this version").inner_text()
    assert "carrier" in card(linked, "Columns").inner_text()


def test_a_long_history_is_drawn_in_parts(page: LabPage) -> None:
    shown = document(page, "dataset", "many")
    versions = card(shown, "Versions")
    shown.get_by_role("heading", name=f"Versions ({VERSIONS})").wait_for()
    versions.get_by_text(f"number {VERSIONS}", exact=True).wait_for()
    assert versions.locator(".mlnb-Version").count() < 40
    scroll = versions.locator(".mlnb-Versions")
    scroll.evaluate("box => box.scrollTo(0, box.scrollHeight)")
    versions.get_by_text("number 1", exact=True).wait_for(timeout=20_000)
    assert versions.locator(".mlnb-Version").count() < 40


def test_what_is_not_there_says_so(page: LabPage) -> None:
    page.command("mlnb:open", kind="dataset", id="nothing", folder="")
    page.page.locator(".mlnb-Document:visible [role=alert]", has_text="nothing").wait_for(
        timeout=30_000
    )


def test_the_load_line_goes_into_the_notebook(page: LabPage, lab: Any) -> None:
    lab.notebook("work.ipynb", "")
    page.open("work.ipynb")
    page.page.wait_for_function(READY, timeout=60_000)
    shown = document(page, "dataset", "flights@gold")
    shown.get_by_role("button", name="Insert load line").click()
    page.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget?.content?.activeCell?.model.sharedModel"
        ".getSource() === '%dataset load flights@2 --into flights'"
    )
