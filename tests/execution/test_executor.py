import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest

from mlnb.core.errors import (
    CellFailed,
    Interrupted,
    InvalidNotebook,
    InvalidParameter,
    KernelDied,
    MissingNotebook,
    TimedOut,
    UnknownParameter,
)
from mlnb.core.project import Project
from mlnb.execution.executor import NotebookJob, attempt, execute
from mlnb.testing.notebooks import write_notebook


def cells_of(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def text_of(path: Path) -> str:
    """Return all that a notebook printed."""
    outputs = [output for cell in cells_of(path) for output in cell.get("outputs", [])]
    return "".join("".join(output.get("text", "")) for output in outputs)


def test_a_notebook_gets_its_parameters_folder_and_environment(project: Project) -> None:
    source = write_notebook(
        project.root / "nb" / "train.ipynb",
        "# Training",
        "import os\nprint(rate * 2, name)\nprint(os.getcwd())",
        "for key in ('PROJECT', 'STEP', 'PIPELINE_RUN', 'NOTEBOOK'):\n"
        "    print(os.environ['MLNB_' + key])\nprint(os.environ['EXTRA'])",
        "import mlnb\nmlnb.glue('double', rate * 2)",
        parameters="rate = 0.1\nname = 'x'",
    )
    before = source.read_bytes()
    output = project.root / "out" / "train.ipynb"

    done = execute(
        source,
        output,
        parameters={"rate": 0.5},
        step="train[a]",
        pipeline_run="run-1",
        environment={"EXTRA": "yes"},
    )

    assert (done.status, done.cells, done.cells_done, done.failed_cell) == ("FINISHED", 5, 5, None)
    assert done.values == {"double": 1.0}
    assert text_of(output).splitlines() == [
        "1.0 x",
        str(source.parent),
        str(project.root),
        "train[a]",
        "run-1",
        "nb/train.ipynb",
        "yes",
    ]
    assert source.read_bytes() == before


def test_no_absolute_path_is_written_into_the_output(project: Project) -> None:
    source = write_notebook(project.root / "nb" / "a.ipynb", "1 + 1", parameters="n = 1")
    output = project.root / "out" / "a.ipynb"
    execute(source, output, parameters={"n": 2})
    body = json.loads(output.read_text(encoding="utf-8"))
    assert body["metadata"]["papermill"]["input_path"] == "nb/a.ipynb"
    assert body["metadata"]["papermill"]["output_path"] == "out/a.ipynb"
    assert body["metadata"]["papermill"]["parameters"] == {"n": 2}
    assert str(project.root) not in output.read_text(encoding="utf-8")


def test_the_output_is_a_valid_notebook_that_papermill_has_parameterized(project: Project) -> None:
    from mlnb.execution.notebooks import import_nbformat

    nbformat = import_nbformat()
    source = write_notebook(project.root / "a.ipynb", "1 + 1", parameters="n = 1")
    output = project.root / "out.ipynb"
    execute(source, output, parameters={"n": 2})
    read = nbformat.read(output, as_version=4)
    nbformat.validate(read)
    assert read.cells[1].metadata.tags == ["injected-parameters"]
    assert read.metadata.papermill.exception is None
    assert read.cells[2].metadata.papermill.status == "completed"


def test_several_run_at_once_without_changing_the_working_directory(project: Project) -> None:
    here = Path.cwd()
    names = ["a", "b", "c"]
    for name in names:
        write_notebook(project.root / name / f"{name}.ipynb", "import os\nprint(os.getcwd())")
    seen = set()

    def run(name: str) -> None:
        execute(
            project.root / name / f"{name}.ipynb",
            project.root / "out" / f"{name}.ipynb",
            on_cell=lambda cell, total: seen.add(Path.cwd()),
        )

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda name: copy_context().run(run, name), names))
    assert seen == {here}
    for name in names:
        assert text_of(project.root / "out" / f"{name}.ipynb").strip() == str(project.root / name)


