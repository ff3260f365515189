import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mlnb.core import project as projects
from mlnb.core.errors import BadInput, UnknownName
from mlnb.core.project import Project
from mlnb.execution.steps import modules
from mlnb.testing.shell import RaisingShell, raising_shell

HIDDEN = "correct-horse-battery"


@pytest.fixture
def shell(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[RaisingShell]:
    monkeypatch.syspath_prepend(str(project.root))
    with raising_shell() as made:
        yield made


def fresh() -> Any:
    return raising_shell()


def last(project: Project) -> dict[str, Any]:
    events, _ = project.events.read()
    return [event for event in events if event.kind == "cell.cached"][-1].data


def run(shell: RaisingShell, source: str) -> str:
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        shell.run_cell(source)
    return stream.getvalue()


def test_a_cell_runs_once_and_shows_the_same_again(project: Project, shell: RaisingShell) -> None:
    shell.run_cell("x = 1")
    cell = (
        "%%step load --in x --out y\nprint('loading')\nwith open('ran', 'a') as f:\n"
        "    _ = f.write('1')\ny = [x]\ny"
    )
    first = run(shell, cell)
    shell.run_cell("del y")
    assert run(shell, cell + "   # a comment") == first
    assert "loading" in first
    assert shell.user_ns["y"] == [1]
    assert (project.root / "ran").read_text() == "1"
    assert last(project)["status"] == "reused"
    shell.run_cell("x = 2")
    run(shell, cell)
    assert shell.user_ns["y"] == [2]
    assert last(project)["reason"] == "input x changed"


def test_inputs_are_found_and_functions_count_through_others(
    project: Project, shell: RaisingShell
) -> None:
    shell.run_cell("k = 2\ndef inner(v):\n    return v * k\ndef outer(v):\n    return inner(v)")
    cell = "%%step s\nout = outer(data)"
    shell.run_cell("data = 10\nunrelated = 1")
    run(shell, cell)
    shell.run_cell("unrelated = 2")
    run(shell, cell)
    assert last(project)["status"] == "reused"
    shell.run_cell("def inner(v):\n    return v * k * 10")
    run(shell, cell)
    assert (shell.user_ns["out"], last(project)["status"]) == (200, "ran")
    shell.run_cell("k = 3")
    run(shell, cell)
    assert (shell.user_ns["out"], last(project)["status"]) == (300, "ran")


def test_another_kernel_and_another_project_with_the_same_store_reuse_it(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "shared"
    cell = (
        "%%step features\nimport pandas as pd\nimport numpy as np\nprint('computed')\n"
        "frame = pd.DataFrame({'a': range(n), 's': ['x'] * n})\narray = np.arange(n)\n"
        "total = frame['a'].sum().item()"
    )
    shown = []
    for name in ("one", "two"):
        folder = tmp_path / name
        made = projects.init(folder, name)
        (folder / "mlnb.toml").write_text(f'name = "{name}"\nstore = "{store.as_posix()}"\n')
        monkeypatch.chdir(folder)
        made = projects.current()
        for _ in range(2):
            with fresh() as kernel:
                kernel.run_cell("n = 1000")
                shown.append(run(kernel, cell))
                frame = kernel.user_ns["frame"]
                assert frame["a"].sum() == kernel.user_ns["total"] == 499500
                assert kernel.user_ns["array"][-1] == 999
                frame.loc[0, "a"] = 5  # it can be written to
        expected = ["ran", "reused"] if name == "one" else ["reused", "reused"]
        events, _ = made.events.read()
        assert [e.data["status"] for e in events if e.kind == "cell.cached"] == expected
    assert set(shown) == {"computed\n"}


def test_what_others_pickled_is_not_loaded_without_a_shared_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "shared"
    cell = "%%step s\nvalue = {n}\nprint('computed')"

    def status(name: str) -> str:
        folder = tmp_path / name
        if not folder.exists():
            projects.init(folder, name)
            (folder / "mlnb.toml").write_text(f'store = "{store.as_posix()}"\n')
        monkeypatch.chdir(folder)
        with fresh() as kernel:
            kernel.run_cell("n = 1")
            run(kernel, cell)
        return str(last(projects.current())["status"])

    assert status("one") == "ran"
    assert status("two") == "ran"
    assert "not safe to load" in last(projects.current())["reason"]
    monkeypatch.setenv("MLNB_SIGNING_KEY", "of the team")
    assert [status("one"), status("two")] == ["ran", "reused"]


def test_definitions_and_instances_survive(project: Project, shell: RaisingShell) -> None:
    cell = (
        "%%step model\nimport math\nclass Model:\n    def __init__(self, a):\n        self.a = a\n"
        "    def predict(self, x):\n        return scaled(x) * self.a\n"
        "def scaled(x):\n    return x * factor\nmodel = Model(2)\nalso = model"
    )
    shell.run_cell("factor = 10")
    run(shell, cell)
    shell.run_cell("del Model, scaled, model, also")
    run(shell, cell)
    assert last(project)["status"] == "reused"
    names = shell.user_ns
    assert names["model"].predict(1) == 20
    assert isinstance(names["model"], names["Model"])
    assert names["also"] is names["model"]
    shell.run_cell("factor = 100")
    assert names["model"].predict(1) == 200
    import inspect

    assert "factor" in inspect.getsource(names["scaled"])


def test_changes_in_place_are_results_or_are_refused(project: Project, shell: RaisingShell) -> None:
    shell.run_cell("import pandas as pd\ndf = pd.DataFrame({'a': [1]})")
    said = run(shell, "%%step add\ndf['b'] = df['a'] + 1")
    assert "changed 'df' in place" in said
    shell.run_cell("df = pd.DataFrame({'a': [1]})")
    run(shell, "%%step add\ndf['b'] = df['a'] + 1")
    assert last(project)["status"] == "reused"
    assert list(shell.user_ns["df"].columns) == ["a", "b"]
    said = run(shell, "%%step add2 --out n\ndf['c'] = 1\nn = len(df)")
    assert "name it with --out" in said
    assert last(project)["status"] == "ran, not cached"


def test_what_cannot_be_stored_is_named_and_the_cell_runs(
    project: Project, shell: RaisingShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = run(shell, "%%step s\nimport threading\nlock = threading.Lock()\nx = 1")
    assert "'lock' is not stored: it cannot be pickled" in said
    assert shell.user_ns["x"] == 1
    run(shell, "lock2 = threading.Lock()")
    assert "--in" in run(shell, "%%step t\nwith lock2:\n    y = 1")
    assert "imports *" in run(shell, "%%step u\nfrom math import *")
    monkeypatch.setenv("MLNB_SECRET_TOKEN", HIDDEN)
    run(shell, "from mlnb import Secret\ntoken = Secret.from_environment('token')")
    for cell in ("%%step v\nz = token", "%%step w\nz = ['Bearer ' + token]"):
        assert "secret" in run(shell, cell)
    for path in project.root.rglob("*"):
        assert not path.is_file() or HIDDEN.encode() not in path.read_bytes(), path


def test_a_secret_input_counts_without_being_stored(
    project: Project, shell: RaisingShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.run_cell("from mlnb import Secret")
    statuses = []
    for value in (HIDDEN, HIDDEN, HIDDEN + "2"):
        monkeypatch.setenv("MLNB_SECRET_TOKEN", value)
        run(shell, "token = Secret.from_environment('token')")
        run(shell, "%%step s\nprint(token)\nn = len(token)")
        statuses.append(last(project)["status"])
    assert statuses == ["ran", "reused", "ran"]
    for path in project.root.rglob("*"):
        assert not path.is_file() or HIDDEN.encode() not in path.read_bytes(), path


def test_what_looks_like_a_secret_has_no_digest_that_others_could_try_out(
    project: Project, shell: RaisingShell
) -> None:
    from mlnb.execution.steps.contents import Contents

    shell.run_cell("db_password = '1234'")
    run(shell, "%%step s\nn = len(db_password)")
    told = json.dumps([last(project), (project.local / "steps" / "s.json").read_text()])
    assert Contents({}).digest("1234") not in told
    run(shell, "%%step s\nn = len(db_password)")
    assert last(project)["status"] == "reused"


def test_modules_of_the_project_count_with_what_they_import(
    project: Project, shell: RaisingShell
) -> None:
    (project.root / "stepmod_a.py").write_text("import stepmod_b\ndef f():\n    return stepmod_b.N")
    (project.root / "stepmod_b.py").write_text("N = 1\n")
    cell = "%%step s\nfrom stepmod_a import f\nn = f()"
    try:
        run(shell, cell)
        run(shell, cell)
        assert last(project)["status"] == "reused"
        (project.root / "stepmod_b.py").write_text("N = 1  # a comment\n")
        run(shell, cell)
        assert last(project)["status"] == "reused"
        (project.root / "stepmod_b.py").write_text("N = 22\n")
        said = run(shell, cell)
        assert "stepmod_b.py was edited after it was imported" in said
        assert last(project)["status"] == "ran, not cached"
        run(shell, "import importlib, stepmod_b\n_ = importlib.reload(stepmod_b)")
        run(shell, cell)
        assert (shell.user_ns["n"], last(project)["status"]) == (22, "ran")
    finally:
        for name in ("stepmod_a", "stepmod_b"):
            sys.modules.pop(name, None)
            modules._seen.pop(name, None)


def test_a_new_version_of_a_dataset_that_was_read_makes_it_run(
    project: Project, shell: RaisingShell
) -> None:
    from mlnb import datasets

    datasets.save(pd.DataFrame({"a": [1]}), "flights")
    cell = "%%step s\nfrom mlnb import datasets\nn = len(datasets.load('flights{}'))"
    for source in (cell.format(""), cell.format("@1")):
        run(shell, source)
        run(shell, source)
        assert last(project)["status"] == "reused"
    datasets.save(pd.DataFrame({"a": [1, 2]}), "flights")
    run(shell, cell.format("@1"))
    assert (shell.user_ns["n"], last(project)["status"]) == (1, "reused")
    run(shell, cell.format(""))
    assert (shell.user_ns["n"], last(project)["status"]) == (2, "ran")
    assert datasets.remove("flights@1")[0].number == 1  # a cache holds no version


def test_a_file_that_is_read_by_name_counts(project: Project, shell: RaisingShell) -> None:
    (project.root / "a.csv").write_text("x\n1\n")
    cell = "%%step s\nimport pandas as pd\nn = pd.read_csv('a.csv')['x'].sum().item()"
    run(shell, cell)
    (project.root / "a.csv").write_text("x\n5\n")
    run(shell, cell)
    assert (shell.user_ns["n"], last(project)["reason"]) == (5, "file a.csv changed")


def test_force_no_cache_and_explain(project: Project, shell: RaisingShell) -> None:
    cell = "%%step s {}\nwith open('ran', 'a') as f:\n    n = f.write('1')\ndel f\nx = 1"
    for flags in ("", "--no-cache", "--force", ""):
        run(shell, cell.format(flags))
    assert (project.root / "ran").read_text() == "111"
    shell.run_cell("a = 1")
    explain = "%%step e --explain\ny = a"
    assert "no result yet" in run(shell, explain)
    shell.run_cell("a = 2")
    said = run(shell, explain)
    assert "input a changed" in said
    assert "before" in said
    assert "reused" in run(shell, explain)


def test_errors_are_the_cells_own_or_clear(project: Project, shell: RaisingShell) -> None:
    with pytest.raises(ZeroDivisionError):
        shell.run_cell("%%step s\n1 / 0")
    run(shell, "%%step s\nx = 1")
    assert last(project)["status"] == "ran"
    for source, error, text in (
        ("%%step\nx = 1", BadInput, "NAME"),
        ("%%step a --ot b\nx = 1", BadInput, "--out"),
        ("%%step a/b\nx = 1", BadInput, "cannot name a step"),
        ("%%step a --in 1x\nx = 1", BadInput, "no name of a variable"),
        ("%%step a --in xx\nx = 1", UnknownName, "Did you mean 'x'"),
    ):
        with pytest.raises(error, match=text):
            shell.run_cell(source)
    assert "has not made 'nothing'" in run(shell, "%%step n --out nothing\nx = 1")


def test_awaiting_cells_and_other_magics(project: Project, shell: RaisingShell) -> None:
    cell = "%%step s\nimport asyncio\nawait asyncio.sleep(0)\nx = 1\nx"
    first = run(shell, cell)
    assert run(shell, cell) == first
    assert last(project)["status"] == "reused"
    run(shell, "%%step t\nlines = !echo hi\n%xmode Plain")
    assert list(shell.user_ns["lines"]) == ["hi"]


def test_a_script_can_run_one(project: Project, shell: RaisingShell) -> None:
    for _ in range(2):
        shell.run_cell_magic("step", "s", "x = 1")
    assert last(project)["status"] == "reused"


JOB = """
import sys
from mlnb.testing.shell import raising_shell
with raising_shell() as shell:
    shell.run_cell("n = 200_000")
    shell.run_cell("%%step race\\nimport numpy as np\\na = np.arange(n)\\nb = {'n': n}")
    assert shell.user_ns["a"].sum() == 19999900000
    assert shell.user_ns["b"] == {"n": 200_000}
"""


def test_two_processes_at_once_and_one_that_is_killed(project: Project) -> None:
    jobs = [subprocess.Popen([sys.executable, "-c", JOB]) for _ in range(2)]
    assert [job.wait(60) for job in jobs] == [0, 0]
    killed = (
        JOB.replace(
            "with raising",
            "import mlnb.core.store as s, os\n"
            "s.ObjectStore.append = lambda *a, **k: os._exit(9)\nwith raising",
        )
        .replace("n = 200_000", "n = 200_000; m = 1")
        .replace("{'n': n}", "{'n': n, **{}}")
    )
    assert subprocess.run([sys.executable, "-c", killed], check=False).returncode == 9
    after = killed.replace("os._exit(9)", "real(*a, **k)").replace(
        "s.ObjectStore.append", "real = s.ObjectStore.append; s.ObjectStore.append"
    )
    assert subprocess.run([sys.executable, "-c", after], check=False).returncode == 0
    events, _ = project.events.read()
    assert events[-1].data["status"] == "ran"


def test_records_of_the_first_format_are_read() -> None:
    from mlnb.execution.steps.records import StoredStep

    file = Path(__file__).parents[1] / "execution" / "formats" / "step-1.json"
    record = StoredStep.from_dict(json.loads(file.read_text(encoding="utf-8")))
    assert record.step == "features"
    assert [value.kind for value in record.values] == ["json", "frame", "array", "pickle", "same"]
    assert record.datasets[0].refs == [""]


def test_the_key_is_private(project: Project, shell: RaisingShell) -> None:
    run(shell, "%%step s\nx = [1]")
    key = project.local / "signing.key"
    assert len(key.read_text()) == 64
    assert os.stat(key).st_mode & 0o077 == 0  # noqa: PTH116
