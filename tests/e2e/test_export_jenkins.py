"""The Jenkinsfile: linted, its stages run by a harness on Groovy. No Jenkins itself can be had."""

import json
import sys
from pathlib import Path

import pytest

from .exported import (
    HERE,
    SECRET,
    TOOLS,
    VALUES,
    Outcome,
    consequences,
    exported,
    lower_the_bar,
    make_project,
    nowhere,
    program,
    recorded,
    results_in,
    run,
    with_consequences,
)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

GROOVY = TOOLS / "node_modules" / "npm-groovy-lint" / "lib" / "java" / "groovy" / "lib"


def jenkinsfile(root: Path) -> Path:
    mlnb = Path(sys.executable).with_name("mlnb")
    return exported(root, "jenkins", install=f"ln -sf {mlnb} .venv/bin/mlnb")


def build(root: Path, number: int) -> Outcome:
    harness = HERE / "jenkins" / "Jenkins.groovy"
    words = ["java", "-cp", f"{GROOVY}/*", "groovy.ui.GroovyMain", str(harness)]
    words += ["Jenkinsfile", str(root), str(number), f"TOKEN={SECRET}"]
    return run(*words, at=root)


def test_stages_run_the_steps(tmp_path: Path) -> None:
    root = make_project(tmp_path / "flights")
    file = jenkinsfile(root)
    lint = ("--noserver", "--config", "recommended-jenkinsfile", "--failon", "error")
    report = tmp_path / "lint.json"
    words = (*lint, "--output", str(report), "--path", str(root), "--files", "Jenkinsfile")
    assert run(program("npm-groovy-lint"), *words, at=root).code == 0
    assert json.loads(report.read_text())["summary"]["totalFoundErrorNumber"] == 0

    ended = build(root, 12)
    assert ended.code == 0, ended.text
    assert "Finished: SUCCESS" in ended.text
    assert results_in(root / ".mlnb" / "store", "jenkins-12") == VALUES
    assert recorded(root / ".mlnb" / "store", "jenkins-12").status == "FINISHED"
    assert "JUnit: 1 files" in ended.text
    assert SECRET not in ended.text
    nowhere(SECRET, file, root / ".mlnb")


def test_a_gate_that_fails_fails_the_build(tmp_path: Path) -> None:
    root = make_project(tmp_path / "flights")
    lower_the_bar(root, 0.9)
    with_consequences(root)
    jenkinsfile(root)
    ended = build(root, 13)
    assert ended.code == 1
    assert "Finished: FAILURE" in ended.text
    assert "0.4156 is below 0.9" in ended.text
    assert "release" not in results_in(root / ".mlnb" / "store", "jenkins-13")
    assert recorded(root / ".mlnb" / "store", "jenkins-13").status == "FAILED"
    consequences(root / ".mlnb" / "runs", "jenkins-13")
    assert SECRET not in ended.text
