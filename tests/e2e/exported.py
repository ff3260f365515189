"""A project whose pipeline is exported, and the programs of other systems that then run it."""

import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from mlnb import pipelines
from mlnb.core import project as projects
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun
from mlnb.core.settings import Settings
from mlnb.pipelines import results
from mlnb.pipelines.exporters import Options, export
from mlnb.pipelines.planning import prepare
from mlnb.testing.notebooks import write_notebook

TOOLS = Path(sys.prefix) / "exporters"
HERE = Path(__file__).parent
SECRET = "hush-hush-3141"  # noqa: S105  (made up)

PIPELINE = """\
name: flights
params:
  year: 2013
  floor: {type: float, default: 0.4, help: Least score that is released}
steps:
  ingest:
    notebook: ingest.ipynb
    params: {year: "${{ params.year }}"}
  train:
    notebook: train.ipynb
    needs: [ingest]
    matrix: {family: [logistic, boosted trees]}
    params: {rows: "${{ steps.ingest.rows }}"}
    timeout: 10m
    retries: 1
  gate:
    notebook: gate.ipynb
    needs: [train]
    params: {scores: "${{ steps.train.score }}", floor: "${{ params.floor }}"}
  never:
    notebook: release.ipynb
    needs: [gate]
    when: ${{ steps.gate.best > 100 }}
    params: {best: "${{ steps.gate.best }}"}
    secrets: [TOKEN]
  release:
    notebook: release.ipynb
    needs: [gate]
    when: ${{ steps.gate.best > params.floor }}
    params: {best: "${{ steps.gate.best }}"}
    secrets: [TOKEN]
"""

VALUES = {
    "ingest": {"rows": 4026},
    "train[logistic]": {"score": 0.4106},
    "train[boosted trees]": {"score": 0.4156},
    "gate": {"best": 0.4156},
    "release": {"released": 0.4156},
}
"""What the steps come to, in any system."""


def program(name: str) -> str:
    """Return a program that `make test-e2e` has installed."""
    places = (TOOLS / "bin", TOOLS / "node_modules" / ".bin", Path(sys.prefix) / "peers" / "bin")
    found = next((str(p / name) for p in places if (p / name).exists()), shutil.which(name))
    assert found, f"These tests need {name}: run them by `make test-e2e`."
    return found


def make_project(root: Path) -> Path:
    """Write the project and commit it to git."""
    write_notebook(
        root / "ingest.ipynb",
        "import mlnb\nmlnb.glue('rows', year * 2)",
        parameters="year: int = 1999  # whose flights",
    )
    write_notebook(
        root / "train.ipynb",
        "import mlnb\nmlnb.glue('score', round(rows / 10000 + len(family) / 1000, 4))",
        parameters="rows: int = 0\nfamily: str = ''",
    )
    write_notebook(
        root / "gate.ipynb",
        "import mlnb\nbest = max(scores)\nassert best >= floor, f'{best} is below {floor}'\n"
        "mlnb.glue('best', best)",
        parameters="scores: list[float] = []\nfloor: float = 0.0",
    )
    write_notebook(
        root / "release.ipynb",
        f"import mlnb, os\nassert os.environ['TOKEN'] == {SECRET[::-1]!r}[::-1]\n"
        "print(os.environ['TOKEN'])\nmlnb.glue('released', best)",
        parameters="best: float = 0.0",
    )
    (root / "requirements.txt").write_text("mlnb\n")
    (root / "mlnb.toml").write_text('name = "flights"\n')
    (root / "pipeline.yaml").write_text(PIPELINE)
    (root / ".gitignore").write_text(".mlnb/\n")
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root)
    return root


def git(root: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "as it is")


def lower_the_bar(root: Path, floor: float) -> None:
    """Change the floor of the gate in the pipeline file."""
    file = root / "pipeline.yaml"
    file.write_text(file.read_text().replace("default: 0.4", f"default: {floor}"))


def with_consequences(root: Path) -> None:
    """Let a failure have consequences: a notebook that runs, a program that is told."""
    write_notebook(
        root / "clean.ipynb",
        f"import os\nassert os.environ['TOKEN'] == {SECRET[::-1]!r}[::-1]\nprint('after:', why)",
        parameters="why: str = ''",
    )
    tell = root / "tell.sh"
    tell.write_text("#!/bin/sh\ncat > .mlnb/runs/told.json\n")
    tell.chmod(0o755)
    with (root / "pipeline.yaml").open("a") as file:
        file.write(
            "on_failure:\n  notebook: clean.ipynb\n  secrets: [TOKEN]\n"
            '  params: {why: "${{ run.error }}"}\n'
            "notify: {on: failure, command: ./tell.sh}\n"
        )


def consequences(runs: Path, run: str) -> None:
    """Check what the last job of a run whose gate failed has left behind."""
    told = json.loads((runs / "told.json").read_text())
    assert (told["run"], told["status"]) == (run, "FAILED")
    assert "0.4156 is below 0.9" in told["error"]
    folder = runs / run
    assert "0.4156 is below 0.9" in (folder / "report.html").read_text()
    cases = ET.parse(folder / "junit.xml").getroot()  # noqa: S314  (our own)
    assert any(list(case.iter("failure")) for case in cases.iter("testcase"))
    after = json.loads((folder / "on_failure.ipynb").read_text())
    assert "after: Step 'gate' failed" in json.dumps(after["cells"])
    nowhere(SECRET, folder, runs / "told.json")


def recorded(store: Path, run: str) -> PipelineRun:
    """Return the record of a run, from a copy of a store."""
    project = Project(store.parent.parent, Settings(store=str(store)))
    with projects.using(project):
        return pipelines.show(run)


def exported(root: Path, target: str, **options: object) -> Path:
    """Export the project's pipeline and commit the file."""
    made = export(root / "pipeline.yaml", Options(target=target, **options))  # type: ignore[arg-type]
    commit(root)
    return Path(made.path).resolve()


@dataclass(frozen=True)
class Outcome:
    code: int
    text: str


def run(*command: str, at: Path, **variables: str) -> Outcome:
    """Run a program with none of mlnb's variables; its output may not hold the secret."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLNB_", "VIRTUAL_ENV"))}
    path = f"{Path(sys.executable).parent}:{kept['PATH']}"
    ran = subprocess.run(
        list(command),
        cwd=at,
        env={**kept, "PATH": path, "HOME": str(at.parent), "COLUMNS": "160", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    return Outcome(ran.returncode, ran.stdout)


def merge(*copies: Path, into: Path) -> Path:
    """Lay copies of a store over each other."""
    for copy in copies:
        shutil.copytree(copy, into, dirs_exist_ok=True)
    return into


def results_in(store: Path, run: str) -> dict[str, dict[str, object]]:
    """Return the values of the steps that finished in a run, from a copy of a store."""
    project = Project(store.parent.parent, Settings(store=str(store)))
    steps = prepare(store.parent.parent / "pipeline.yaml").plan.steps
    found = results.of(project, run, steps)
    return {name: item.values for name, item in found.items() if item.status == "FINISHED"}


def nowhere(secret: str, *places: Path) -> None:
    """Check that no file has a secret in it."""
    for place in places:
        for file in [place] if place.is_file() else place.rglob("*"):
            if file.is_file():
                assert secret.encode() not in file.read_bytes(), file
