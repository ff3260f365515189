"""Background jobs and pipelines in JupyterLab: started, followed, stopped and gone on with."""

import json
import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from .lab_page import LabPage, visiting
from .lab_server import Lab, running_lab

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("pipelines")) as running:
        yield running


@pytest.fixture
def page(browser: Any, lab: Lab) -> Iterator[LabPage]:
    with visiting(browser, lab) as visitor:
        yield visitor
        # JupyterLab's own at times, of a notebook that is shown without a kernel
        theirs = "Cannot read properties of null (reading 'kernel')"
        visitor.errors[:] = [error for error in visitor.errors if error != theirs]


def notification(page: LabPage, text: str) -> Any:
    return page.page.locator(".jp-Notification-List li, .Toastify__toast", has_text=text).first


def test_a_line_runs_in_the_background_where_no_notebook_is_in_use(page: LabPage, lab: Lab) -> None:
    page.open()
    page.command("mlnb:perform", line="%project status")
    done = notification(page, "Done: %project status")
    done.wait_for(timeout=60_000)
    done.get_by_role("button", name="Show output").click()
    document = page.page.locator(".mlnb-Document:visible")
    document.locator(".mlnb-Log").wait_for(timeout=10_000)
    assert "flight-delays" in document.locator(".mlnb-Log").inner_text()
    assert document.locator('h1 .mlnb-Dot[aria-label="done"]').count() == 1
    page.command("mlnb:perform", line="%pipeline resume nothing-like-it")
    failed = notification(page, "There is no pipeline run")
    failed.wait_for(timeout=60_000)
    page.command("mlnb:perform", line="%pipelin resume")
    notification(page, "Did you mean 'pipeline'?").wait_for(timeout=20_000)
    page.command("mlnb:jobs")
    lines = page.page.locator(".mlnb-Jobs li")
    lines.first.wait_for(timeout=20_000)
    assert lines.count() == 2
    assert "pipeline resume nothing-like-it" in lines.nth(0).inner_text()
    assert lines.nth(0).locator('.mlnb-Dot[aria-label="failed"]').count() == 1


def test_a_line_runs_in_the_notebook_in_use_and_loads_mlnb_there(page: LabPage, lab: Lab) -> None:
    lab.notebook("in_use.ipynb", "x = 1")
    known = jobs(lab)
    page.open("in_use.ipynb")
    for line in ("%project status", "%dataset list"):
        page.page.wait_for_function(READY_AGAIN, timeout=60_000)
        page.command("mlnb:perform", line=line)
        page.page.wait_for_function(RAN, arg=line, timeout=60_000)
    sources = page.page.evaluate(SOURCES)
    assert sources[1] == "%load_ext mlnb\n%project status"
    assert sources[2] == "%dataset list"
    assert jobs(lab) == known


READY_AGAIN = """() => window.jupyterapp.shell.currentWidget.sessionContext.session
    ?.kernel?.status === 'idle'"""
RAN = """line => window.jupyterapp.shell.currentWidget.content.widgets.some(cell =>
    cell.model.sharedModel.getSource().includes(line) && cell.model.executionCount)"""
SOURCES = """() => window.jupyterapp.shell.currentWidget.content.widgets.map(cell =>
    cell.model.sharedModel.getSource())"""


def jobs(lab: Lab) -> list[str]:
    found = sorted((lab.folder / ".mlnb" / "local" / "jobs").glob("*/job.json"))
    return [json.loads(file.read_text())["line"] for file in found]


SLOW = (
    "import os, pathlib, time",
    "folder = pathlib.Path('kernels')\nfolder.mkdir(exist_ok=True)\n"
    "(folder / str(os.getpid())).touch()",
    "for second in range(600):\n"
    "    if pathlib.Path('go-on').exists():\n        break\n    time.sleep(0.1)",
    "print('went on')",
)


def write_pipeline(lab: Lab, name: str) -> str:
    """Write a pipeline whose second step goes on for as long as nobody says `go-on`."""
    folder = lab.folder / name
    folder.mkdir()
    lab.notebook(f"{name}/ingest.ipynb", "import time", f"print('ingested for {name}')")
    lab.notebook(f"{name}/train.ipynb", *SLOW)
    lab.notebook(f"{name}/check.ipynb", "x = 1", "assert x == 2, 'not <b>two</b>'")
    (folder / "pipeline.yaml").write_text(
        f"name: {name}\n"
        "params:\n  day: {type: int, default: 3, min: 1, max: 31}\n"
        "steps:\n"
        "  ingest: {notebook: ingest.ipynb}\n"
        "  train: {notebook: train.ipynb, needs: [ingest], cache: false}\n"
        "  check: {notebook: check.ipynb, needs: [train]}\n"
    )
    return f"{name}/pipeline.yaml"