def test_a_failing_cell_is_named_by_its_number_in_the_source(project: Project) -> None:
    source = write_notebook(
        project.root / "a.ipynb", "# Title", "ok = n", "1 / 0", "print('never')", parameters="n = 1"
    )
    output = project.root / "out.ipynb"
    with pytest.raises(CellFailed) as caught:
        execute(source, output, parameters={"n": 2})
    assert str(caught.value) == "a.ipynb, cell 4: ZeroDivisionError: division by zero"
    assert caught.value.cell == 4
    executed = cells_of(output)
    assert "never" not in text_of(output)
    assert "papermill-error-cell-tag" in executed[0]["metadata"]["tags"]
    states = [cell["metadata"].get("papermill", {}).get("status") for cell in executed]
    assert states.count("failed") == 1
    assert states[-1] == "pending"


@pytest.mark.parametrize(
    ("cell", "error", "value"),
    [
        ("%no_such_magic", "UsageError", "no_such_magic"),
        ("%%bash\nexit 3", "CalledProcessError", "exit status 3"),
        ("import sys\nsys.exit(3)", "SystemExit", "3"),
        ("import sys\nsys.exit('no data')", "SystemExit", "no data"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", ""),
        ("def", "SyntaxError", "invalid syntax"),
    ],
)
def test_whatever_fails_in_a_cell_is_a_failure(
    project: Project, cell: str, error: str, value: str
) -> None:
    source = write_notebook(project.root / "a.ipynb", cell, "print('never')")
    done = attempt(NotebookJob(notebook=source, output=project.root / "out.ipynb"))
    assert done.status == "FAILED"
    assert isinstance(done.error, CellFailed)
    assert done.error.error == error
    assert value in done.error.value
    assert done.failed_cell == 1
    assert "never" not in text_of(done.output)


@pytest.mark.parametrize("call", ["sys.exit()", "sys.exit(0)"])
def test_a_successful_exit_ends_the_notebook_early_and_well(project: Project, call: str) -> None:
    source = write_notebook(project.root / "a.ipynb", "1", f"import sys\n{call}", "1 / 0")
    done = execute(source, project.root / "out.ipynb")
    assert (done.status, done.cells_done, done.cells) == ("FINISHED", 2, 3)
    output = json.loads(done.output.read_text(encoding="utf-8"))
    told = [cell["metadata"]["papermill"]["status"] for cell in output["cells"]]
    assert told == ["completed", "completed", "pending"]
    assert output["metadata"]["papermill"]["exception"] is None
    assert "SystemExit" not in json.dumps(output)


def test_an_expected_error_is_none(project: Project) -> None:
    source = write_notebook(project.root / "a.ipynb", "1 / 0", "print('went on')")
    body = json.loads(source.read_text(encoding="utf-8"))
    body["cells"][0]["metadata"]["tags"] = ["raises-exception"]
    source.write_text(json.dumps(body), encoding="utf-8")
    done = execute(source, project.root / "out.ipynb")
    assert done.status == "FINISHED"
    assert "went on" in text_of(done.output)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("import os\nos.kill(os.getpid(), 9)", "killed by SIGKILL"),
        ("import os\nos._exit(7)", "exit code 7"),
        ("import ctypes\nctypes.string_at(0)", "killed by SIGSEGV"),
    ],
)
def test_a_dead_kernel_ends_the_notebook_at_once(project: Project, cell: str, reason: str) -> None:
    source = write_notebook(project.root / "a.ipynb", "1", cell, "print('never')")
    died: list[float] = []
    done = attempt(
        NotebookJob(
            notebook=source,
            output=project.root / "out.ipynb",
            on_cell=lambda number, total: died.append(time.monotonic()),
        )
    )
    assert time.monotonic() - died[-1] < 5
    assert isinstance(done.error, KernelDied)
    assert reason in done.error.message
    assert "cell 2" in done.error.message
    assert done.output.is_file()


def test_a_notebook_that_takes_too_long_is_interrupted_where_it_is(project: Project) -> None:
    source = write_notebook(
        project.root / "a.ipynb",
        "import time\ntry:\n    time.sleep(60)\nfinally:\n    print('closed well')",
    )
    with pytest.raises(TimedOut, match=r"a\.ipynb took longer than 3 s\. It was stopped in cell 1"):
        execute(source, project.root / "out.ipynb", timeout=3)
    assert "closed well" in text_of(project.root / "out.ipynb")


