"""What users of MLflow complain of in notebooks, in real kernels: here it works."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

from mlnb.core import project as projects
from mlnb.core.project import Project
from mlnb.core.records import RunRecord
from mlnb.tracking import runs, store

# jupyter_client leaves its event loop and a socket of a killed kernel to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


class Kernel:
    """A kernel with the extension loaded, asked cell by cell."""

    def __init__(self, folder: Path) -> None:
        self.manager = KernelManager()
        self.manager.kernel_spec.argv[0] = sys.executable
        self.manager.start_kernel(cwd=str(folder))
        self._connect()

    def _connect(self) -> None:
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        assert self.run("%load_ext mlnb") == ""

    def run(self, code: str, *, once_begun: Callable[[], None] | None = None) -> str:
        """Run a cell; return its error's name, or ``""``. What it printed is in `said`."""
        self.said = ""
        self._once_begun = once_begun
        reply = self.client.execute_interactive(code, timeout=60, output_hook=self._hear)
        return str(reply["content"].get("ename", ""))

    def _hear(self, message: dict[str, Any]) -> None:
        self.said += message["content"].get("text", "")
        if self._once_begun is not None and self.said == "begun\n":
            self._once_begun()
            self._once_begun = None

    def begin(self, code: str) -> None:
        """Begin a cell that nobody waits for."""
        self.client.execute(code)
        while self.client.get_iopub_msg(timeout=60)["content"].get("text") != "begun\n":
            pass

    def restart(self) -> None:
        self.client.stop_channels()
        self.manager.restart_kernel(now=True)
        self._connect()

    def end(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=False)


@contextmanager
def kernel(project: Project) -> Iterator[Kernel]:
    made = Kernel(project.root)
    try:
        yield made
    finally:
        made.end()


# -- one kernel, many cells ----------------------------------------------------------------------

SEVERAL = 200
CELLS = {
    "error": ("%%track error\n1 / 0", "ZeroDivisionError"),
    "after the error": ("%%track after\nimport mlnb; mlnb.log(metrics={'m': 1})", ""),
    "again": ("%%track after\nimport mlnb; mlnb.log(metrics={'m': 2})", ""),
    "left open": ("%track start first", ""),
    "opened again": ("%track start first", ""),
    "stopped": ("%track stop", ""),
    "mlflow": (
        "%%track mixed\n"
        "import mlflow\n"
        "mlflow.log_metric('before', 1)\n"
        "with mlflow.start_run(nested=True, run_name='inside'):\n"
        "    mlflow.log_metric('inner', 2)\n"
        "mlflow.log_param('after', 3)",
        "",
    ),
    "mlflow without nested": ("%%track refused\nmlflow.start_run()", "Exception"),
    "mlflow afterwards": ("%%track fine\nmlflow.log_metric('m', 1)", ""),
    "nested": ("%track start parent", ""),
    "child": ("%%track child --nested\nmlnb.log(metrics={'m': 1})", ""),
    "child of the child": ("%track start middle --nested", ""),
    "grandchild": ("%%track grandchild\npass", ""),
    "stop the middle": ("%track stop", ""),
    "stop the parent": ("%track stop", ""),
    "exit": ("%%track exits\nimport sys; sys.exit(3)", "SystemExit"),
    "exit well": ("%%track well\nsys.exit()", "SystemExit"),
    "cancelled": (
        "%%track cancelled\nimport asyncio\nraise asyncio.CancelledError",
        "CancelledError",
    ),
    "fork": (
        "%%track forks\n"
        "import os\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    mlnb.log(metrics={'from the child': 1}); os._exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "mlnb.log(metrics={'from the parent': 2})",
        "",
    ),
    "thread": (
        "%%track threads\n"
        "import threading, time\n"
        "run, errors = mlnb.tracking.active(), []\n"
        "def late():\n"
        "    time.sleep(0.5)\n"
        "    run.log(metrics={'late': 1})\n"
        "    try: mlnb.log(metrics={'nowhere': 1})\n"
        "    except mlnb.MlnbError as error: errors.append(error)\n"
        "thread = threading.Thread(target=late); thread.start()",
        "",
    ),
    "thread has ended": ("thread.join(); print(errors[0].message)", ""),
    "autolog": (
        "%%track autolog\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "mlflow.sklearn.autolog(log_models=False, silent=True)\n"
        "LogisticRegression(C=0.5).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])\n"
        "mlflow.sklearn.autolog(disable=True)\n"
        "mlnb.glue('answer', 42); mlnb.glue('best', {'depth': 3})",
        "",
    ),
    "many": (
        "import time\n"
        "begun = time.perf_counter()\n"
        f"for number in range({SEVERAL}):\n"
        "    with mlnb.track('many'): mlnb.log(metrics={'m': number})\n"
        "print(time.perf_counter() - begun)",
        "",
    ),
}


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, dict[str, str]]:
    """Run all of `CELLS` in one kernel; returns what each printed."""
    project = projects.init(tmp_path_factory.mktemp("complaints") / "project", "test-project")
    said = {}
    with kernel(project) as asked:
        for name, (code, error) in CELLS.items():
            assert asked.run(code) == error, f"{name}: {asked.said}"
            said[name] = asked.said
    return project, said


