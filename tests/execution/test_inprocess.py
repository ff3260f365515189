import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from mlnb.core.errors import CellFailed, KernelDied, TimedOut
from mlnb.core.project import Project
from mlnb.execution.executor import Execution, NotebookJob, attempt
from mlnb.execution.inprocess import children, driving
from mlnb.execution.inprocess.journal import Reader, Writer
from mlnb.testing.notebooks import write_notebook

WAYS = pytest.mark.parametrize("runner", ["inprocess", "kernel"])


def run(project: Project, *cells: str, **options: Any) -> Execution:
    source = write_notebook(project.root / "a.ipynb", *cells)
    return attempt(NotebookJob(notebook=source, output=project.root / "o.ipynb", **options))


def outputs(done: Execution) -> list[list[dict[str, Any]]]:
    body = json.loads(done.output.read_text(encoding="utf-8"))
    return [cell["outputs"] for cell in body["cells"] if cell["cell_type"] == "code"]


def text(done: Execution) -> str:
    found = [output for cell in outputs(done) for output in cell]
    return "".join("".join(output.get("text", "")) for output in found)


def test_journal_lines_are_put_together_from_pieces() -> None:
    reading, writing = os.pipe()
    entries = [{"k": "out", "text": "ä\n" * 100}, {"k": "end"}, {"k": "done"}]
    Writer(writing).write(*entries)
    os.close(writing)
    reader, found = Reader(), []
    while data := os.read(reading, 7):
        found += reader.feed(data)
    os.close(reading)
    assert found == entries


@WAYS
@pytest.mark.parametrize(
    ("cell", "kind", "words"),
    [
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", KernelDied, "SIGKILL"),
        ("import os\nos.abort()", KernelDied, "SIGABRT"),
        ("import os\nos._exit(3)", KernelDied, "exit code 3"),
        ("import sys\nsys.exit(3)", CellFailed, "SystemExit: 3"),
        ("import sys\nsys.stdin.readline()\ninput()", CellFailed, "StdinNotImplementedError"),
        ("%%bash\nexit 4", CellFailed, "CalledProcessError"),
        ("bytearray(10 << 30)", CellFailed, "MemoryError"),
    ],
)
def test_whatever_ends_a_notebook_is_told_truly_and_at_once(
    project: Project, runner: str, cell: str, kind: type, words: str
) -> None:
    begun: list[float] = []
    done = run(
        project,
        "print('first')",
        cell,
        "print('never')",
        runner=runner,
        memory=1 << 30,
        on_cell=lambda number, total: begun.append(time.monotonic()),
    )
    assert time.monotonic() - begun[-1] < 10
    assert isinstance(done.error, kind)
    assert words in str(done.error)
    assert done.failed_cell == 2
    assert "first" in text(done)
    assert "never" not in text(done)