def kernels(lab: Lab, name: str) -> list[int]:
    """Return the processes that execute slow steps of a pipeline."""
    found = [int(file.name) for file in (lab.folder / name).glob("kernels/*")]
    return [pid for pid in found if psutil.pid_exists(pid) and lives(pid)]


def lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def run_of(lab: Lab, name: str) -> str:
    """Return the id of the newest run of a pipeline, as soon as there is one."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = sorted((lab.folder / ".mlnb" / "runs").glob(f"{name}-2*"))
        if found:
            return found[-1].name
        time.sleep(0.02)
    raise AssertionError("No run has begun.")


def started(lab: Lab, run: str) -> float:
    """Return when a run began, in seconds since 1970."""
    for line in (lab.folder / ".mlnb" / "events.jsonl").read_text().splitlines():
        event = json.loads(line)
        if event["kind"] == "pipeline.started" and event["subject"] == run:
            return datetime.fromisoformat(event["time"]).timestamp()
    raise AssertionError("The run has not begun.")


def show(page: LabPage, identifier: str) -> Any:
    page.command("mlnb:open", kind="pipeline", id=identifier, folder="")
    document = page.page.locator(".mlnb-Document:visible")
    document.locator("h1").wait_for(timeout=20_000)
    return document


def state(document: Any, label: str) -> Any:
    return document.locator(f'h1 .mlnb-Dot[aria-label="{label}"]')


SEEN = """name => new Promise(resolve => {
    const found = () => [...document.querySelectorAll('[data-mlnb-section="pipelines"]')]
        .some(section => section.innerText.includes(name));
    const timer = setInterval(() => {
        if (found()) { clearInterval(timer); resolve(Date.now() / 1000); }
    }, 10);
})"""


def test_a_run_of_a_terminal_is_seen_cancelled_and_gone_on_with(page: LabPage, lab: Lab) -> None:
    """The issue's line: visible within a second, cancel stops its kernels, resume finishes it."""
    file = write_pipeline(lab, "slow")
    page.open()
    page.show_panel()
    page.section("pipelines").wait_for(timeout=20_000)
    page.page.evaluate(f"() => {{ window.seen = ({SEEN})('slow'); }}")
    with lab.program("run", file) as program:
        run = run_of(lab, "slow")
        seen = float(page.page.evaluate("() => window.seen"))
        delay = seen - started(lab, run)
        document = show(page, run)
        state(document, "running").wait_for(timeout=20_000)
        document.get_by_text("cell 3/4").first.wait_for(timeout=60_000)
        assert kernels(lab, "slow")
        begun = time.monotonic()
        document.get_by_role("button", name="Cancel").click()
        state(document, "stopped").wait_for(timeout=60_000)
        shown = time.monotonic() - begun
        assert kernels(lab, "slow") == []
    assert program.code == 2, program.output
    told = {"visible after": delay, "cancel shown after": shown}
    if place := os.environ.get("LAB_FIGURES"):
        Path(place).write_text(json.dumps(told))
    assert delay < float(os.environ.get("LAB_VISIBLE", "5")), told
    (lab.folder / "slow" / "go-on").touch()
    lab.notebook("slow/check.ipynb", "x = 2", "assert x == 2")
    before = executed_ingest(lab, run)
    document.get_by_role("button", name="Resume").click()
    state(document, "finished").wait_for(timeout=90_000)
    assert executed_ingest(lab, run) == before, "what had finished did not run again"
    steps = document.locator(".mlnb-StepList-line")
    assert [steps.nth(index).inner_text().split()[0] for index in range(3)] == [
        "ingest",
        "train",
        "check",
    ]


def executed_ingest(lab: Lab, run: str) -> int:
    return (lab.folder / ".mlnb" / "runs" / run / "ingest.ipynb").stat().st_mtime_ns