def test_a_cell_that_ignores_the_interrupt_is_killed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlnb.execution import client

    monkeypatch.setattr(client, "GRACE", 0.5)
    source = write_notebook(
        project.root / "a.ipynb",
        "import os, signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "open('pid', 'w').write(str(os.getpid()))\nwhile True:\n    time.sleep(1)",
    )
    begun = time.monotonic()
    with pytest.raises(TimedOut):
        execute(source, project.root / "out.ipynb", timeout=4)
    assert time.monotonic() - begun < 15
    pid = int((project.root / "pid").read_text(encoding="utf-8"))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_limit_for_a_single_cell_is_a_setting(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLNB_CELL_TIMEOUT", "1")
    source = write_notebook(project.root / "a.ipynb", "1", "import time\ntime.sleep(60)")
    with pytest.raises(TimedOut, match=r"a\.ipynb, cell 2 took longer than 1 s"):
        execute(source, project.root / "out.ipynb")


def test_a_cancelled_notebook_ends_and_takes_its_kernel_along(project: Project) -> None:
    source = write_notebook(
        project.root / "a.ipynb",
        "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(60)",
    )
    stop = threading.Event()
    timer = threading.Timer(0, lambda: None)

    def begin(number: int, total: int) -> None:
        nonlocal timer
        timer = threading.Timer(0.5, stop.set)
        timer.start()

    with pytest.raises(Interrupted, match="cell 1"):
        execute(source, project.root / "out.ipynb", cancelled=stop, on_cell=begin)
    timer.join()
    pid = int((project.root / "pid").read_text(encoding="utf-8"))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_cells_are_told_of_on_the_event_stream(project: Project) -> None:
    source = write_notebook(project.root / "a.ipynb", "# Title", "1", "1 / 0", "2")
    attempt(
        NotebookJob(notebook=source, output=project.root / "out.ipynb", step="s", pipeline_run="r")
    )
    events, _ = project.events.read()
    assert [(event.kind, event.data["cell"], event.data.get("status")) for event in events] == [
        ("cell.started", 2, None),
        ("cell.finished", 2, "FINISHED"),
        ("cell.started", 3, None),
        ("cell.finished", 3, "FAILED"),
    ]
    for event in events:
        assert event.subject == "s"
        assert event.data["pipeline_run"] == "r"
        assert event.data["total"] == 4
        assert event.data["notebook"] == "a.ipynb"


def test_bad_input_is_refused_before_anything_is_written(project: Project) -> None:
    source = write_notebook(project.root / "a.ipynb", parameters="year: int = 2013\nx = 1")
    output = project.root / "out" / "a.ipynb"
    with pytest.raises(UnknownParameter, match="Did you mean 'year'"):
        execute(source, output, parameters={"yaer": 1})
    with pytest.raises(InvalidParameter, match="year = 'late'"):
        execute(source, output, parameters={"year": "late"})
    with pytest.raises(MissingNotebook, match=r"Did you mean 'a\.ipynb'"):
        execute(project.root / "aa.ipynb", output)
    with pytest.raises(InvalidNotebook, match="'nokernel' is not installed"):
        execute(source, output, kernel="nokernel")
    assert not output.parent.exists()
    assert not (project.root / ".mlnb" / "events.jsonl").exists()


def test_it_works_where_an_event_loop_runs_already(project: Project) -> None:
    import asyncio

    source = write_notebook(project.root / "a.ipynb", "print('ran')")

    async def cell() -> str:
        return execute(source, project.root / "out.ipynb").status

    assert asyncio.run(cell()) == "FINISHED"


@pytest.mark.parametrize("program", ["/bin/false", "/nowhere/python"])
def test_a_kernel_that_does_not_start_is_a_dead_one(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    name = f"broken-{Path(program).name}"
    spec = tmp_path / "jupyter" / "kernels" / name
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(
        json.dumps({"argv": [program], "display_name": "Broken", "language": "python"})
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    source = write_notebook(project.root / "a.ipynb", "1")
    with pytest.raises(KernelDied, match="it did not start"):
        execute(source, project.root / "out.ipynb", kernel=name)
    assert (project.root / "out.ipynb").is_file()
