"""Lists, documents and dialogs as axe finds them, light and dark."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .lab_page import LabPage, visiting
from .lab_server import ROOT, Lab, running_lab

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

AXE = ROOT / "extension" / "node_modules" / "axe-core" / "axe.min.js"
JUDGE = """async selector => {
    const nodes = [...document.querySelectorAll(selector)]
        .filter(node => node.getClientRects().length > 0);
    if (!nodes.length) {
        return [`nothing to judge: ${selector}`];
    }
    const found = await axe.run({ include: nodes }, {
        resultTypes: ['violations'],
        rules: { region: { enabled: false } }  // of a part of a page
    });
    return found.violations
        .filter(one => one.impact === 'serious' || one.impact === 'critical')
        .flatMap(one => one.nodes.map(node =>
            `${one.id} (${one.impact}): ${node.html.slice(0, 160)} ${node.failureSummary}`));
}"""


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Run a Lab on a project with something of everything."""
    with running_lab(tmp_path_factory.mktemp("lively")) as lab:
        lab.python(Path(__file__).with_name("lifecycle.py"))
        lab.notebook("good.ipynb", "x = 1")
        lab.notebook("bad.ipynb", "1 / 0")
        (lab.folder / "pipeline.yaml").write_text(
            "name: nightly\n"
            "steps:\n"
            "  good: {notebook: good.ipynb}\n"
            "  bad: {notebook: bad.ipynb, needs: [good]}\n"
        )
        subprocess.run(
            [sys.executable, "-m", "mlnb", "run", "pipeline.yaml"],
            cwd=lab.folder,
            env=lab.environment,
            check=False,
        )
        try:
            yield lab
        finally:
            with lab.program("endpoint", "stop", "arrivals"):
                pass


@pytest.fixture(scope="module")
def visitor(browser: Any, lively: Lab) -> Iterator[LabPage]:
    with visiting(browser, lively) as page:
        lively.notebook("empty.ipynb", "")
        page.open("empty.ipynb")
        page.show_panel()
        page.page.evaluate(AXE.read_text(encoding="utf-8"))
        yield page


def judge(page: LabPage, selector: str) -> list[str]:
    found: list[str] = page.page.evaluate(JUDGE, selector)
    return found


def documents(page: LabPage) -> dict[str, tuple[str, str]]:
    """Return one document of each kind: what to open."""
    lists = page.page.evaluate(
        """async token => {
            const ask = async path => (await fetch(`/mlnb/api/${path}`,
                { headers: { Authorization: `token ${token}` } })).json();
            const [runs, pipelines] = [await ask('runs'), await ask('pipelines')];
            return { runs: runs.items.map(run => run.id), pipeline: pipelines.items[0].id };
        }""",
        page.lab.token,
    )
    return {
        "run": ("run", lists["runs"][0]),
        "failed run": ("run", lists["runs"][-1]),
        "compare": ("compare", ",".join(lists["runs"][:2])),
        "dataset": ("dataset", "flights"),
        "model": ("model", "late-arrivals"),
        "endpoint": ("endpoint", "arrivals"),
        "pipeline": ("pipeline", lists["pipeline"]),
        "lineage": ("lineage", "endpoint:arrivals"),
        "nothing": ("run", "nothing"),
    }


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_panel_has_no_serious_finding(visitor: LabPage, dark: bool) -> None:
    visitor.dark(dark)
    visitor.line("endpoints", "arrivals").wait_for(timeout=60_000)
    assert judge(visitor, ".mlnb-Panel") == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(
    "which",
    [
        *("run", "failed run", "compare", "dataset", "model", "endpoint", "pipeline", "lineage"),
        "nothing",
    ],
)
def test_a_document_has_no_serious_finding(visitor: LabPage, which: str, dark: bool) -> None:
    visitor.dark(dark)
    document = visitor.document(*documents(visitor)[which])
    visitor.explore()
    findings = judge(visitor, ".mlnb-Document")
    for tab in document.get_by_role("tab").all():
        tab.click()
        visitor.settle()
        findings += judge(visitor, ".mlnb-Document")
    assert sorted(set(findings)) == []


IN_PANEL = "() => document.activeElement?.closest('.mlnb-Panel') !== null"
IN_DIALOG = "() => document.activeElement?.closest('.jp-Dialog') !== null"
IN_DOCUMENT = """kind => {
    const node = document.activeElement?.closest('.mlnb-Document');
    return node?.querySelector('.mlnb-Frame-kind')?.textContent?.trim().toLowerCase() === kind;
}"""


NAMED = """([name, within]) => {
    const node = document.activeElement;
    const said = node?.getAttribute('aria-label') || node?.textContent || '';
    return said.includes(name) && node.closest(within) !== null;
}"""


def tab_to(page: Any, label: str, within: str = ".mlnb-Document") -> None:
    """Press Tab until something of this name has the focus."""
    for _ in range(60):
        if page.evaluate(NAMED, [label, within]):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"The keyboard does not reach {label!r}.")


def test_the_keyboard_reaches_the_main_actions(visitor: LabPage) -> None:
    """From the palette to a line of a list, its document, an action, a dialog and back."""
    visitor.dark(False)
    page = visitor.page
    page.keyboard.press("Control+Shift+c")
    page.locator("#modal-command-palette input").fill("mlnb: Show panel")
    page.keyboard.press("Enter")
    page.wait_for_function(IN_PANEL, timeout=10_000)
    tab_to(page, "arrivals", '[data-mlnb-section="endpoints"] [role=option]')
    page.keyboard.press("Enter")
    page.wait_for_function(IN_DOCUMENT, arg="endpoint", timeout=20_000)
    visitor.settle()
    tab_to(page, "Stop")
    page.keyboard.press("Enter")
    dialog = page.locator(".jp-Dialog")
    dialog.wait_for(timeout=10_000)
    page.wait_for_function(IN_DIALOG, timeout=20_000)
    assert judge(visitor, ".jp-Dialog") == []
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached", timeout=10_000)
    assert "running" in page.locator(".mlnb-Document:visible").inner_text()
    tab_to(page, "Lineage")
    page.keyboard.press("Enter")
    page.wait_for_function(IN_DOCUMENT, arg="lineage", timeout=20_000)
