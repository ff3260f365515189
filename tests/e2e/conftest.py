"""JupyterLab with the panel in a real browser, and a real S3 server.

Run by `make test-e2e`, apart from the other tests: playwright's synchronous interface leaves an
event loop running that asyncio tests cannot share.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

from mlnb.testing.s3 import S3Server
from mlnb.testing.s3 import s3_server as run_s3_server

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "mlnb" / "ui" / "labextension"
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium, "The browser tests need chromium."
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Run a real S3 server for the whole session."""
    with run_s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """Give the server, with the environment set so that it is found."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return s3_server


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab and the folder that it serves."""

    url: str
    token: str
    folder: Path
    environment: dict[str, str]

    def notebook(self, name: str, *cells: str) -> Path:
        """Write a notebook into the folder."""
        made = nbformat.v4.new_notebook()
        made.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        for cell in cells:
            markdown = cell.startswith("# ")
            new = nbformat.v4.new_markdown_cell if markdown else nbformat.v4.new_code_cell
            made.cells.append(new(cell))
        path = self.folder / name
        nbformat.write(made, path)
        return path

    def python(self, program: Path) -> None:
        """Run a Python program in the folder."""
        subprocess.run([sys.executable, program], cwd=self.folder, env=self.environment, check=True)

    @contextmanager
    def program(self, *arguments: str) -> Iterator["Program"]:
        """Run ``mlnb …`` in the folder, while the block does something else."""
        process = subprocess.Popen(
            [sys.executable, "-m", "mlnb", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        program = Program()
        try:
            yield program
            program.output = process.communicate(timeout=90)[0]
        finally:
            process.kill()
            process.communicate()
        program.code = process.returncode


@dataclass
class Program:
    """How a program ended."""

    code: int | None = None
    output: str = ""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    assert (BUNDLE / "package.json").is_file(), "Build the panel first: make panel"
    folder = tmp_path / "flight-delays"
    folder.mkdir()
    (folder / "mlnb.toml").write_text(
        'name = "flight-delays"\nauthor = "analyst"\n', encoding="utf-8"
    )
    environment = own_jupyter(tmp_path)
    token, port = secrets.token_hex(8), free_port()
    log = (tmp_path / "lab.log").open("w")
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            *("--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"),
            *(f"--IdentityProvider.token={token}", "--LabApp.expose_app_in_browser=True"),
            *(f"--LabApp.workspaces_dir={tmp_path / 'workspaces'}", f"--notebook-dir={folder}"),
        ],
        cwd=tmp_path,  # not the project: the panel must follow the served folder
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{url}/api/status?token={token}", server, tmp_path / "lab.log")
        yield Lab(url, token, folder, environment)
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        log.close()


def own_jupyter(tmp_path: Path) -> dict[str, str]:
    """Return an environment whose Jupyter knows the panel as built here, and nothing else."""
    settings = tmp_path / "config"
    extensions = tmp_path / "share" / "labextensions"
    extensions.mkdir(parents=True)
    (extensions / "mlnb").symlink_to(BUNDLE)
    shutil.copytree(
        ROOT / "extension" / "jupyter-config" / "server-config",
        settings / "jupyter_server_config.d",
    )
    overrides = settings / "labconfig"
    overrides.mkdir()
    (overrides / "default_setting_overrides.json").write_text(
        json.dumps(
            {
                "@jupyterlab/apputils-extension:notification": {
                    "fetchNews": "false",
                    "checkForUpdates": False,
                }
            }
        )
    )
    own = {
        "JUPYTER_CONFIG_DIR": settings,
        "JUPYTER_DATA_DIR": tmp_path / "share",
        "JUPYTER_RUNTIME_DIR": tmp_path / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": tmp_path / "settings",
        "IPYTHONDIR": tmp_path / "ipython",
    }
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLNB_", "MLFLOW_"))}
    if zygotes := os.environ.get("MLNB_RUNTIME_DIR"):
        own["MLNB_RUNTIME_DIR"] = Path(zygotes)
    return kept | {name: str(folder) for name, folder in own.items()}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(url: str, server: "subprocess.Popen[Any]", log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert server.poll() is None, f"JupyterLab has ended:\n{log.read_text()}"
        try:
            urllib.request.urlopen(url, timeout=2).close()  # noqa: S310  (a server of our own)
        except OSError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"JupyterLab does not answer:\n{log.read_text()}")