@pytest.fixture(scope="module")
def recorded(executed: tuple[Project, dict[str, str]]) -> dict[str, list[RunRecord]]:
    """The runs by their name, oldest first."""
    found: dict[str, list[RunRecord]] = {}
    with projects.using(executed[0]):
        for run in reversed(runs.list_runs(limit=1000)):
            found.setdefault(run.name, []).append(run)
    return found


Recorded = dict[str, list[RunRecord]]


def logged(run: RunRecord) -> dict[str, float]:
    """Return what the cell logged: not how busy the machine was meanwhile."""
    return {name: value for name, value in run.metrics.items() if not name.startswith("system/")}


def test_an_error_ends_its_run_and_the_next_cell_has_its_own(recorded: Recorded) -> None:
    (failed,) = recorded["error"]
    assert (failed.status, failed.error) == ("FAILED", "ZeroDivisionError: division by zero")
    assert [run.status for run in recorded["after"]] == ["FINISHED", "FINISHED"]


def test_a_cell_that_is_run_again_is_a_new_run(recorded: Recorded) -> None:
    first, second = recorded["after"]
    assert (logged(first), logged(second)) == ({"m": 1}, {"m": 2})
    assert first.id != second.id


def test_starting_again_stops_what_was_left_open(recorded: Recorded) -> None:
    assert [run.status for run in recorded["first"]] == ["FINISHED", "FINISHED"]


def test_mlflows_own_runs_inside_are_children(recorded: Recorded) -> None:
    (mixed,), (inside,) = recorded["mixed"], recorded["inside"]
    assert (logged(mixed), mixed.params) == ({"before": 1}, {"after": "3"})
    assert (logged(inside), inside.status) == ({"inner": 2}, "FINISHED")
    (refused,), (fine,) = recorded["refused"], recorded["fine"]
    assert refused.status == "FAILED"
    assert "is already active" in refused.error
    assert (fine.status, logged(fine)) == ("FINISHED", {"m": 1})


def test_nested_runs_know_their_parents(
    recorded: Recorded, executed: tuple[Project, dict[str, str]]
) -> None:
    names = ("parent", "child", "middle", "grandchild")
    parent, child, middle, grandchild = (recorded[name][0] for name in names)
    with projects.using(executed[0]):
        client = store.client()
        parents = {
            run.name: client.get_run(run.id).data.tags.get("mlflow.parentRunId")
            for run in (parent, child, middle, grandchild)
        }
    assert parents == {
        "parent": None,
        "child": parent.id,
        "middle": parent.id,
        "grandchild": middle.id,
    }
    assert {run.status for run in (parent, child, middle, grandchild)} == {"FINISHED"}


