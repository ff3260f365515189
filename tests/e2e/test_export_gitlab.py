"""The GitLab file, run by gitlab-ci-local with shells; `test_export_containers` has the rest."""

from pathlib import Path

import pytest

from .exported import (
    SECRET,
    VALUES,
    Outcome,
    consequences,
    exported,
    git,
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


def checked_out(root: Path, *, floor: float | None = None) -> Path:
    """Return a clone of a project with its GitLab file; gitlab-ci-local asks for a remote."""
    if floor is not None:
        lower_the_bar(root, floor)
        with_consequences(root)
    file = exported(root, "gitlab")
    schema = ("vendor.gitlab-ci", "--data-transform", "gitlab-ci", str(file))
    assert run(program("check-jsonschema"), "--builtin-schema", *schema, at=root).code == 0
    clone = root.parent / "clone"
    git(root.parent, "clone", "--quiet", str(root), str(clone))
    git(clone, "remote", "set-head", "origin", "main")
    return clone


def gitlab(clone: Path, *options: str) -> Outcome:
    words = [program("gitlab-ci-local"), *options, "--variable", f"TOKEN={SECRET}"]
    return run(*words, at=clone)


def test_jobs_follow_their_needs_and_hand_results_on(tmp_path: Path) -> None:
    clone = checked_out(make_project(tmp_path / "flights"))
    ended = gitlab(clone, "--force-shell-executor")
    assert ended.code == 0, ended.text
    assert ended.text.count(" PASS ") == 7
    (run_folder,) = (clone / ".mlnb" / "runs").iterdir()
    assert results_in(clone / ".mlnb" / "store", run_folder.name) == VALUES
    closed = recorded(clone / ".mlnb" / "store", run_folder.name)
    assert closed.status == "FINISHED"
    assert {s.name: s.values for s in closed.steps if s.status == "FINISHED"} == VALUES
    assert (run_folder / "report.html").is_file()
    assert SECRET not in ended.text
    nowhere(SECRET, clone / ".gitlab-ci.yml", clone / ".mlnb", clone / ".gitlab-ci-local")


def test_a_gate_that_fails_fails_the_pipeline(tmp_path: Path) -> None:
    clone = checked_out(make_project(tmp_path / "flights"), floor=0.9)
    ended = gitlab(clone, "--force-shell-executor")
    assert ended.code == 1
    assert "0.4156 is below 0.9" in ended.text
    assert " FAIL  gate" in ended.text
    assert " PASS  release" not in ended.text
    # GitLab goes on with a job that is to run `always`; gitlab-ci-local waits for skipped ones
    run_id = next((clone / ".mlnb" / "runs").iterdir()).name
    closed = gitlab(clone, "close", "--force-shell-executor", "--variable", f"RUN={run_id}")
    assert closed.code == 1
    assert " FAIL  close" in closed.text
    assert recorded(clone / ".mlnb" / "store", run_id).status == "FAILED"
    consequences(clone / ".mlnb" / "runs", run_id)
    assert SECRET not in ended.text
