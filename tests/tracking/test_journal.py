"""The journal: what was logged arrives once, whatever happens to store, process, disk or file."""

import json
import logging
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlnb import tracking
from mlnb.core import lineage
from mlnb.core.errors import BadInput, TrackingUnavailable
from mlnb.core.project import Project
from mlnb.tracking import aside, delivery, journal, runs, store, writing

BLOCKED = "sqlite:///blocked/mlflow.db"
DIED = "The process ended before the run did."


@pytest.fixture(autouse=True)
def nothing_is_left_open() -> Iterator[None]:
    """Whatever failed: MLflow must not go on taking a dead run for the active one."""
    yield
    import mlflow

    assert mlflow.active_run() is None
    assert tracking.active() is None


@pytest.fixture
def blocked(project: Project, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Make a store whose folder is a file; calling the fixture repairs it."""
    monkeypatch.setenv("MLNB_TRACKING_URI", BLOCKED)
    (project.root / "blocked").write_text("in the way")
    return (project.root / "blocked").unlink


def run_script(project: Project, code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        check=False,
        capture_output=True,
        text=True,
        cwd=project.root,
    )


def points(run: str, key: str) -> list[float]:
    return [point.value for point in store.client().get_metric_history(run, key)]


def only_file(project: Project) -> Path:
    writing.finish()
    (found,) = journal.files(project)
    return found


# -- stores that do not answer -------------------------------------------------------------------


def test_a_run_goes_on_without_its_store_and_arrives_when_it_is_back(
    project: Project, blocked: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    import mlflow

    with caplog.at_level(logging.WARNING, "mlnb"), tracking.track("away", tags={"k": "v"}) as run:
        tracking.log({"lr": 0.1}, {"auc": 0.5}, text={"note": "kept"})
        tracking.log(metrics={"auc": 0.6}, step=1)
        mlflow.log_metric("own", 1)
        lineage.record_input("dataset", "flights@3", "ab" * 32)
        with tracking.track("inner", nested=True):
            tracking.log(metrics={"inside": 1})
    outer, inner = (record.getMessage() for record in caplog.records)
    assert "Run 'away' is kept in .mlnb/local/journal and delivered when" in outer
    assert "Run 'inner' is kept" in inner
    assert run.kept == "journal"
    with caplog.at_level(logging.ERROR):  # of the store that does not answer
        assert {item.name for item in runs.list_runs()} == {"away", "inner"}, "they wait here"
    assert journal.waiting(project) == 2

    blocked()
    found = {record.name: record for record in runs.list_runs()}
    away = runs.show(found["away"].id)
    assert (away.status, away.params, away.tags) == ("FINISHED", {"lr": "0.1"}, {"k": "v"})
    assert away.metrics == {"auc": 0.6, "own": 1.0}
    assert away.inputs == ["flights@3"]
    assert {"note.txt", "requirements.txt"} <= set(away.artifacts)
    assert away.started <= (away.ended or away.started)
    assert points(away.id, "auc") == [0.5, 0.6]
    parent = store.client().get_run(found["inner"].id).data.tags["mlflow.parentRunId"]
    assert parent == away.id
    assert away.id == run.id
    assert journal.waiting(project) == 0
    assert len(runs.list_runs()) == 2, "it is delivered once"
    assert journal.trouble(project) is None


def test_mlflow_writes_beside_a_store_that_fails_in_the_middle(
    project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import mlflow

    with caplog.at_level(logging.WARNING, "mlnb"), tracking.track("half") as run:
        tracking.log({"before": 1}, {"m": 1})
        mlflow.log_metric("early", 1)
        with monkeypatch.context() as patch:
            patch.setattr(store, "check", _down_except_for(aside.uri(project)))
            tracking.log({"after": 2}, {"m": 2}, text={"late": "x"})
            with pytest.raises(TrackingUnavailable):
                delivery.deliver(project)
            mlflow.log_metric("own", 3)
            with mlflow.start_run(nested=True, run_name="child"):
                mlflow.log_metric("inside", 4)
            assert run.kept == "journal"
    assert len(caplog.records) == 1
    child, half = runs.list_runs()
    assert runs.show(run.id).id == half.id == run.id
    assert half.status == "FINISHED"
    assert half.params == {"before": "1", "after": "2"}
    assert half.metrics == {"early": 1.0, "m": 2.0, "own": 3.0}
    assert (child.name, child.status, child.metrics) == ("child", "FINISHED", {"inside": 4})
    assert store.client().get_run(child.id).data.tags["mlflow.parentRunId"] == run.id
    assert {"late.txt", "requirements.txt"} <= set(runs.show(run.id).artifacts)


def _down_except_for(uri: str) -> Callable[[str], None]:
    def check(asked: str) -> None:
        if asked != uri:
            raise TrackingUnavailable(asked, "connection refused")

    return check


def test_a_server_that_is_down_costs_the_notebook_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tracking.track("warm-up"):  # what the first run costs is not the question
        pass
    assert len(runs.list_runs()) == 1
    monkeypatch.setenv("MLNB_TRACKING_URI", "http://analyst:secret@127.0.0.1:9")
    start = time.perf_counter()
    with tracking.track("away"):
        for _ in range(100):
            tracking.log({"a": 1}, {"m": 1})
    assert time.perf_counter() - start < 1
    assert [item.name for item in runs.list_runs()] == ["away"], "it waits in the journal"
    assert journal.waiting(project) == 1
    for path in journal.folder(project).rglob("*"):
        assert not path.is_file() or b"secret" not in path.read_bytes()


def test_what_cannot_be_delivered_stays_and_stops_nothing(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    with tracking.track("half") as run:
        store.client().delete_run(run.id)
        tracking.log({"after": 2})
    with caplog.at_level(logging.WARNING, "mlnb"), tracking.track("next"):
        pass
    assert [item.name for item in runs.list_runs()] == ["next", "half"], "one of them waits"
    assert "run 'half' stays in the journal" in caplog.text
    assert journal.waiting(project) == 1


def test_a_value_that_the_store_refuses_stops_no_other(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "mlnb"), tracking.track("odd") as run:
        tracking.log({"taken": 1})
        store.client().log_param(run.id, "other", "theirs")
        tracking.log({"other": "ours", "mine": 2}, {"m": 1})
    found = runs.show(run.id)
    assert found.params == {"taken": "1", "other": "theirs", "mine": "2"}
    assert found.metrics == {"m": 1}
    assert "'other' is refused" in caplog.text
    assert store.client().get_run(run.id).data.tags[delivery.DAMAGED] == "1"


# -- interrupted deliveries ----------------------------------------------------------------------


def test_a_delivery_that_broke_off_is_repeated_without_doubles(
    project: Project, blocked: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with tracking.track("away"):
        tracking.log({"a": 1}, {"m": 1}, text={"t": "x"})
    blocked()
    with monkeypatch.context() as patch:
        patch.setattr(type(store.connection(_uri())), "set_terminated", _power_loss)
        with pytest.raises(TrackingUnavailable):
            delivery.deliver(project_now())
    (found,) = runs.list_runs()
    assert (found.status, found.params, found.metrics) == ("FINISHED", {"a": "1"}, {"m": 1.0})
    assert len(points(found.id, "m")) == 1


def _uri() -> str:
    return project_now().tracking_uri


def project_now() -> Project:
    from mlnb.core import project as projects

    return projects.current()


def _power_loss(*_args: object, **_options: object) -> None:
    raise OSError("power loss")


def test_a_file_that_is_sent_again_from_its_beginning_changes_nothing(project: Project) -> None:
    with tracking.track("twice") as run:
        tracking.log({"a": 1}, {"same": 1}, text={"t": "x"})
        lineage.record_input("dataset", "flights@3", "ab" * 32)
        for number in range(2500):
            tracking.log(metrics={"m": number % 3, "nan": float("nan")})
        writing.finish()
        path = only_file(project)
        delivery.deliver(project)
        path.with_suffix(".state").unlink()  # the power failed before it was on the disk
        delivery.deliver(project)
        assert len(points(run.id, "m")) == 2500
        path.with_suffix(".state").unlink()
    found = runs.show(run.id)
    assert points(run.id, "m") == [number % 3 for number in range(2500)], "in order, too"
    assert len(points(run.id, "nan")) == 2500
    assert points(run.id, "same") == [1]
    assert (found.params, found.inputs) == ({"a": "1"}, ["flights@3"])
    assert journal.files(project) == []
    assert len(runs.list_runs()) == 1


# -- damaged files -------------------------------------------------------------------------------


@pytest.mark.parametrize("torn", [b'12345678 9 ["metr', b"\x00" * 700, b"no record\n"])
def test_a_torn_last_record_is_left_out_and_said(
    project: Project, caplog: pytest.LogCaptureFixture, torn: bytes
) -> None:
    left = run_script(project, KILLED)
    with only_file(project).open("ab") as file:
        file.write(torn)
    with caplog.at_level(logging.WARNING, "mlnb"):
        (found,) = runs.list_runs()
    assert left.returncode == -9
    assert (found.metrics, found.status) == ({"m": 9.0}, "KILLED")
    assert points(found.id, "m") == list(range(10))
    assert "1 records of run 'shot' are damaged" in caplog.text


def test_a_record_damaged_in_the_middle_is_the_only_one_missing(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    run_script(project, KILLED)
    path = only_file(project)
    data = path.read_bytes()
    assert data.count(b',["m",4.0,') + data.count(b'[["m",4.0,') == 1
    path.write_bytes(data.replace(b'["m",4.0,', b'["m",7.0,'))
    with caplog.at_level(logging.WARNING, "mlnb"):
        (found,) = runs.list_runs()
    assert points(found.id, "m") == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert "1 records of run 'shot' are damaged" in caplog.text
    assert store.client().get_run(found.id).data.tags[delivery.DAMAGED] == "1"


def test_a_file_without_a_beginning_is_kept_for_who_wants_to_look(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    run_script(project, KILLED)
    path = only_file(project)
    path.write_bytes(b"x" + path.read_bytes())
    with caplog.at_level(logging.WARNING, "mlnb"), tracking.track("next"):
        pass
    assert [run.name for run in runs.list_runs()] == ["next"]
    assert "is damaged; it stays there" in caplog.text
    assert path.with_suffix(".damaged").exists()


# -- processes -----------------------------------------------------------------------------------

KILLED = """
    import os, signal
    from mlnb import tracking
    run = tracking.start('shot')
    run.mark_cell(5, '%%track shot\\nmodel.fit(X, y)')
    for number in range(10):
        tracking.log(metrics={'m': number})
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_dead_process_leaves_a_killed_run_that_names_the_last_cell(project: Project) -> None:
    run_script(project, KILLED)
    (found,) = runs.list_runs()
    assert (found.status, found.metrics) == ("KILLED", {"m": 9.0})
    assert found.error == f"{DIED} Its last cell was In [5]: model.fit(X, y)"
    assert found.ended is not None
    assert (found.ended - found.started).total_seconds() < 60


def test_a_killed_run_that_was_deleted_is_forgotten(project: Project) -> None:
    code = KILLED.replace("os.kill(", "from mlnb.tracking import runs; runs.list_runs(); os.kill(")
    run_script(project, code)
    (path,) = journal.files(project)
    store.connection(project.tracking_uri).delete_run(journal.run_of(path))
    assert runs.list_runs() == []
    assert journal.files(project) == []


def test_a_database_that_is_gone_is_not_made_again(project: Project) -> None:
    code = KILLED.replace("os.kill(", "from mlnb.tracking import runs; runs.list_runs(); os.kill(")
    run_script(project, code)
    database = project.state / "mlflow.db"
    for path in project.state.glob("mlflow.db*"):
        path.unlink()
    assert delivery.deliver(project) == 0
    assert not database.exists()
    assert journal.files(project) == []


def test_a_forked_process_logs_to_its_parents_run_and_ends_nothing(project: Project) -> None:
    done = run_script(
        project,
        """
        import os
        from mlnb import tracking
        with tracking.track('forks') as run:
            tracking.log(metrics={'parent': 0})
            children = []
            for child in range(3):
                pid = os.fork()
                if pid == 0:
                    for number in range(50):
                        tracking.log(metrics={f'child{child}': number}, text={f't{child}': 'x'})
                    raise SystemExit  # with exit handlers
                children.append(pid)
            codes = [os.waitpid(pid, 0)[1] for pid in children]
            tracking.log(metrics={'parent': 1})
        print(run.id, codes)
        """,
    )
    run, codes = done.stdout.split(maxsplit=1)
    assert codes.strip() == "[0, 0, 0]", done.stderr
    found = runs.show(run)
    assert found.status == "FINISHED"
    assert points(run, "parent") == [0, 1]
    for child in range(3):
        assert points(run, f"child{child}") == list(range(50))
    assert {"t0.txt", "t1.txt", "t2.txt"} <= set(found.artifacts)
    assert len(runs.list_runs()) == 1
    kinds = [event.kind for event in project.events.read()[0]]
    assert kinds == ["run.started", "run.finished"]


def test_a_fork_that_outlives_its_killed_parent_keeps_no_run_open(project: Project) -> None:
    code = """
        import os, signal, time
        from mlnb import tracking
        run = tracking.start('orphaned')
        if os.fork() == 0:
            os.close(1), os.close(2)
            time.sleep(5)
            os._exit(0)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    run_script(project, code)
    (found,) = runs.list_runs()
    assert found.status == "KILLED"


def test_threads_lose_nothing(project: Project) -> None:
    with tracking.track("threads") as run:

        def work() -> None:
            for _ in range(200):
                tracking.log(metrics={"same": 1.0})

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert points(run.id, "same") == [1.0] * 1600


# -- the disk ------------------------------------------------------------------------------------


def test_when_the_journal_cannot_be_written_the_work_still_runs(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    (project.local / "journal").write_text("in the way")
    with caplog.at_level(logging.WARNING, "mlnb"), tracking.track("lost") as run:
        tracking.log({"a": 1}, {"m": 1}, text={"t": "x"})
        answer = 42
    assert answer == 42
    assert run.kept == "nowhere"
    (record,) = caplog.records
    assert "the journal cannot be written" in record.getMessage()


def test_a_disk_that_fills_up_costs_what_came_after_and_one_warning(project: Project) -> None:
    done = run_script(
        project,
        """
        import resource, signal
        from mlnb import tracking
        from mlnb.tracking import writing
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        with tracking.track('full') as run:
            writing.finish()
            for number in range(20):
                tracking.log(metrics={'m': number})
            size = run._file.path.stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
            for number in range(20, 40):
                tracking.log(metrics={'m': number})
            tracking.log(text={'t': 'x' * 10_000})
            print('the cell goes on')
        """,
    )
    assert done.stdout == "the cell goes on\n", done.stderr
    assert done.stderr.count("mlnb:") == 1
    assert "File too large" in done.stderr
    (found,) = runs.list_runs()
    assert found.status == "FINISHED", "although there was no room to say so in the file"
    kept = points(found.id, "m")
    assert kept == list(range(len(kept)))
    assert 20 <= len(kept) < 40


# -- the format ----------------------------------------------------------------------------------


def test_records_are_read_as_they_were_written(project: Project, tmp_path: Path) -> None:
    bodies: list[Any] = [{"a": "ä\n\u2028"}, [["m", 0.1, 1, 2]], None, "text"]
    path = tmp_path / "x.log"
    path.write_bytes(
        b"".join(journal.line(n, journal.record("tags", b)) for n, b in enumerate(bodies, start=1))
    )
    found = journal.read(path, 0, 0, complete=True)
    assert [entry.body for entry in found.entries] == bodies
    assert (found.damaged, found.offset) == (0, path.stat().st_size)
    second = journal.read(path, found.entries[0].end, 1, complete=True)
    assert [entry.number for entry in second.entries] == [2, 3, 4]


def test_the_first_format_is_read(project: Project) -> None:
    stored = Path(__file__).parent / "formats" / "journal-1.log"
    place = journal.folder(project)
    place.mkdir(parents=True)
    text = stored.read_text(encoding="utf-8")
    (place / "00000000000000000001-0123456789abcdef0123456789abcdef-1.1.log").write_text(
        text, encoding="utf-8"
    )
    content = place / "00000000000000000001-0123456789abcdef0123456789abcdef-1.1.files" / "1"
    content.mkdir(parents=True)
    (content / "note.txt").write_text("kept")
    head = journal.head(journal.files(project)[0])
    assert head is not None
    assert head["uri"] == "sqlite:///.mlnb/mlflow.db"
    delivery.deliver(project)
    found = runs.show("0123456789abcdef0123456789abcdef")
    assert (found.name, found.status, found.experiment) == ("first", "FAILED", "flights")
    assert (found.params, found.metrics, found.tags) == ({"lr": "0.1"}, {"auc": 0.5}, {"k": "v"})
    assert (found.inputs, found.artifacts) == (["flights@3"], ["note.txt"])


def test_a_resumed_part_of_the_first_format_is_read(project: Project) -> None:
    run, place = "0123456789abcdef0123456789abcdef", journal.folder(project)
    place.mkdir(parents=True)
    for moment, name in enumerate(("journal-1.log", "journal-1-resumed.log"), start=1):
        stored = Path(__file__).parent / "formats" / name
        (place / f"{moment:020d}-{run}-1.{moment}.log").write_bytes(stored.read_bytes())
    delivery.deliver(project)
    found = runs.show(run)
    assert (found.status, found.error) == ("FINISHED", "")
    assert (found.metrics, found.tags) == ({"auc": 0.75}, {"k": "v", "part": "second"})
    assert journal.files(project) == []


def test_a_parameter_that_is_refused_is_not_taken_for_logged(project: Project) -> None:
    with tracking.track("p"):
        with pytest.raises(BadInput):
            tracking.log({"a": 1}, artifacts="gone.txt")
        tracking.log({"a": 2})
    (found,) = runs.list_runs()
    assert found.params == {"a": "2"}
    assert json.dumps(found.to_dict())