def test_a_failure_is_told_first_and_its_notebook_opens_there(page: LabPage, lab: Lab) -> None:
    file = write_pipeline(lab, "failing")
    (lab.folder / "failing" / "go-on").touch()
    with lab.program("run", file) as program:
        pass
    assert program.code == 1, program.output
    page.open()
    document = show(page, run_of(lab, "failing"))
    card = document.locator(".mlnb-Card").first
    assert "What failed first: check, cell 2" in card.inner_text()
    assert "AssertionError: not <b>two</b>" in card.inner_text()
    log = document.locator(".mlnb-Step-log")
    log.get_by_text("AssertionError").wait_for(timeout=20_000)
    document.get_by_role("button", name="Report", exact=True).click()
    frame = page.page.frame_locator(".mlnb-Report iframe")
    frame.get_by_text("failing").first.wait_for(timeout=20_000)
    document.get_by_role("button", name="Back to the run").click()
    card.get_by_role("button", name="Open at the failing cell").click()
    page.page.wait_for_function(OPENED, timeout=60_000)
    index, source, session = page.page.evaluate(ACTIVE)
    assert source.startswith("assert x == 2")
    assert index > 0
    assert session is None, "no kernel is started to look at a notebook"


OPENED = """() => {
    const panel = window.jupyterapp.shell.currentWidget;
    return panel?.context?.path?.startsWith('mlnb-runs:') && panel.context.isReady
        && panel.content.activeCellIndex > 0;
}"""
ACTIVE = """() => {
    const panel = window.jupyterapp.shell.currentWidget;
    const notebook = panel.content;
    return [notebook.activeCellIndex, notebook.activeCell.model.sharedModel.getSource(),
        panel.sessionContext.session?.kernel?.id ?? null];
}"""


def test_a_pipeline_file_is_run_from_its_document_with_parameters(page: LabPage, lab: Lab) -> None:
    file = write_pipeline(lab, "defined")
    (lab.folder / "defined" / "go-on").touch()
    page.open()
    page.command("mlnb:pipelines")
    row = page.page.locator(".mlnb-Definitions li", has_text="defined")
    row.wait_for(timeout=20_000)
    assert "has not run yet" in row.inner_text()
    row.get_by_role("button").click()
    document = page.page.locator(".mlnb-Document:visible")
    plan = document.locator(".mlnb-Plan")
    plan.wait_for(timeout=20_000)
    assert "it has no result yet" in plan.inner_text()
    document.get_by_label("day").fill("77")
    document.locator(".mlnb-Problem").wait_for(timeout=20_000)
    assert "day" in document.locator(".mlnb-Problem").inner_text()
    document.get_by_label("day").fill("4")
    plan.wait_for(timeout=20_000)
    button = document.get_by_role("button", name="Run", exact=True)
    assert button.get_attribute("title") == f"%pipeline run {file} -p day 4"
    button.click()
    line = document.locator(".mlnb-PastRuns li")
    line.locator('.mlnb-Dot[aria-label="failed"]').wait_for(timeout=90_000)
    line.get_by_role("button").click()
    run = page.page.locator(".mlnb-Document:visible")
    run.get_by_text("What failed first").wait_for(timeout=20_000)
    lab.notebook("defined/check.ipynb", "x = 2")
    again = run.get_by_role("button", name="Run again from here")
    assert again.get_attribute("title") == f"%pipeline run {file} --from check"
    again.click()
    run.locator(".mlnb-PastRuns").get_by_text("3 of 3 steps").wait_for(timeout=90_000)


def test_two_runs_at_once_are_told_apart(page: LabPage, lab: Lab) -> None:
    files = [write_pipeline(lab, name) for name in ("left", "right")]
    page.open()
    page.show_panel()
    with lab.program("run", files[0]), lab.program("run", files[1]):
        documents = {name: run_of(lab, name) for name in ("left", "right")}
        for name, run in documents.items():
            document = show(page, run)
            document.get_by_text("cell 3/4").first.wait_for(timeout=60_000)
            assert document.locator("h1").inner_text().strip() == name
        document = show(page, documents["left"])
        document.get_by_role("button", name="Cancel").click()
        state(document, "stopped").wait_for(timeout=60_000)
        state(show(page, documents["right"]), "running").wait_for(timeout=20_000)
        for name in documents:
            (lab.folder / name / "go-on").touch()
        state(show(page, documents["right"]), "failed").wait_for(timeout=60_000)
    assert kernels(lab, "left") == kernels(lab, "right") == []
