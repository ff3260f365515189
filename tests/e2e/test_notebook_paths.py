"""Which notebook a run came from, as real programs start kernels: never a wrong one."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import nbformat
import pytest
from jupyter_client import BlockingKernelClient

from mlnb.core.project import Project
from mlnb.tracking import runs, store

pytestmark = pytest.mark.e2e

TOKEN = "a-token-of-the-test"  # noqa: S105  (of a server on loopback that ends with the test)


def notebook(path: Path, name: str) -> Path:
    """Write a notebook that makes a run of a name."""
    cells = ["%load_ext mlnb", f"%%track {name}\nx = {name!r}"]
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    made.metadata.kernelspec = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(made, path)
    return path


def program(project: Project, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, *words], cwd=project.root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def source(name: str) -> tuple[str, str]:
    """Return the source of a run, and its type, as stock MLflow has it."""
    tags = store.client().get_run(runs.show(name).id).data.tags
    return tags["mlflow.source.name"], tags["mlflow.source.type"]


def test_papermill(project: Project) -> None:
    notebook(project.root / "nb" / "a.ipynb", "one")
    notebook(project.root / "z.ipynb", "other")
    program(project, "-m", "papermill", "-p", "p", "z.ipynb", "nb/a.ipynb", "z.ipynb")
    assert source("one") == ("nb/a.ipynb", "NOTEBOOK")


def test_nbconvert_with_several_notebooks(project: Project) -> None:
    for name in ("one", "two"):
        notebook(project.root / f"{name}.ipynb", name)
    words = ("--to", "notebook", "--execute", "--output-dir", "out", "one.ipynb", "two.ipynb")
    program(project, "-m", "nbconvert", *words)
    assert source("one") == ("one.ipynb", "NOTEBOOK")
    assert source("two") == ("two.ipynb", "NOTEBOOK")


def test_jupyter_execute(project: Project) -> None:
    notebook(project.root / "a.ipynb", "one")
    program(project, "-m", "jupyter", "execute", "a.ipynb")
    assert source("one") == ("a.ipynb", "NOTEBOOK")


def test_through_python_it_is_unknown_and_a_script_is_a_script(project: Project) -> None:
    notebook(project.root / "a.ipynb", "one")
    (project.root / "run.py").write_text(
        "import mlnb, nbformat\n"
        "from nbclient import NotebookClient\n"
        "NotebookClient(nbformat.read('a.ipynb', 4)).execute()\n"
        "with mlnb.track('script'):\n    pass\n"
    )
    program(project, "run.py")
    assert source("one") == ("unknown", "LOCAL")
    assert source("script") == ("run.py", "LOCAL")


def test_ipython_in_a_terminal(project: Project) -> None:
    words = ("--simple-prompt", "-c", "import mlnb\nwith mlnb.track('typed'): pass")
    program(project, "-m", "IPython", *words)
    assert source("typed") == ("unknown", "LOCAL")


@contextmanager
def server(root: Path, runtime: Path) -> Iterator[str]:
    """Start a Jupyter server and give its address."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
            *("--ip=127.0.0.1", "--port=0", f"--IdentityProvider.token={TOKEN}"),
            f"--ServerApp.root_dir={root}",
        ],
        env={**os.environ, "JUPYTER_RUNTIME_DIR": str(runtime)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 60
        while not (found := list(runtime.glob(f"jpserver-{process.pid}.json"))):
            assert time.monotonic() < end
            assert process.poll() is None
            time.sleep(0.1)
        yield str(json.loads(found[0].read_text())["url"])
    finally:
        process.terminate()
        process.wait(30)


def request(url: str, method: str, **body: Any) -> Any:
    headers = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}
    data = json.dumps(body).encode() if body else None
    with urlopen(Request(url, data, headers, method=method), timeout=60) as answer:  # noqa: S310
        return json.load(answer)


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    folder = tmp_path / "runtime"
    folder.mkdir()
    return folder


def test_a_jupyter_server_also_after_a_notebook_was_renamed(
    project: Project, runtime: Path
) -> None:
    notebook(project.root / "nb" / "a.ipynb", "unused")
    with server(project.root, runtime) as url:
        session = request(
            f"{url}api/sessions",
            "POST",
            path="nb/a.ipynb",
            name="a.ipynb",
            type="notebook",
            kernel={"name": "python3"},
        )
        client = BlockingKernelClient()
        client.load_connection_file(str(runtime / f"kernel-{session['kernel']['id']}.json"))
        client.start_channels()
        try:
            client.wait_for_ready(60)
            client.execute_interactive("%load_ext mlnb", timeout=60)
            client.execute_interactive("%%track first\n1", timeout=60)
            script = "!{} -c 'import mlnb; mlnb.tracking.start(\"child\"); mlnb.tracking.end()'"
            client.execute_interactive(script.format(sys.executable), timeout=60)
            # where a run comes from is looked up soon after it began, not before its cell runs
            client.execute_interactive("import mlnb.tracking as t; t.flush()", timeout=60)
            request(f"{url}api/contents/nb/a.ipynb", "PATCH", path="nb/b.ipynb")
            request(f"{url}api/sessions/{session['id']}", "PATCH", path="nb/b.ipynb")
            client.execute_interactive("%%track second\n1", timeout=60)
            client.execute_interactive("import mlnb.tracking as t; t.flush()", timeout=60)
        finally:
            client.stop_channels()
        request_end = Request(  # noqa: S310  (loopback)
            f"{url}api/sessions/{session['id']}",
            headers={"Authorization": f"token {TOKEN}"},
            method="DELETE",
        )
        urlopen(request_end, timeout=60).close()  # noqa: S310
    assert source("first") == ("nb/a.ipynb", "NOTEBOOK")
    assert source("second") == ("nb/b.ipynb", "NOTEBOOK")
    assert source("child") == ("unknown", "LOCAL"), "a program that a notebook starts is not it"
