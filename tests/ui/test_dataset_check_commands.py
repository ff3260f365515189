"""``dataset expect|check`` and ``dataset save --expect``, in a shell and in a notebook."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mlnb import datasets
from mlnb.core.errors import ExpectationsNotMet, Failed
from mlnb.core.project import Project
from mlnb.testing.shell import RaisingShell, raising_shell
from mlnb.ui import render
from mlnb.ui.cli import main

GOOD = pd.DataFrame({"n": [1, 2, 3] * 10, "s": ["<b>a</b>", "b", "c"] * 10})
BAD = GOOD.assign(n=GOOD["n"] + 1, s=GOOD["s"].replace("b", "<script>"))


@pytest.fixture(autouse=True)
def in_project(project: Project) -> Project:
    datasets.save(GOOD, "data")
    return project


@pytest.fixture
def shell() -> Iterator[RaisingShell]:
    with raising_shell() as made:
        made.user_ns.update(good=GOOD, bad=BAD)
        yield made


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    """Run ``mlnb dataset … --json`` and return what it printed."""
    assert main(["dataset", *arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_a_schema_is_inferred_shown_and_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    made = run(capsys, "expect", "data", "--infer")
    assert made["file"] == "expectations/data.yaml"
    assert Path(made["file"]).read_text() == made["text"]
    assert run(capsys, "expect", "data") == made
    assert run(capsys, "expect", "data", "--infer", "data@1", code=4)["error"] == "Conflict"
    assert run(capsys, "expect", "data", "--force", "--infer", "data@1") == made
    assert main(["dataset", "expect", "data"]) == 0
    assert "less_than_or_equal_to: 3" in capsys.readouterr().out


def test_a_check_ends_with_1_when_one_fails(capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "expect", "data", "--infer")
    assert run(capsys, "check", "data")["passed"]
    datasets.save(BAD, "data")
    report = run(capsys, "check", "data", code=1)
    assert [item["count"] for item in report["failures"]] == [10, 10]
    assert main(["dataset", "check", "data"]) == 1
    printed = capsys.readouterr()
    assert "less_than_or_equal_to(3)" in printed.out
    assert "data@2 fails 2 of 7 checks" in printed.err
    Path("loose.yaml").write_text("columns:\n  n: {greater_than: 0}\n")
    assert run(capsys, "check", "data", "--expect", "loose.yaml")["checks"] == 2


def test_a_save_is_held_to_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "expect", "data", "--infer")
    BAD.to_csv("bad.csv", index=False)
    GOOD.head(15).to_csv("good.csv", index=False)
    refused = run(capsys, "save", "bad.csv", "data", "--expect", code=1)
    assert refused["error"] == "ExpectationsNotMet"
    assert run(capsys, "save", "good.csv", "data", "--expect")["number"] == 2
    Path("loose.yaml").write_text("columns:\n  n: {greater_than: 0}\n")
    assert run(capsys, "save", "bad.csv", "data", "--expect", "loose.yaml")["number"] == 3
    missing = run(capsys, "save", "--expect", "bad.csv", "data", "-m", "x", code=4)
    assert missing["error"]


def test_the_magics_are_the_same_words(shell: RaisingShell) -> None:
    shell.run_line_magic("dataset", "expect data --infer")
    assert shell.run_line_magic("dataset", "check data").passed
    assert shell.run_line_magic("dataset", "save good data --expect").unchanged
    with pytest.raises(ExpectationsNotMet, match="n: less_than_or_equal_to"):
        shell.run_line_magic("dataset", "save bad data --expect")
    shell.run_line_magic("dataset", "save bad data")
    with pytest.raises(Failed):
        shell.run_line_magic("dataset", "check data")
    html = render.to_html(datasets.check("data"))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
