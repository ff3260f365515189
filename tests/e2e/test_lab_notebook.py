"""What mlnb adds to notebooks in JupyterLab: every button is clicked."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from .lab_page import LabPage, visiting
from .lab_server import Lab, running_lab

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

PARAMETERS = """
from typing import Literal
from mlnb import Secret

alpha: float = 0.5  # How strong.
steps: int = 3
carrier: Literal["AA", "UA"] = "AA"
verbose: bool = False
columns: list[str] = ["a", "b"]
token: Secret = ""  # Of the weather service.
""".strip()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("notebook")) as running:
        yield running


@pytest.fixture
def page(browser: Any, lab: Lab) -> Iterator[LabPage]:
    with visiting(browser, lab) as opened:
        yield opened


def write(lab: Lab, name: str, *cells: str, parameters: str = PARAMETERS) -> Path:
    """Write a notebook whose first cell declares parameters."""
    path = lab.notebook(name, parameters, *cells)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(notebook, path)
    return path


def run_headless(page: LabPage) -> Any:
    """Click the button and return the dialog."""
    page.page.locator('[data-jp-item-name="mlnb-run-headless"] jp-button').click()
    dialog = page.page.locator(".jp-Dialog")
    dialog.locator(".mlnb-Headless-line", has_text="%notebook run").wait_for(timeout=20_000)
    return dialog


def test_a_notebook_runs_headless_with_what_the_form_says(
    page: LabPage, lab: Lab, tmp_path: Path
) -> None:
    secret = "-".join(["of", "the", "weather", "service", "9c1f"])
    write(lab, "train.ipynb", "print(alpha, steps, carrier, verbose, columns, len(token))")
    page.open("train.ipynb")
    dialog = run_headless(page)
    assert "How strong." in dialog.inner_text()
    dialog.get_by_label("alpha").fill("much")
    alert = dialog.get_by_role("alert")
    alert.wait_for(timeout=10_000)
    assert "valid number" in alert.inner_text()
    page.page.screenshot(path=tmp_path / "problem.png")
    dialog.get_by_role("button", name="Run").click()  # it asks again
    dialog = page.page.locator(".jp-Dialog")
    dialog.get_by_label("alpha").fill("0.75")
    dialog.get_by_label("steps").fill("7")
    dialog.get_by_label("carrier").select_option("UA")
    dialog.get_by_label("verbose").check()
    dialog.get_by_label("columns").fill("['x']")
    field = dialog.get_by_label("token")
    assert field.get_attribute("type") == "password"
    field.fill(secret)
    dialog.get_by_label("Output notebook").fill("runs/out.ipynb")
    dialog.locator(".mlnb-Headless-line", has_text="runs/out.ipynb").wait_for()
    line = dialog.locator(".mlnb-Headless-line").inner_text()
    assert "-p alpha 0.75" in line
    assert "token" not in line
    for theme in ("Light", "Dark"):
        page.command("apputils:change-theme", theme=f"JupyterLab {theme}")
        page.page.wait_for_timeout(700)
        page.page.screenshot(path=tmp_path / f"form-{theme}.png")
    dialog.get_by_role("button", name="Run").click()
    page.page.get_by_role("button", name="Open notebook").click(timeout=90_000)
    page.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget?.context?.path === 'runs/out.ipynb'"
    )
    made = nbformat.read(lab.folder / "runs" / "out.ipynb", as_version=4)
    printed = [output.text for cell in made.cells for output in cell.get("outputs", [])]
    assert printed == [f"0.75 7 UA True ['x'] {len(secret)}\n"]
    for file in lab.folder.rglob("*"):
        if file.is_file():
            assert secret.encode() not in file.read_bytes(), file


def test_what_fails_opens_at_the_failing_cell(page: LabPage, lab: Lab) -> None:
    write(lab, "broken.ipynb", *["x = 1"] * 12, "x / 0", *["x = 2"] * 5, parameters="a = 1")
    page.open("broken.ipynb")
    dialog = run_headless(page)
    dialog.get_by_label("Output notebook").fill("runs/broken.ipynb")
    dialog.locator(".mlnb-Headless-line", has_text="runs/broken.ipynb").wait_for()
    dialog.get_by_role("button", name="Run").click()
    page.page.get_by_role("button", name="Open failing cell").click(timeout=90_000)
    page.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget?.content?.activeCell?.model.sharedModel"
        ".getSource() === 'x / 0'"
    )


def test_a_run_is_followed_cell_by_cell_and_cancelled(page: LabPage, lab: Lab) -> None:
    write(lab, "slow.ipynb", *["import time; time.sleep(3)"] * 9, parameters="a = 1")
    page.open("slow.ipynb")
    run_headless(page).get_by_role("button", name="Run").click()
    toast = page.page.locator(".Toastify__toast", has_text="slow.ipynb")
    toast.filter(has_text="cell 3/10").wait_for(timeout=60_000)
    toast.get_by_role("button", name="Cancel").click()
    page.page.locator(".Toastify__toast", has_text="Stopped").wait_for(timeout=60_000)


def tags(page: LabPage) -> Any:
    return page.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.activeCell.model.getMetadata('tags')"
    )


def test_the_buttons_of_a_cell_set_its_tags(page: LabPage, lab: Lab, tmp_path: Path) -> None:
    path = lab.notebook("tags.ipynb", "x = 1", "x = 2")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].metadata["tags"] = ["mine"]
    nbformat.write(notebook, path)
    page.open("tags.ipynb")
    page.page.locator(".jp-CodeCell").first.click()
    for name in ("parameters", "checkpoint", "skip-ci"):
        button = page.page.locator(f'.jp-mod-active [data-jp-item-name="mlnb-{name}"] jp-button')
        assert button.get_attribute("aria-pressed") in (None, "false")
        button.click()
        page.page.wait_for_function(
            "name => window.jupyterapp.shell.currentWidget.content.activeCell.model"
            ".getMetadata('tags').includes(name)",
            arg=name,
        )
        page.page.locator(
            f'.jp-mod-active [data-jp-item-name="mlnb-{name}"] jp-button[aria-pressed="true"]'
        ).wait_for(timeout=5_000)
    assert tags(page) == ["mine", "parameters", "checkpoint", "skip-ci"]
    page.page.screenshot(path=tmp_path / "tags.png")
    for name in ("parameters", "checkpoint", "skip-ci"):
        page.page.locator(f'.jp-mod-active [data-jp-item-name="mlnb-{name}"] jp-button').click()
    assert tags(page) == ["mine"]
    page.command("docmanager:save")
    page.page.wait_for_function(
        "() => !window.jupyterapp.shell.currentWidget.context.model.dirty", timeout=20_000
    )
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert stored["cells"][0]["metadata"]["tags"] == ["mine"]


TRACKED = """%%track long-fit
import mlnb, time

