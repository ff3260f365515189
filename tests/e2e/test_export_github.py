"""The workflow file, checked by actionlint and run by act: job by job, with artifacts and caches.

GitHub's own actions are stood in for by local ones that do the same with folders (`actions/`).
"""

import re
import sys
from pathlib import Path

import pytest

from .exported import (
    HERE,
    SECRET,
    VALUES,
    Outcome,
    commit,
    consequences,
    exported,
    lower_the_bar,
    make_project,
    merge,
    nowhere,
    program,
    recorded,
    results_in,
    run,
    with_consequences,
)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

ACTIONS = {
    "actions/checkout@v6": "checkout",
    "actions/setup-python@v6": "setup-python",
    "actions/cache@v5": "cache",
    "actions/upload-artifact@v6": "upload-artifact",
    "actions/download-artifact@v7": "download-artifact",
}


def act(root: Path, number: int) -> Outcome:
    words = [program("act"), "push", "-P", "ubuntu-latest=-self-hosted", "--action-offline-mode"]
    for action, folder in ACTIONS.items():
        words += ["--local-repository", f"{action}={HERE / 'actions' / folder}"]
    variables = {
        "CHECKOUT_FROM": root,
        "PYTHON_BIN": Path(sys.executable).parent,
        "CACHES": root.parent / "caches",
        "ARTIFACTS": root.parent / "artifacts",
        "GITHUB_RUN_ID": number,
    }
    for name, value in variables.items():
        words += ["--env", f"{name}={value}"]
    return run(*words, "-s", f"TOKEN={SECRET}", at=root)


def jobs(outcome: Outcome) -> dict[str, str]:
    """Return which jobs succeeded and which failed."""
    found = re.findall(r"\[flights/(.+?)\s*\].*🏁  Job (\w+)", outcome.text)
    return {re.sub(r"-\d+$", "", name): how for name, how in found}


def test_every_job_runs_a_step_and_hands_its_results_on(tmp_path: Path) -> None:
    root = make_project(tmp_path / "flights")
    file = exported(root, "github")
    lint = run(program("actionlint"), str(file), at=root)
    assert (lint.code, lint.text) == (0, "")
    schema = ("--builtin-schema", "vendor.github-workflows", str(file))
    assert run(program("check-jsonschema"), *schema, at=root).code == 0

    first = act(root, 1)
    assert first.code == 0, first.text
    assert set(jobs(first).values()) == {"succeeded"}
    assert len(jobs(first)) == 7
    artifacts = tmp_path / "artifacts" / "1"
    assert (artifacts / "notebooks-gate.0" / "github-1" / "gate.ipynb").is_file()
    copies = [artifacts / name for name in ("store-release.0", "store-never.0")]
    store = merge(*copies, into=root / ".mlnb" / "store")
    assert results_in(store, "github-1") == VALUES
    closed = recorded(artifacts / "store-close.0", "github-1")
    assert closed.status == "FINISHED"
    assert {s.name: s.values for s in closed.steps if s.status == "FINISHED"} == VALUES
    assert (artifacts / "report-close.0" / "github-1" / "report.html").is_file()
    assert (artifacts / "report-close.0" / "github-1" / "gate.ipynb").is_file()
    assert SECRET not in first.text
    nowhere(SECRET, file, artifacts, tmp_path / "caches")

    again = act(root, 2)
    assert again.code == 0, again.text
    assert "Cache restored from key: mlnb-ingest" in again.text
    assert again.text.count("from run github-1") + again.text.count("cached") >= 1


def test_a_gate_that_fails_fails_the_workflow_and_nothing_is_released(tmp_path: Path) -> None:
    root = make_project(tmp_path / "flights")
    lower_the_bar(root, 0.9)
    with_consequences(root)
    file = exported(root, "github")
    lint = run(program("actionlint"), str(file), at=root)
    assert (lint.code, lint.text) == (0, "")
    commit(root)
    ended = act(root, 1)
    assert ended.code == 1
    assert "0.4156 is below 0.9" in ended.text
    assert jobs(ended)["gate"] == "failed"
    assert not {"release", "never"} & set(jobs(ended))
    artifacts = tmp_path / "artifacts" / "1"
    assert (artifacts / "notebooks-gate.0").is_dir()
    assert jobs(ended)["Record and report"] == "failed"
    assert recorded(artifacts / "store-close.0", "github-1").status == "FAILED"
    consequences(artifacts / "report-close.0", "github-1")
    assert SECRET not in ended.text
