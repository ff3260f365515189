"""``mlnb dataset`` and ``%dataset``: one grammar, in a shell and in a notebook."""

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import click
import pandas as pd
import polars as pl
import pytest

from mlnb import datasets
from mlnb.core.errors import UnknownName, UnsupportedData
from mlnb.core.project import Project
from mlnb.core.records import DatasetVersion
from mlnb.testing.shell import RaisingShell, raising_shell
from mlnb.ui import render
from mlnb.ui.cli import main
from mlnb.ui.commands.dataset import dataset
from mlnb.ui.figures import sparkline
from mlnb.ui.views.dataset import size

FRAME = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]})


@pytest.fixture(autouse=True)
def in_project(project: Project) -> Project:
    return project


@pytest.fixture
def shell() -> Iterator[RaisingShell]:
    with raising_shell() as made:
        made.user_ns["df"] = FRAME
        yield made


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    """Run ``mlnb dataset … --json`` and return what it printed."""
    assert main(["dataset", *arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


# -- in a shell


@pytest.mark.parametrize("suffix", ["csv", "parquet", "json", "jsonl"])
def test_a_file_is_saved_and_written_out_again(
    suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    datasets.save(FRAME, "made")
    datasets.export("made", Path(f"in.{suffix}"))
    saved = run(capsys, "save", f"in.{suffix}", "data", "-m", "from a file", "--tag", "gold")
    assert (saved["name"], saved["number"], saved["message"]) == ("data", 1, "from a file")
    assert saved["tags"] == ["gold"]
    assert run(capsys, "load", "data@gold", "--out", "out.csv", "--columns", "b, a")["number"] == 1
    assert Path("out.csv").read_text() == '"b","a"\n"x",1\n"y",2\n,3\n'


def test_saving_the_same_file_again_makes_no_version(capsys: pytest.CaptureFixture[str]) -> None:
    FRAME.to_csv("in.csv", index=False)
    first = run(capsys, "save", "in.csv", "data")
    assert not first["unchanged"]
    again = run(capsys, "save", "in.csv", "data", "-m", "again")
    assert again == {**first, "unchanged": True}
    assert main(["dataset", "save", "in.csv", "data"]) == 0
    assert "Unchanged" in capsys.readouterr().out


def test_log_lists_the_newest_first(capsys: pytest.CaptureFixture[str]) -> None:
    for value in range(3):
        datasets.save(FRAME.assign(a=value), "data", message=f"value {value}")
    assert [item["number"] for item in run(capsys, "log", "data")] == [3, 2, 1]
    assert [item["number"] for item in run(capsys, "log", "data", "-n", "1")] == [3]
    assert main(["dataset", "log", "data"]) == 0
    shown = capsys.readouterr().out
    assert "data@3" in shown
    assert "value 0" in shown


def test_list_and_its_empty_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "list") == []
    assert main(["dataset", "list"]) == 0
    assert "no dataset yet" in capsys.readouterr().out
    datasets.save(FRAME, "data")
    assert [item["name"] for item in run(capsys, "list")] == ["data"]


def test_show_has_the_profile(capsys: pytest.CaptureFixture[str]) -> None:
    datasets.save(FRAME, "data", message="first")
    shown = run(capsys, "show", "data")
    assert [item["name"] for item in shown["columns"]] == ["a", "b"]
    assert main(["dataset", "show", "data"]) == 0
    text = capsys.readouterr().out
    assert "1 … 2 … 3" in text
    assert "33.3%" in text
    assert "x ×1" in text


def test_tag_and_diff(capsys: pytest.CaptureFixture[str]) -> None:
    datasets.save(FRAME, "data")
    datasets.save(FRAME.assign(c=1, a=[1, 2, 9]), "data")
    assert run(capsys, "tag", "data@1", "gold")["tags"] == ["gold"]
    found = run(capsys, "diff", "data@gold", "data@2")
    assert (found["rows_added"], found["rows_removed"], found["rows_kept"]) == (1, 1, 2)
    assert main(["dataset", "diff", "data@1", "data@2"]) == 0
    text = capsys.readouterr().out
    assert "rows added    1" in text
    assert "2 columns both have alike" in text
    assert main(["dataset", "diff", "data@1", "data@1"]) == 0
    assert "The same content." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["log", "dta"], "Did you mean 'data'?"),
        (["show", "data@7"], "It has version 1"),
        (["show", "data@@"], "is no dataset reference"),
        (["load", "data@7", "--out", "out.csv"], "It has version 1"),
        (["load", "data", "--out", "out.xlsx"], "no known table format"),
        (["load", "data", "--out", "there.csv"], "exists"),
        (["load", "data", "--out", "out.csv", "--columns", "zz"], "no column 'zz'"),
        (["load", "data"], "--out FILE"),
        (["save", "nothing.csv", "new"], "no file 'nothing.csv'"),
        (["save", "there.csv", "a b"], "cannot name a dataset"),
        (["save", "there.csv", "new", "--tag", "7"], "cannot be a tag"),
        (["save", "mlnb.toml", "a b"], "cannot name a dataset"),
        (["tag", "data", "latest"], "cannot be a tag"),
        (["diff", "data", "data@9"], "It has version 1"),
        (["lod"], "Did you mean 'load'?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_clear_error_and_writes_nothing(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    datasets.save(FRAME, "data")
    Path("there.csv").write_text("a\n1\n")
    before = {path for path in Path().rglob("*") if path.name != "events.jsonl"}
    assert main(["dataset", *arguments]) == 4
    shown = capsys.readouterr()
    assert message in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""
    assert {path for path in Path().rglob("*") if path.name != "events.jsonl"} == before


def test_an_error_can_be_had_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "show", "nothing", code=4)["error"] == "UnknownName"


def test_every_verb_and_option_says_what_it_does() -> None:
    for verb in dataset.commands.values():
        assert verb.help
        for parameter in verb.params:
            assert not isinstance(parameter, click.Option) or parameter.help


# -- in a notebook


def test_a_variable_is_saved_and_loaded_into_another(shell: RaisingShell) -> None:
    saved = shell.run_cell('%dataset save df flights -m "first one"').result
    assert isinstance(saved, DatasetVersion)
    assert saved.message == "first one"
    assert shell.run_cell("%dataset load flights@1 --into copy").result == saved
    pd.testing.assert_frame_equal(shell.user_ns["copy"], FRAME)


def test_load_is_the_frame_itself(shell: RaisingShell) -> None:
    shell.run_cell("%dataset save df flights")
    shell.run_cell("a = %dataset load flights --columns b")
    assert list(shell.user_ns["a"].columns) == ["b"]
    shell.run_cell("b = %dataset load flights --engine polars")
    assert isinstance(shell.user_ns["b"], pl.DataFrame)


@pytest.mark.parametrize(
    ("line", "error", "message"),
    [
        ("save dff flights", UnknownName, "Did you mean 'df'"),
        ("save number flights", UnsupportedData, "of type int"),
        ("load flights", UnknownName, "no dataset 'flights'"),
    ],
)
def test_errors_in_a_notebook(
    line: str, error: type[Exception], message: str, shell: RaisingShell
) -> None:
    shell.user_ns["number"] = 7
    with pytest.raises(error, match=message):
        shell.run_cell(f"%dataset {line}")
    assert datasets.names() == []


def test_into_must_be_a_name(shell: RaisingShell) -> None:
    shell.run_cell("%dataset save df flights")
    with pytest.raises(Exception, match="cannot name a variable"):
        shell.run_cell("%dataset load flights --into a.b")


# -- what is shown

HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>&"\'\n]]>'


class Tags(HTMLParser):
    """Collects the tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)


def test_hostile_names_and_values_are_escaped_everywhere() -> None:
    frame = pd.DataFrame({HOSTILE: [HOSTILE, HOSTILE, "z"]})
    first = datasets.save(frame, "data", message=HOSTILE, author=HOSTILE)
    other = frame.rename(columns={HOSTILE: HOSTILE * 2})
    results = [
        first,
        datasets.show("data"),
        datasets.log("data"),
        datasets.diff("data@1", datasets.save(other, "data").ref),
    ]
    for result in results:
        page = render.to_html(result)
        assert "<script>alert(" not in page
        parser = Tags()
        parser.feed(page)
        assert not parser.found & {"script", "img"}
        assert "&lt;script&gt;" in page
        assert render.to_text(result)
        assert json.loads(render.to_json(result))


def test_the_mimebundle_holds_the_record() -> None:
    version = datasets.save(FRAME, "data")
    bundle = render.mimebundle(datasets.show("data"))
    assert bundle[render.MIME]["type"] == "DatasetProfile"
    assert bundle[render.MIME]["record"]["version"]["digest"] == version.digest


def test_sizes_and_shapes() -> None:
    assert [size(n) for n in (0, 999, 5_300_000, 7 * 10**13)] == ["0 B", "999 B", "5.3 MB", "70 TB"]
    assert sparkline([0, 1, 5, 10]) == "▁▂▅█"
    assert sparkline([]) == sparkline([0]) == ""
