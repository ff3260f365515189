"""``dataset push`` and ``dataset pull``, and how a transfer is shown while it runs."""

import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mlnb import datasets
from mlnb.core import project as projects
from mlnb.core.project import Project
from mlnb.core.store import ObjectStore
from mlnb.datasets import versions
from mlnb.datasets.remotes.records import Progress, TransferReport
from mlnb.testing.shell import raising_shell
from mlnb.ui import render, transfer_display
from mlnb.ui.cli import main
from mlnb.ui.grammar import Surface
from mlnb.ui.transfer_display import ChangingLine, LogLines, display_for, text_of

FRAME = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]})
HALF = Progress("push", "copying", 1200, 2400, 3_000_000, 6_000_000, 3.0)


@pytest.fixture(autouse=True)
def in_project(project: Project) -> Project:
    return project


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert main(["dataset", *arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_push_and_pull_in_a_shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets.save(FRAME, "made", tag="gold")
    pushed = run(capsys, "push", "made", "--to", "../shared")
    assert (pushed["versions"], pushed["tags"]) == (["made@1"], ["made: gold → 1"])
    assert pushed["url"] == "../shared"
    other = projects.init(tmp_path / "other").root
    monkeypatch.chdir(other)
    pulled = run(capsys, "pull", "made@gold", "--from", "../shared", "--as", "taken")
    assert pulled["versions"] == ["taken@1"]
    pd.testing.assert_frame_equal(datasets.load("taken@gold"), FRAME)


def test_errors_have_their_codes(capsys: pytest.CaptureFixture[str]) -> None:
    datasets.save(FRAME, "made")
    assert run(capsys, "push", code=4)["error"] == "BadInput"
    assert run(capsys, "pull", "--from", "nowhere", code=4)["error"] == "BadInput"
    assert run(capsys, "push", "other", "--to", "shared", code=4)["error"] == "UnknownName"
    assert run(capsys, "push", "--to", "x://y", code=1)["error"] == "StoreUnavailable"


def test_the_report_is_readable(capsys: pytest.CaptureFixture[str]) -> None:
    datasets.save(FRAME, "made", tag="gold")
    assert main(["dataset", "push", "--to", "shared"]) == 0
    text = capsys.readouterr().out
    assert "Pushed to shared" in text
    assert "made@1" in text
    assert "made: gold → 1" in text
    assert main(["dataset", "pull", "--from", "shared"]) == 0
    assert "Both sides have the same." in capsys.readouterr().out


def test_verify_repairs_from_a_remote(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    datasets.save(FRAME, "made")
    datasets.push(url="shared")
    profile = versions.find("made@1").profile
    project.store.delete(profile)
    assert run(capsys, "verify", "made", code=1)["damaged"][0]["digest"] == profile
    report = run(capsys, "verify", "made", "--repair", "--from", "shared")
    assert report["repaired"] == [profile]
    project.store.delete(profile)
    ObjectStore(str(project.root / "shared")).delete(profile)
    assert main(["dataset", "verify", "--repair", "--from", "shared"]) == 1
    text = capsys.readouterr()
    assert profile[:16] in text.out
    assert "1 versions are still not whole" in text.err
    assert main(["dataset", "verify", "--from", "shared"]) == 4


def test_a_magic_returns_the_report() -> None:
    with raising_shell() as shell:
        shell.user_ns["df"] = FRAME
        shell.run_cell("%dataset save df made")
        result = shell.run_cell("report = %dataset push made --to shared\nreport").result
    assert isinstance(result, TransferReport)
    assert result.versions == ["made@1"]
    assert "made@1" in render.to_html(result)


def test_progress_is_one_line() -> None:
    assert text_of(HALF) == "Pushing: 1,200/2,400 objects, 3 MB of 6 MB, 1 MB/s, 3 s left"
    start = Progress("pull", "copying", 0, 3, 0, 100)
    assert text_of(start) == "Pulling: 0/3 objects, 0 B of 100 B"
    slow = Progress("pull", "copying", 1, 3, 10, 10_000, 10.0)
    assert text_of(slow).endswith("1 B/s, 2:46 h left")
    assert text_of(Progress("pull", "comparing")) == "Pulling: comparing …"


def test_a_notebooks_line_is_drawn_now_and_then_and_removed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream, clock = io.StringIO(), [100.0]
    monkeypatch.setattr(transfer_display.time, "monotonic", lambda: clock[0])
    line = ChangingLine(stream)
    line(HALF)
    line.clear()
    assert stream.getvalue() == ""  # over before it is worth showing
    for _ in range(100):
        clock[0] += 0.01
        line(HALF)
    assert 1 <= stream.getvalue().count("\r") <= 3
    line.clear()
    assert stream.getvalue().endswith(" \r")


def test_a_log_gets_a_line_every_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, clock = io.StringIO(), [100.0]
    monkeypatch.setattr(transfer_display.time, "monotonic", lambda: clock[0])
    log = LogLines(stream)
    for _ in range(250):
        clock[0] += 0.1
        log(HALF)
    assert stream.getvalue().count("\n") == 2


def test_a_terminal_gets_a_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with display_for(Surface()) as show:
        show(Progress("push", "comparing"))
        show(HALF)
    assert "1,200/2,400 objects" in capsys.readouterr().out


def test_json_has_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    with display_for(Surface(json=True)) as show:
        show(HALF)
    assert capsys.readouterr().out == ""
