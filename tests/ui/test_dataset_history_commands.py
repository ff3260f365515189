"""``dataset log|tag|tags|restore|rm|verify`` and ``project gc``, in a shell and in a notebook."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mlnb import datasets
from mlnb.core.errors import BadInput, Conflict, Failed
from mlnb.core.project import Project
from mlnb.datasets import versions
from mlnb.testing.shell import RaisingShell, raising_shell
from mlnb.ui import render
from mlnb.ui.cli import main


@pytest.fixture(autouse=True)
def in_project(project: Project) -> Project:
    for value in range(3):
        datasets.save(pd.DataFrame({"a": [value]}), "data", message=f"value {value}")
    return project


@pytest.fixture
def shell() -> Iterator[RaisingShell]:
    with raising_shell() as made:
        yield made


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    """Run ``mlnb … --json`` and return what it printed."""
    assert main([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def shown(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(list(arguments)) == code
    return capsys.readouterr().out


def spoil(here: Project, number: int) -> None:
    folder = here.root / ".mlnb/store/logs/datasets/data/versions"
    (folder / f"{number:08d}.json").write_text("{")


def test_log_shows_removed_versions_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dataset", "rm", "data@2", "-m", "wrong units"]) == 0
    capsys.readouterr()
    assert [item["number"] for item in run(capsys, "dataset", "log", "data")] == [3, 1]
    every = run(capsys, "dataset", "log", "data", "--all")
    assert [item["number"] for item in every] == [3, 2, 1]
    assert "removed: wrong units" in shown(capsys, "dataset", "log", "data", "--all")


def test_log_and_list_show_what_is_damaged(
    capsys: pytest.CaptureFixture[str], in_project: Project
) -> None:
    spoil(in_project, 3)
    text = shown(capsys, "dataset", "log", "data")
    assert "damaged: " in text
    assert "value 0" in text
    datasets.save(pd.DataFrame({"a": [1]}), "other")
    text = shown(capsys, "dataset", "list")
    assert "damaged: " in text
    assert "other@1" in text


def test_a_tag_is_moved_and_removed(capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "dataset", "tag", "data@1", "gold")
    run(capsys, "dataset", "tag", "data@2", "gold")
    assert run(capsys, "dataset", "tags", "data")["tags"] == {"gold": 2}
    assert "@1" in shown(capsys, "dataset", "tags", "data")
    assert run(capsys, "dataset", "tag", "data", "gold", "--delete")["tags"] == {}
    assert run(capsys, "dataset", "tag", "data", "gold", "--delete", code=4)["error"]


def test_tags_of_a_dataset_without_any(capsys: pytest.CaptureFixture[str]) -> None:
    assert "No tags" in shown(capsys, "dataset", "tags", "data")


def test_restore(capsys: pytest.CaptureFixture[str]) -> None:
    made = run(capsys, "dataset", "restore", "data@1", "-m", "it was right", "--tag", "gold")
    assert (made["number"], made["tags"]) == (4, ["gold"])
    assert made["message"] == "it was right (restored from data@1)"
    assert run(capsys, "dataset", "restore", "data@1")["unchanged"]


def test_rm_refuses_what_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    datasets.tag("data@1", "gold")
    refused = run(capsys, "dataset", "rm", "data@1", "data@2", code=4)
    assert (refused["error"], "tag gold" in refused["message"]) == ("Conflict", True)
    removed = run(capsys, "dataset", "rm", "data@1", "data@2", "--force")
    assert [item["number"] for item in removed] == [1, 2]
    assert run(capsys, "dataset", "rm", "data", code=4)["error"] == "Conflict"
    assert len(run(capsys, "dataset", "rm", "data", "--all")) == 1


def test_gc_tells_what_it_frees(capsys: pytest.CaptureFixture[str]) -> None:
    datasets.remove("data@2")
    dry = run(capsys, "project", "gc", "--older-than", "0", "--dry-run")
    assert dry["removed_objects"] > 0
    assert "Would be freed" in shown(capsys, "project", "gc", "--dry-run")
    assert run(capsys, "project", "gc")["removed_objects"] == 0
    done = run(capsys, "project", "gc", "--older-than", "0s")
    assert done["removed_bytes"] == dry["removed_bytes"]
    assert datasets.verify().is_whole


@pytest.mark.parametrize(
    ("text", "seconds"), [("14d", 1209600), ("12h", 43200), ("30m", 1800), ("2w", 1209600)]
)
def test_ages_are_read(text: str, seconds: float, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "project", "gc", "--dry-run", "--older-than", text)["older_than"] == seconds


@pytest.mark.parametrize("text", ["14", "yesterday", "-1d", "d"])
def test_what_is_no_age_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["project", "gc", f"--older-than={text}"]) == 4
    assert "14d, 12h or 30m" in capsys.readouterr().err


def test_verify_names_what_is_damaged(
    capsys: pytest.CaptureFixture[str], in_project: Project
) -> None:
    assert "All is whole" in shown(capsys, "dataset", "verify")
    in_project.store.delete(versions.find("data@2").manifest)
    report = run(capsys, "dataset", "verify", "data", code=1)
    assert report["damaged"][0]["versions"] == ["data@2"]
    assert "data@2" in shown(capsys, "dataset", "verify", code=1)
    assert "All is whole" in shown(capsys, "dataset", "verify", "data@1")


# -- in a notebook


def test_a_date_is_not_computed_by_the_notebook(shell: RaisingShell) -> None:
    """IPython puts the value of {…} into a magic's line where it can: 2026-10-10 is 2006."""
    frame = shell.run_line_magic("dataset", "load data@{2999-10-10}")
    assert frame["a"].tolist() == [2]
    with pytest.raises(BadInput):
        shell.run_line_magic("dataset", "load data@{2001-10-10}")


def test_names_are_still_computed_by_the_notebook(shell: RaisingShell) -> None:
    shell.user_ns.update(number=2, name="data")
    body = "local = 1\n    frame = %dataset load {name}@{local}\n    return frame"
    shell.run_cell(f"def inside():\n    {body}")
    assert shell.run_line_magic("dataset", "load $name@{number}")["a"].tolist() == [1]
    assert shell.run_line_magic("dataset", "load {name}@{number + 1}")["a"].tolist() == [2]
    shell.run_cell("found = inside()")
    assert shell.user_ns["found"]["a"].tolist() == [0]


def test_the_magics_are_the_same_words(shell: RaisingShell) -> None:
    with pytest.raises(Conflict):
        shell.run_line_magic("dataset", "rm data")
    removed = shell.run_line_magic("dataset", "rm data@2")
    assert "data@2" in render.to_text(removed)
    made = shell.run_line_magic("dataset", "restore data@1")
    assert made.ref == "data@4"
    path = Path(".mlnb/store/objects")
    next(item for item in path.rglob("*") if item.is_file()).write_bytes(b"")
    with pytest.raises(Failed, match="not whole"):
        shell.run_line_magic("dataset", "verify")
