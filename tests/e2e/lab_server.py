"""JupyterLab as a program of its own, with the panel as built here and settings of its own."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "mlnb" / "ui" / "labextension"


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


@contextmanager
def running_lab(
    place: Path,
    *,
    python: Path | str = sys.executable,
    program: str = "jupyterlab",
    arguments: Sequence[str] = (),
    base_url: str = "/",
    variables: dict[str, str] | None = None,
    project: Path | None = None,
) -> Iterator[Lab]:
    """Run JupyterLab on the project ``place/flight-delays`` while the block runs.

    Parameters
    ----------
    place : Path
        Where the project, the settings and the log are made.
    python : Path
        Of which environment.
    program : str
        The module that is run: ``jupyterlab`` or ``notebook``.
    arguments : sequence of str
        Further ones of the program.
    base_url : str
        What the server's paths begin with, as behind a hub.
    variables : dict
        Added to the environment.
    project : Path, optional
        Whose copy is served instead of an empty project.
    """
    assert (BUNDLE / "package.json").is_file(), "Build the panel first: make panel"
    folder = copied(project, place) if project else make_project(place)
    environment = own_jupyter(place) | (variables or {})
    token, port = secrets.token_hex(8), free_port()
    log = place / "lab.log"
    app = {"jupyterlab": "LabApp", "notebook": "JupyterNotebookApp"}[program]
    with log.open("w") as written:
        server = subprocess.Popen(
            [
                *(python, "-m", program, "--no-browser", "--allow-root"),
                *("--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"),
                *(f"--IdentityProvider.token={token}", f"--{app}.expose_app_in_browser=True"),
                *(f"--ServerApp.base_url={base_url}", f"--{app}.workspaces_dir={place / 'spaces'}"),
                *(f"--notebook-dir={folder}", *arguments),
            ],
            cwd=place,  # not the project: the panel must follow the served folder
            env=environment,
            stdout=written,
            stderr=subprocess.STDOUT,
        )
        url = f"http://127.0.0.1:{port}{base_url.rstrip('/')}"
        try:
            wait_for(f"{url}/api/status?token={token}", server, log)
            yield Lab(url, token, folder, environment)
        finally:
            end(server)


def make_project(place: Path) -> Path:
    """Make an empty project and return its folder."""
    folder = place / "flight-delays"
    folder.mkdir()
    (folder / "mlnb.toml").write_text(
        'name = "flight-delays"\nauthor = "analyst"\n', encoding="utf-8"
    )
    return folder


def copied(project: Path, place: Path) -> Path:
    """Copy a project and return the copy's folder."""
    folder = place / project.name
    shutil.copytree(project, folder, symlinks=True, ignore=shutil.ignore_patterns("local"))
    return folder


def end(server: "subprocess.Popen[Any]") -> None:
    """Stop a server, by force if it does not end."""
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


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
