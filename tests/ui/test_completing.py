"""Completion of magics, in the shell's own completer."""

import subprocess
import sys

import pandas as pd
import pytest
from IPython.core.completer import provisionalcompleter

from mlnb import datasets
from mlnb.core.project import Project
from mlnb.testing.shell import raising_shell
from mlnb.ui import completing


def offered(line: str) -> list[str]:
    return [text for text, _kind in completing.complete(line)[1]]


@pytest.fixture
def flights(project: Project) -> Project:
    datasets.save(pd.DataFrame({"a": [1]}), "flights")
    datasets.save(pd.DataFrame({"a": [1]}), "fares")
    return project


@pytest.mark.parametrize(
    ("line", "some"),
    [
        ("%dataset ", {"save", "load", "diff"}),
        ("%dataset sa", {"save"}),
        ("  %dataset sa", {"save"}),
        ("%dataset show --", {"--json", "--help"}),
        ("%%track --", {"--experiment", "--tag"}),
        ("%%step clean --", {"--in", "--out", "--explain"}),
        ("%notebook run a.ipynb b.ipynb --engine ", {"inprocess", "kernel"}),
        ("%track stop --status F", {"FINISHED", "FAILED"}),
    ],
)
def test_verbs_flags_and_choices_are_offered(line: str, some: set[str]) -> None:
    assert some <= set(offered(line))


@pytest.mark.parametrize(
    "line",
    ["", "dataset ", "%dataset", "%nothing sa", "x = 1 %dataset ", "%dataset save 'a b", "%%sql -"],
)
def test_nothing_is_offered_where_there_is_no_magic_of_ours(line: str) -> None:
    assert offered(line) == []


def test_names_of_the_project_are_offered(flights: Project) -> None:
    assert offered("%dataset load fl") == ["flights", "flights@1"]
    assert offered("%dataset diff flights@1 fa") == ["fares", "fares@1"]
    assert offered("%endpoint show ") == []
    assert offered("%pipeline show ") == []


def test_the_shells_completer_has_them_and_loads_nothing_before(flights: Project) -> None:
    with raising_shell() as shell:
        for line, wanted in (("%dataset lo", "load"), ("%dataset load fl", "flights")):
            with provisionalcompleter():
                found = list(shell.Completer.completions(line, len(line)))
            assert wanted in [item.text for item in found]
            assert {line[item.start :] for item in found} == {line.rpartition(" ")[2]}
    code = (
        "import sys; from IPython.core.interactiveshell import InteractiveShell as S; "
        "s = S.instance(); s.run_line_magic('load_ext', 'mlnb'); "
        "sys.exit(any(name in sys.modules for name in ('click', 'pandas', 'mlflow')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
