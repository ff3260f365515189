"""Two runs of one pipeline at once, in processes of their own, do not disturb each other."""

import subprocess
import sys
from pathlib import Path

from mlnb import pipelines
from mlnb.core.project import Project
from mlnb.testing.notebooks import write_notebook

WAIT = """import mlnb, time
from pathlib import Path
Path(f"here-{n}").touch()
deadline = time.monotonic() + 60
while not (Path("here-1").exists() and Path("here-2").exists()):
    assert time.monotonic() < deadline, "the other run never came"
    time.sleep(0.02)
mlnb.glue("n", n)"""
PIPELINE = """
name: beside
params: {n: 0}
steps:
  meet: {notebook: meet.ipynb, params: {n: "${{ params.n }}"}}
  add: {notebook: add.ipynb, needs: meet, params: {n: "${{ steps.meet.n }}"}}
  same: {notebook: same.ipynb}
"""


def test_two_runs_at_once_do_not_disturb_each_other(project: Project) -> None:
    write_notebook(project.root / "meet.ipynb", WAIT, parameters="n = 0")
    write_notebook(
        project.root / "add.ipynb", "import mlnb\nmlnb.glue('sum', n + 10)", parameters="n = 0"
    )
    write_notebook(project.root / "same.ipynb", "import mlnb\nmlnb.glue('one', 1)")
    (project.root / "pipeline.yaml").write_text(PIPELINE, encoding="utf-8")

    running = [
        subprocess.Popen(
            [sys.executable, "-m", "mlnb", "run", ".", "-p", "n", str(n), "--junit", f"{n}.xml"],
            cwd=project.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for n in (1, 2)
    ]
    said = [process.communicate(timeout=300)[0] for process in running]

    assert [process.returncode for process in running] == [0, 0], "\n".join(said)
    runs = sorted(pipelines.runs(), key=lambda run: run.parameters["n"])
    assert [run.parameters["n"] for run in runs] == [1, 2]
    assert runs[0].id != runs[1].id
    for n, run in enumerate(runs, start=1):
        steps = {step.name: step for step in run.steps}
        assert run.status == "FINISHED"
        assert steps["meet"].values == {"n": n}
        assert steps["add"].values == {"sum": n + 10}
        assert steps["same"].values == {"one": 1}
        for step in run.steps:
            output = project.root / step.output
            assert output.parent.name == run.id
            assert project.store.get(step.output_digest) == output.read_bytes()
        assert run.id in (project.root / run.report).read_text(encoding="utf-8")
        assert run.id in (Path(project.root) / f"{n}.xml").read_text(encoding="utf-8")
