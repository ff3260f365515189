"""A notebook on the warm kernelspec in JupyterLab: opens, runs, restarts, is interrupted."""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import nbformat
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

IDLE = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    return panel?.context?.isReady && panel.sessionContext?.isReady
        && panel.sessionContext.session?.kernel?.status === 'idle';
}"""
KERNEL = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
CELL = "import pandas as pd\nprint('result', pd.DataFrame({'a': [40, 2]}).a.sum())"


@pytest.fixture(autouse=True)
def own_zygote(own_variables: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="mlnb-test-", ignore_cleanup_errors=True) as folder:
        monkeypatch.delenv("MLNB_RUNTIME_DIR")
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)  # of the server, too
        yield


@pytest.fixture
def page(browser: Any, lab: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()


def _mlnb(lab: Any, *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "mlnb", *arguments],
        cwd=lab.folder,
        env=lab.environment,
        check=True,
        capture_output=True,
    )


def _notebook(lab: Any, name: str, kernel: str, *cells: str) -> str:
    made = nbformat.v4.new_notebook()
    made.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
    made.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(made, lab.folder / name)
    return name


def _open(page: Any, lab: Any, name: str) -> None:
    page.goto(f"{lab.url}/lab/tree/{name}?token={lab.token}&reset")
    page.wait_for_selector("#jp-main-dock-panel", timeout=60_000)


def _run(page: Any) -> None:
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-cell'); }")


def _first_result(page: Any, lab: Any, kernel: str, number: int) -> float:
    """Return the seconds from asking for a kernel to the first cell's result."""
    page.evaluate(
        "([kernel, path]) => { window.__asked = performance.now();"
        "window.__seen = (async () => {"
        "const manager = window.jupyterapp.serviceManager;"
        "const session = await manager.sessions.startNew("
        "{path, name: path, type: 'notebook', kernel: {name: kernel}});"
        "const future = session.kernel.requestExecute({code: window.__code});"
        "let seconds = 0;"
        "future.onIOPub = m => { if (m.header.msg_type === 'stream')"
        " seconds = (performance.now() - window.__asked) / 1000; };"
        "await future.done; await session.shutdown(); return seconds; })(); }",
        [kernel, f"measured-{kernel}-{number}.ipynb"],
    )
    return float(page.evaluate("async () => await window.__seen"))


def test_a_notebook_on_a_warm_kernel(page: Any, lab: Any) -> None:
    _mlnb(lab, "kernel", "install", "--user")
    _mlnb(lab, "kernel", "start")
    name = _notebook(lab, "warm.ipynb", "mlnb-warm", CELL, "import time\ntime.sleep(60)")
    try:
        _open(page, lab, name)
        page.wait_for_function(IDLE, timeout=60_000)
        output = page.locator(".jp-OutputArea-output")

        _run(page)
        output.get_by_text("result 42").wait_for(timeout=60_000)

        page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
        )
        page.wait_for_function(IDLE, timeout=60_000)
        page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1 }")
        _run(page)
        page.wait_for_function(f"() => ({KERNEL})().status === 'busy'", timeout=60_000)
        page.evaluate(f"() => ({KERNEL})().interrupt()")
        output.get_by_text("KeyboardInterrupt").first.wait_for(timeout=60_000)
        page.wait_for_function(IDLE, timeout=60_000)

        page.evaluate("code => { window.__code = code }", CELL)
        times: dict[str, list[float]] = {"mlnb-warm": [], "python3": []}
        for number in range(4):
            for kernel, measured in times.items():
                measured.append(_first_result(page, lab, kernel, number))
        warm, stock = (statistics.median(times[name]) for name in ("mlnb-warm", "python3"))
        print(f"\nfirst result in JupyterLab: warm {warm * 1e3:.0f} ms, stock {stock * 1e3:.0f} ms")
        assert warm < stock / 2
    finally:
        _mlnb(lab, "kernel", "stop")
