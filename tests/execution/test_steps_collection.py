import contextlib
import io

import pytest

from mlnb import datasets
from mlnb.core import project as projects
from mlnb.core.project import Project
from mlnb.execution.steps import collection
from mlnb.testing.shell import raising_shell


def cell(number: int) -> str:
    return f"%%step s{number}\nimport numpy as np\na = np.full(10_000, {number})"


def test_the_oldest_results_go_and_their_objects_with_them(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with raising_shell() as shell, contextlib.redirect_stdout(io.StringIO()):
        for number in range(4):
            shell.run_cell(cell(number))
        before = {item.digest for item in project.store.objects()}
        assert collection.trim() == 0
        datasets.collect(older_than=-10)
        assert {item.digest for item in project.store.objects()} == before
        monkeypatch.setenv("MLNB_STEP_CACHE_SIZE", "200000")
        assert collection.trim(dry_run=True) == 2
        datasets.collect(older_than=-10)
        store = projects.current().store
        assert len(before) - len(list(store.objects())) == 2  # the arrays
        statuses = []
        for number in (3, 0):
            shell.run_cell(cell(number))
            events, _ = project.events.read()
            statuses.append([e for e in events if e.kind == "cell.cached"][-1].data["status"])
            assert shell.user_ns["a"][0] == number
        assert statuses == ["reused", "ran"]
