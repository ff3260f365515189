"""``make demo``'s script, on a pipeline of one small notebook."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlnb.testing.notebooks import write_notebook

SCRIPT = Path(__file__).parents[1] / "notebooks" / "examples" / "demo.py"
WORKING = """\
import mlnb
mlnb.glue("url", "http://127.0.0.1:1234")
mlnb.glue("flagged", ["2013-06", "2013-07"])
"""


@pytest.fixture
def example(tmp_path: Path) -> Path:
    folder = tmp_path / "example"
    folder.mkdir()
    (folder / "mlnb.toml").write_text('name = "small"\n')
    (folder / "pipeline.yaml").write_text("name: small\nsteps: {only: {notebook: only.ipynb}}\n")
    write_notebook(folder / "only.ipynb", "x = 1", WORKING)
    return folder


def demo(example: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, example.name],
        cwd=example.parent,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_a_demo_sums_up_what_it_made(example: Path) -> None:
    done = demo(example)
    assert done.returncode == 0, done.stderr
    report = next((example / ".mlnb" / "runs").glob("small-*/report.html"))
    assert f"  report     {report.relative_to(example.parent)}\n" in done.stdout
    assert "  champion   none\n" in done.stdout
    assert "  endpoint   http://127.0.0.1:1234 (while it ran; stopped now)\n" in done.stdout
    assert "  drifted    2013-06, 2013-07\n" in done.stdout


def test_a_demo_starts_afresh_from_the_defaults_and_keeps_the_previous_state(
    example: Path, tmp_path: Path
) -> None:
    for state, mark in ((".mlnb", "last"), (".mlnb-previous", "older")):
        (example / state).mkdir()
        (example / state / mark).touch()
    done = demo(example, MLNB_STORE=str(tmp_path / "elsewhere"), MLNB_WOKERS="3")
    assert done.returncode == 0, done.stderr
    assert "state was moved to example/.mlnb-previous.\n" in done.stdout
    assert (example / ".mlnb-previous" / "last").exists()
    assert not (example / ".mlnb-previous" / "older").exists()
    assert not (example / ".mlnb" / "last").exists()
    assert not (tmp_path / "elsewhere").exists()


def test_a_broken_notebook_is_named_with_its_cell_and_error(example: Path) -> None:
    write_notebook(example / "only.ipynb", "x = 1", "1 / 0")
    done = demo(example)
    assert done.returncode == 1
    assert "only.ipynb, cell 2: ZeroDivisionError: division by zero" in done.stderr
    assert "The demo failed after" in done.stdout


def test_a_pipeline_that_cannot_start_is_one_error(example: Path) -> None:
    (example / "only.ipynb").unlink()
    done = demo(example)
    assert done.returncode == 4
    assert "There is no notebook 'only.ipynb'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_demo_that_is_stopped_leaves_no_process(example: Path) -> None:
    tell = "import os, time\nfrom pathlib import Path\nPath('pid').write_text(str(os.getpid()))"
    write_notebook(example / "only.ipynb", tell, "time.sleep(60)")
    process = subprocess.Popen(
        [sys.executable, SCRIPT, example.name],
        cwd=example.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    pid = example / "pid"
    while not (pid.exists() and pid.read_text()):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 2
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
