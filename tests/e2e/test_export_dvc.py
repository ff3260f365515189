"""`dvc repro` of the exported stages, in a clone with only DVC and the project's environment."""

import json
from pathlib import Path

import pytest

from .exported import (
    SECRET,
    VALUES,
    Outcome,
    commit,
    exported,
    git,
    lower_the_bar,
    make_project,
    nowhere,
    program,
    run,
)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def dvc(at: Path, *words: str) -> Outcome:
    return run(program("dvc"), *words, at=at, TOKEN=SECRET, DVC_NO_ANALYTICS="1")


def clone_of(root: Path) -> Path:
    clone = root.parent / "clone"
    git(root.parent, "clone", "--quiet", str(root), str(clone))
    assert dvc(clone, "init", "--quiet").code == 0
    return clone


def ran(outcome: Outcome) -> list[str]:
    lines = outcome.text.splitlines()
    return [line.split("'")[1] for line in lines if line.startswith("Running stage")]


def values(clone: Path, file: str) -> object:
    return json.loads((clone / "executed" / f"{file}.values.json").read_text())


def test_what_is_up_to_date_is_not_run_again(tmp_path: Path) -> None:
    root = make_project(tmp_path / "flights")
    file = exported(root, "dvc")
    clone = clone_of(root)

    first = dvc(clone, "repro")
    assert first.code == 0, first.text
    assert len(ran(first)) == 6
    assert values(clone, "train-boosted-trees") == VALUES["train[boosted trees]"]
    assert values(clone, "release") == VALUES["release"]
    assert (clone / "executed" / "gate" / "gate.ipynb").is_file()
    git(clone, "diff", "--exit-code", "--", "*.ipynb")  # sources are only read

    second = dvc(clone, "repro")
    assert (second.code, ran(second)) == (0, [])
    assert "up to date" in second.text

    notebook = clone / "train.ipynb"
    text = notebook.read_text()
    notebook.write_text(text.replace("round(rows", "round(0 + rows"))
    third = dvc(clone, "repro")
    assert third.code == 0, third.text
    # trained again, to the same scores: nothing that needs them has to run
    assert ran(third) == ["train@train-logistic", "train@train-boosted-trees"]
    assert SECRET not in first.text
    nowhere(SECRET, file, clone / "executed", clone / "dvc.lock", clone / ".mlnb")


def test_a_gate_that_fails_stops_the_reproduction(tmp_path: Path) -> None:
    root = make_project(tmp_path / "flights")
    lower_the_bar(root, 0.9)
    exported(root, "dvc")
    commit(root)
    clone = clone_of(root)
    ended = dvc(clone, "repro")
    assert ended.code != 0
    assert "0.4156 is below 0.9" in ended.text
    assert "release" not in ran(ended)