def test_exit_and_cancel_are_told_apart(recorded: Recorded) -> None:
    (exits,), (well,), (cancelled,) = (recorded[name] for name in ("exits", "well", "cancelled"))
    assert (exits.status, exits.error) == ("FAILED", "SystemExit: 3")
    assert (well.status, well.error) == ("FINISHED", "")
    assert cancelled.status == "KILLED"


def test_a_fork_and_a_late_thread_write_to_their_run(
    recorded: Recorded, executed: tuple[Project, dict[str, str]]
) -> None:
    (forks,), (threads,) = recorded["forks"], recorded["threads"]
    assert logged(forks) == {"from the child": 1, "from the parent": 2}
    assert forks.status == threads.status == "FINISHED"
    assert logged(threads) == {"late": 1}
    assert executed[1]["thread has ended"] == "There is no open run to log to.\n"


def test_autologging_and_glue_land_in_the_cells_run(
    recorded: Recorded, executed: tuple[Project, dict[str, str]]
) -> None:
    (autolog,) = recorded["autolog"]
    assert autolog.params["C"] == "0.5"
    assert "training_score" in autolog.metrics
    assert autolog.metrics["answer"] == 42
    with projects.using(executed[0]):
        assert "scraps/best.json" in runs.show(autolog.id).artifacts


def test_200_runs_in_a_loop_take_no_time(
    recorded: Recorded, executed: tuple[Project, dict[str, str]]
) -> None:
    many = recorded["many"]
    assert sorted(run.metrics["m"] for run in many) == list(range(SEVERAL))
    assert {run.status for run in many} == {"FINISHED"}
    assert float(executed[1]["many"]) < 10, "MLflow itself takes some 0.06 s each"


# -- kernels that end, and two of them -----------------------------------------------------------


def test_a_run_goes_on_in_another_notebook(project: Project) -> None:
    with kernel(project) as first, kernel(project) as second:
        assert first.run("%track start shared\nimport mlnb; mlnb.log({'lr': 1}, {'a': 1})") == ""
        assert second.run("%track start --resume shared") == ""
        assert second.run("import mlnb; mlnb.log(metrics={'b': 2})") == ""
        assert first.run("%track stop") == ""
        assert runs.show("shared").status == "RUNNING"
        assert second.run("%track stop --status FAILED") == ""
        assert first.run("%%track --resume shared\nmlnb.log(metrics={'c': 3})") == ""
        assert first.run("%%track --resume shard") == "UnknownName"
    (found,) = runs.list_runs()
    assert (found.name, found.status) == ("shared", "FINISHED")
    assert logged(found) == {"a": 1, "b": 2, "c": 3}


def test_interrupt_restart_and_termination_end_runs_as_killed(project: Project) -> None:
    wait = "import time; print('begun', flush=True); time.sleep(60)"
    with kernel(project) as asked:
        interrupt = asked.manager.interrupt_kernel
        code = f"%%track interrupted\n{wait}"
        assert asked.run(code, once_begun=interrupt) == "KeyboardInterrupt"
        assert asked.run("%%track next\npass") == ""
        asked.begin(f"%%track restarted\n{wait}")
        asked.restart()
        assert asked.run("%%track next\npass") == ""
        asked.begin(f"%%track terminated\n{wait}")
        provisioner: Any = asked.manager.provisioner
        os.kill(provisioner.pid, signal.SIGTERM)
        while asked.manager.is_alive():
            time.sleep(0.05)
    found = {run.name: run for run in runs.list_runs()}
    statuses = {name: run.status for name, run in found.items()}
    assert statuses == {
        "interrupted": "KILLED",
        "restarted": "KILLED",
        "terminated": "KILLED",
        "next": "FINISHED",
    }
    last_cell = "Its last cell was In [2]: import time; print('begun'"
    restarted = found["restarted"].error  # a restart interrupts the cell, and kills what goes on
    assert last_cell.replace("[2]", "[4]") in restarted or "KeyboardInterrupt" in restarted
