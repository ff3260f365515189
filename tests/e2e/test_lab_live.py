"""The panel in an open JupyterLab while the world changes around it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .lab_page import LabPage, visiting
from .lab_server import Lab, free_port, own_jupyter, running_lab, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

EMIT = """
import sys
from mlnb.core import project
project.current().events.emit("pipeline.started", sys.argv[1], pipeline=sys.argv[1],
                              steps=[{"name": "ingest", "notebook": "ingest.ipynb"}])
"""
SEEN = """name => new Promise(done => {
    const look = () => [...document.querySelectorAll('.mlnb-Row-title')]
        .some(node => node.textContent === name) ? done(Date.now()) : setTimeout(look, 10);
    look();
})"""
TRACK = (
    "import mlnb\nfor name in {names}:\n    with mlnb.track(name): mlnb.log(metrics={{'auc': 0.5}})"
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("live")) as running:
        python(running, TRACK.format(names=[f"fit-{number}" for number in range(3)]))
        yield running


@pytest.fixture
def page(browser: Any, lab: Lab) -> Iterator[LabPage]:
    with visiting(browser, lab) as visitor:
        visitor.open()
        visitor.show_panel()
        visitor.line("runs", "fit-0").wait_for(timeout=30_000)
        yield visitor


def python(lab: Lab, code: str, *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=lab.folder, env=lab.environment, check=True
    )


def event_seconds(page: LabPage, name: str) -> float:
    """Return how long after its event a pipeline run is in the list."""
    page.page.evaluate("([look, name]) => { window.seen = eval(look)(name); }", [SEEN, name])
    python(page.lab, EMIT, name)
    seen = page.page.evaluate("() => window.seen")
    lines = (page.lab.folder / ".mlnb" / "events.jsonl").read_text().splitlines()
    import json
    from datetime import datetime

    times = [json.loads(line)["time"] for line in lines if f'"{name}"' in line]
    return float(seen / 1000 - datetime.fromisoformat(times[-1]).timestamp())


def test_what_begins_elsewhere_is_seen_within_a_second(page: LabPage) -> None:
    taken = sorted(event_seconds(page, f"begun-{number}") for number in range(3))
    assert taken[1] < 1, taken


def test_two_browsers_see_the_same(browser: Any, page: LabPage) -> None:
    with visiting(browser, page.lab) as other:
        other.open()
        other.show_panel()
        for visitor in (page, other):
            visitor.line("runs", "fit-0").wait_for(timeout=20_000)
        python(page.lab, TRACK.format(names=["for-both"]))
        for visitor in (page, other):
            visitor.line("runs", "for-both").wait_for(timeout=20_000)


def test_a_lost_socket_loses_no_change(page: LabPage) -> None:
    page.page.evaluate(
        "() => { const { events } = window.jupyterapp.serviceManager;"
        " events._socket.onmessage = () => undefined; }"
    )
    python(page.lab, TRACK.format(names=["unheard"]))
    page.line("runs", "unheard").wait_for(timeout=20_000)


def test_rows_are_found_ordered_selected_and_compared_by_keyboard(page: LabPage) -> None:
    keys = page.page.keyboard
    page.page.locator(".mlnb-Filter input").focus()
    keys.type("fit")
    page.section("runs").get_by_text("3", exact=True).wait_for(timeout=10_000)
    keys.press("ArrowDown")
    keys.press("ArrowDown")
    assert "fit-2" in page.page.evaluate("document.activeElement.innerText")
    keys.press("Space")
    keys.press("Shift+ArrowDown")
    page.section("runs").get_by_role("button", name="Compare 2").wait_for()
    keys.press("Shift+F10")
    menu = page.page.locator(".lm-Menu")
    menu.get_by_text("Compare 2 Runs").wait_for()
    keys.press("ArrowDown")
    keys.press("Enter")  # Open
    page.page.locator(".mlnb-Document:visible").wait_for(timeout=20_000)
    page.line("runs", "fit-1").click(button="right")
    menu.get_by_text("Compare 2 Runs").click()
    page.page.locator(".mlnb-Document:visible", has_text="fit-2").wait_for(timeout=20_000)
    page.section("runs").get_by_role("button", name="Order of Runs").click()
    menu.get_by_text("Oldest first").click()
    page.page.wait_for_function(
        "() => document.querySelector('.mlnb-Row-title')?.textContent === 'fit-0'"
    )


def test_sections_are_the_same_after_a_reload(page: LabPage) -> None:
    heading = page.section("models").get_by_role("button", name="Models")
    heading.click()
    assert heading.get_attribute("aria-expanded") == "false"
    page.page.wait_for_timeout(1500)  # JupyterLab keeps its state a moment later
    page.page.goto(f"{page.lab.url}/lab?token={page.lab.token}")
    page.page.wait_for_selector("#jp-main-dock-panel", timeout=60_000)
    page.page.wait_for_selector('[data-mlnb-section="models"]', timeout=30_000, state="attached")
    fold = '[data-mlnb-section="models"] button[aria-expanded="false"]'
    page.page.wait_for_selector(fold, timeout=20_000, state="attached")
    heading.click()
    page.page.wait_for_timeout(1500)


def test_a_restarted_server_is_found_again(browser: Any, tmp_path: Path) -> None:
    """The same address and token, as when somebody restarts JupyterLab in a terminal."""
    folder = tmp_path / "flight-delays"
    folder.mkdir()
    (folder / "mlnb.toml").write_text('name = "flight-delays"\n', encoding="utf-8")
    environment, port = own_jupyter(tmp_path), free_port()
    found = Lab(f"http://127.0.0.1:{port}", "t", folder, environment)
    python(found, TRACK.format(names=["before"]))
    first = start(found, port, tmp_path)
    try:
        with visiting(browser, found) as page:
            page.open()
            page.show_panel()
            page.line("runs", "before").wait_for(timeout=30_000)
            os.kill(first.pid, signal.SIGKILL)
            first.wait()
            alert = page.page.locator(".mlnb-Panel [role=alert]")
            alert.first.wait_for(timeout=20_000)
            assert "does not answer" in alert.first.inner_text()
            assert page.line("runs", "before").count() == 1
            python(found, TRACK.format(names=["meanwhile"]))
            second = start(found, port, tmp_path)
            begun = time.monotonic()
            try:
                page.line("runs", "meanwhile").wait_for(timeout=30_000)
                assert alert.count() == 0
                assert time.monotonic() - begun < 20
                # what JupyterLab itself asked while nobody was there
                page.errors[:] = [error for error in page.errors if error != "Failed to fetch"]
            finally:
                second.kill()
                second.wait()
    finally:
        first.kill()
        first.wait()


def start(lab: Lab, port: int, place: Path) -> "subprocess.Popen[bytes]":
    log = place / "restarted.log"
    with log.open("ab") as written:
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
                *("--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"),
                *(f"--IdentityProvider.token={lab.token}", f"--notebook-dir={lab.folder}"),
                *("--LabApp.expose_app_in_browser=True", f"--LabApp.workspaces_dir={place}/w"),
            ],
            cwd=place,
            env=lab.environment,
            stdout=written,
            stderr=subprocess.STDOUT,
        )
    wait_for(f"{lab.url}/api/status?token={lab.token}", server, log)
    return server