@WAYS
def test_a_cell_that_writes_without_end_is_stopped(
    project: Project, runner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLNB_CELL_OUTPUT_LIMIT", "100000")
    done = run(project, "while True:\n    print('x' * 99)", "print('never')", runner=runner)
    assert isinstance(done.error, CellFailed)
    assert done.error.error == "OutputFlood"
    assert "cut off after 100000 bytes" in text(done)
    assert len(text(done)) < 110_000
    assert "never" not in text(done)


def test_a_program_that_writes_without_end_is_stopped(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLNB_CELL_OUTPUT_LIMIT", "100000")
    done = run(project, "import subprocess\nsubprocess.run(['yes'])")
    assert isinstance(done.error, CellFailed)
    assert done.error.error == "OutputFlood"


@WAYS
def test_outputs_beyond_the_limit_are_cut_off_and_the_cells_go_on(
    project: Project, runner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLNB_CELL_OUTPUT_LIMIT", "10000")
    done = run(project, "print('x' * 9000)\nprint('y' * 9000)", "print('z')", runner=runner)
    assert done.status == "FINISHED"
    first, second = outputs(done)
    assert "cut off after 10000 bytes" in "".join(first[-1]["text"])
    assert second == [{"name": "stdout", "output_type": "stream", "text": ["z\n"]}]


def test_forks_and_threads_of_a_cell_do_not_outlive_the_notebook(project: Project) -> None:
    done = run(
        project,
        "import multiprocessing as mp, os, threading, time\n"
        "context = mp.get_context('fork')\n"
        "p = context.Process(target=lambda: print('from a fork', flush=True))\n"
        "p.start()\np.join()",
        "child = os.fork()\nif child == 0:\n    time.sleep(60)\n    os._exit(0)\n"
        "open('pid', 'w').write(str(child))",
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\nprint('end')",
    )
    assert done.status == "FINISHED"
    assert "from a fork" in text(done)
    pid = int((project.root / "pid").read_text(encoding="utf-8"))
    end = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert not Path(f"/proc/{pid}").exists()


def test_a_thread_that_goes_on_does_not_hold_the_notebook_up(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driving, "GRACE", 0.5)
    begun = time.monotonic()
    done = run(
        project, "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()"
    )
    assert done.status == "FINISHED"
    assert time.monotonic() - begun < 20


def test_what_is_written_before_a_death_is_kept(project: Project) -> None:
    done = run(
        project, "import os, time\nprint('so far')\ntime.sleep(0.6)\nos.kill(os.getpid(), 9)"
    )
    assert isinstance(done.error, KernelDied)
    assert "so far" in text(done)


def test_exit_functions_have_run_when_the_notebook_has_ended(project: Project) -> None:
    done = run(project, "import atexit\natexit.register(lambda: open('left', 'w').write('x'))")
    assert done.status == "FINISHED"
    assert (project.root / "left").read_text(encoding="utf-8") == "x"


def test_exit_ends_a_notebook_early_and_well(project: Project) -> None:
    done = run(project, "1", "exit", "1 / 0")
    assert (done.status, done.cells_done) == ("FINISHED", 2)


def test_a_fresh_process_serves_where_nothing_is_warm(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLNB_WARM_KERNELS", "off")
    done = run(project, "print('ran')\n1 / 0")
    assert done.how == "spawn"
    assert isinstance(done.error, CellFailed)
    assert "ran" in text(done)
    done = run(project, "import os\nos.kill(os.getpid(), 9)")
    assert isinstance(done.error, KernelDied)
    assert "killed by SIGKILL" in str(done.error)


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("%matplotlib widget", "it uses widget"),
        ("x = 1\nimport debugpy", "it uses debugpy"),
        ("%gui qt", "it uses gui"),
    ],
)
def test_what_needs_a_kernel_gets_one_and_the_events_say_why(
    project: Project, cell: str, why: str
) -> None:
    source = write_notebook(project.root / "a.ipynb", "if False:\n    pass", f"{cell}")
    body = json.loads(source.read_text(encoding="utf-8"))
    body["cells"][1]["metadata"]["tags"] = ["raises-exception"]
    source.write_text(json.dumps(body), encoding="utf-8")
    done = attempt(NotebookJob(notebook=source, output=project.root / "o.ipynb"))
    assert done.runner == "kernel"
    assert done.why.startswith(why)
    events, _ = project.events.read()
    assert events[0].data["runner"] == "kernel"
    assert events[0].data["why"] == done.why


def test_a_kernel_of_another_environment_is_no_case_for_this_process(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlnb.execution import kernelspecs

    spec = tmp_path / "jupyter" / "kernels" / "elsewhere"
    spec.mkdir(parents=True)
    argv = ["/elsewhere/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "E"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    kernelspecs.is_own.cache_clear()
    assert not kernelspecs.is_own("elsewhere")
    assert kernelspecs.is_own("python3")


def test_a_cell_that_takes_too_long_is_stopped_by_the_limit_given(project: Project) -> None:
    done = run(project, "import time\ntime.sleep(60)", cell_timeout=0.5)
    assert isinstance(done.error, TimedOut)
    assert "cell 1 took longer than 0.5 s" in str(done.error)


def test_why_a_process_ended_is_said_in_words() -> None:
    class Gone:
        reason = ""

    assert children.reason_of(Gone(), -signal.SIGSEGV) == "its process was killed by SIGSEGV"  # type: ignore[arg-type]
    assert children.reason_of(Gone(), 7) == "its process ended with exit code 7"  # type: ignore[arg-type]
