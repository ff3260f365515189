"""Takes the pictures of JupyterLab for ``docs/images``, light and dark (``make gallery``).

Needs the state that ``make demo`` leaves in the example's folder; works on a copy of it.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from .lab_browser import CHROMIUM_ARGUMENTS
from .lab_page import LabPage, visiting
from .lab_server import ROOT, Lab, running_lab

IMAGES = ROOT / "docs" / "images"
ENDPOINT = "flight-delays"


def main(example: Path, only: list[str]) -> None:
    """Take all pictures, or only those of some documents."""
    if not (example / ".mlnb").is_dir():
        sys.exit(f"{example} has no .mlnb yet; run: make demo")
    with (
        tempfile.TemporaryDirectory() as place,
        running_lab(Path(place), project=example) as lab,
        deployed(lab),
        sync_playwright() as playwright,
    ):
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        with visiting(browser, lab, 1500, 950) as page:
            take(page, only)
        browser.close()


@contextmanager
def deployed(lab: Lab) -> Iterator[None]:
    """Have the champion answer while the block runs."""
    mlnb(lab, "deploy", "flight-delay@champion", "--to", ENDPOINT, "--reason", "for the pictures")
    try:
        yield
    finally:
        mlnb(lab, "endpoint", "stop", ENDPOINT)


def mlnb(lab: Lab, *words: str) -> None:
    """Run ``mlnb …`` in the project."""
    subprocess.run(
        [sys.executable, "-m", "mlnb", *words], cwd=lab.folder, env=lab.environment, check=False
    )


def take(page: LabPage, only: list[str]) -> None:
    """Open one document after the other and take it in both themes."""
    page.open()
    page.show_panel()
    page.widen(330)
    page.settle()
    for name, (kind, key) in documents(page).items():
        if only and name not in only:
            continue
        page.document(kind, key)
        for dark in (False, True):
            page.dark(dark)
            page.settle()
            page.page.mouse.move(5, 5)
            page.page.wait_for_timeout(1500)
            suffix = "-dark" if dark else ""
            page.page.screenshot(path=IMAGES / f"lab-{name}{suffix}.png")
        page.page.wait_for_timeout(100)
        page.command("application:close")


def documents(page: LabPage) -> dict[str, tuple[str, str]]:
    """Return what is taken: the picture's name, and the document."""
    found: Any = page.page.evaluate(
        """async token => {
            const ask = async path => (await fetch(`/mlnb/api/${path}`,
                { headers: { Authorization: `token ${token}` } })).json();
            return [await ask('runs?limit=100'), await ask('pipelines')];
        }""",
        page.lab.token,
    )
    runs = [run for run in found[0]["items"] if len(run["metrics"]) > 1] or found[0]["items"]
    return {
        "run": ("run", runs[0]["id"]),
        "compare": ("compare", ",".join(run["id"] for run in runs[:4])),
        "dataset": ("dataset", "flight-features"),
        "model": ("model", "flight-delay"),
        "endpoint": ("endpoint", ENDPOINT),
        "pipeline": ("pipeline", found[1]["items"][0]["id"]),
        "lineage": ("lineage", f"endpoint:{ENDPOINT}"),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2:])