for step in range(20):
    mlnb.log(metrics={"loss": 1 / (step + 1)}, step=step)
    time.sleep(1)
"""


def test_the_status_bar_shows_the_run_and_opens_it(page: LabPage, lab: Lab, tmp_path: Path) -> None:
    lab.notebook("tracked.ipynb", "%load_ext mlnb", TRACKED)
    page.open("tracked.ipynb")
    page.run_all()
    item = page.page.locator(".mlnb-RunStatus button")
    item.wait_for(timeout=60_000)
    assert item.inner_text().startswith("long-fit · ")
    page.page.screenshot(path=tmp_path / "status.png")
    item.click()
    page.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget?.node.querySelector('.mlnb-Frame')"
        "?.innerText.includes('long-fit')"
    )
    page.command("docmanager:open", path="tracked.ipynb")
    item.wait_for(state="hidden", timeout=40_000)


def test_tab_completes_a_magic(page: LabPage, lab: Lab) -> None:
    lab.notebook("complete.ipynb", "%load_ext mlnb", "")
    page.open("complete.ipynb")
    page.command("notebook:run-cell-and-select-next")
    page.page.wait_for_timeout(1_500)
    page.page.locator(".jp-CodeCell .cm-content").last.click()
    page.page.keyboard.type("%dataset ")
    page.page.keyboard.press("Tab")
    page.page.locator(".jp-Completer-item", has_text="save").wait_for(timeout=20_000)
    shown = page.page.locator(".jp-Completer-item").all_inner_texts()
    assert {"diff", "load", "show"} <= {word for text in shown for word in text.split()}
