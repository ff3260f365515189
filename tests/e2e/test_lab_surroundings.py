"""Other places than a plain JupyterLab: with collaboration, behind a hub.

`make test-e2e` makes their environment, ``surroundings``, beside the tests' own.
"""

import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .lab_page import READY, visiting
from .lab_server import ROOT, Lab, end, free_port, make_project, own_jupyter, running_lab, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PLACE = Path(sys.prefix) / "surroundings"
PYTHON = PLACE / "bin" / "python"
CELLS = (
    "%load_ext mlnb",
    "%%track here\nimport mlnb\n\nmlnb.log(params={'depth': 3}, metrics={'auc': 0.75})",
)
HUB = """
import os
c.JupyterHub.bind_url = 'http://127.0.0.1:{port}/hubs/team/'
c.JupyterHub.hub_port = {hub_port}
c.ConfigurableHTTPProxy.api_url = 'http://127.0.0.1:{api_port}'
c.ConfigurableHTTPProxy.command = [{proxy!r}]
c.JupyterHub.authenticator_class = 'dummy'
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = 'simple'
c.SimpleLocalProcessSpawner.home_dir_template = {home!r}
c.Spawner.cmd = [{python!r}, '-m', 'jupyterhub.singleuser']
c.Spawner.args = ['--allow-root', '--LabApp.expose_app_in_browser=True']
c.Spawner.http_timeout = c.Spawner.start_timeout = 120
c.Spawner.notebook_dir = {folder!r}
c.Spawner.environment = {variables!r}
"""


@pytest.fixture(scope="module", autouse=True)
def environment() -> dict[str, str]:
    assert PYTHON.is_file(), f"There is no {PYTHON}; `make test-e2e` makes it."
    return {"PYTHONPATH": str(ROOT)}


def test_two_people_at_one_notebook(
    browser: Any, environment: dict[str, str], tmp_path: Path
) -> None:
    """With jupyter-collaboration, both see the run that one of them tracks."""
    with running_lab(tmp_path, python=PYTHON, variables=environment) as lab:
        lab.notebook("first.ipynb", *CELLS)
        with visiting(browser, lab) as one, visiting(browser, lab) as two:
            for page in (one, two):
                page.open("first.ipynb")
                page.show_panel()
            assert _asked(lab, "api/collaboration/session/first.ipynb", "PUT") == 200
            one.run_all()
            for page in (one, two):
                page.line("runs", "here").wait_for(timeout=60_000)
            two.line("runs", "here").click()
            two.page.locator(".mlnb-Document:visible").wait_for(timeout=30_000)


def _asked(lab: Lab, path: str, method: str) -> int:
    request = urllib.request.Request(  # noqa: S310  (a server of our own)
        f"{lab.url}/{path}",
        method=method,
        data=json.dumps({"format": "json", "type": "notebook"}).encode(),
        headers={"Authorization": f"token {lab.token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return {201: 200}.get(answer.status, answer.status)


@contextlib.contextmanager
def _hub(place: Path, variables: dict[str, str]) -> Iterator[Lab]:
    folder = make_project(place)
    own = own_jupyter(place) | variables
    shown = {key: own[key] for key in own if key.startswith(("JUPYTER", "IPYTHON", "PYTHONPATH"))}
    port = free_port()
    config = place / "jupyterhub_config.py"
    config.write_text(
        HUB.format(
            port=port,
            hub_port=free_port(),
            api_port=free_port(),
            proxy=str(PLACE / "node_modules" / ".bin" / "configurable-http-proxy"),
            home=str(place / "home"),
            python=str(PYTHON),
            folder=str(folder),
            variables=shown,
        ),
        encoding="utf-8",
    )
    log = place / "hub.log"
    with log.open("w") as written:
        server = subprocess.Popen(
            [PYTHON, "-m", "jupyterhub", "--config", str(config)],
            cwd=place,
            env=own,
            stdout=written,
            stderr=subprocess.STDOUT,
        )
        url = f"http://127.0.0.1:{port}/hubs/team"
        try:
            wait_for(f"{url}/hub/health", server, log)
            yield Lab(url, "", folder, own)
        finally:
            end(server)


def test_behind_a_hub(browser: Any, environment: dict[str, str], tmp_path: Path) -> None:
    """A real JupyterHub with its proxy: sign in, get a server, see a run appear."""
    with _hub(tmp_path, environment) as lab, visiting(browser, lab) as page:
        page.page.goto(f"{lab.url}/hub/login")
        page.page.locator("#username_input").fill("analyst")
        page.page.locator("#password_input").fill("any")
        page.page.locator("#login_submit").click()
        page.page.wait_for_url("**/user/analyst/lab**", timeout=90_000)
        page.page.wait_for_selector("#jp-main-dock-panel", timeout=60_000)
        page.show_panel()
        (lab.folder / "track.py").write_text(
            "import mlnb\n\n"
            "with mlnb.track('from-a-terminal'):\n"
            "    mlnb.log(metrics={'auc': 0.75})\n"
        )
        lab.python(lab.folder / "track.py")
        page.line("runs", "from-a-terminal").wait_for(timeout=20_000)
        page.line("runs", "from-a-terminal").click()
        page.page.locator(".mlnb-Document:visible").get_by_text("auc").first.wait_for()


def test_notebook_7(browser: Any, environment: dict[str, str], tmp_path: Path) -> None:
    with (
        running_lab(tmp_path, python=PYTHON, program="notebook", variables=environment) as lab,
        visiting(browser, lab) as page,
    ):
        lab.notebook("first.ipynb", *CELLS)
        page.page.goto(f"{lab.url}/notebooks/first.ipynb?token={lab.token}")
        page.page.wait_for_function(READY, timeout=60_000)
        page.command("mlnb:show-panel")
        page.page.wait_for_selector(".mlnb-Sections", timeout=30_000)
        page.command("runmenu:run-all")
        page.line("runs", "here").wait_for(timeout=60_000)
        page.page.goto(f"{lab.url}/tree")
        page.page.wait_for_function("() => window.jupyterapp?.shell", timeout=60_000)
        # of jupyter-collaboration beside Notebook 7, also where mlnb is not installed
        theirs = "Cannot read properties of undefined (reading 'schema')"
        page.errors[:] = [error for error in page.errors if error != theirs]
