"""Tracking while what is around it fails: servers go away, disks fill up, records are torn.

``FAULTS=20 OUTAGE=30`` is the full count: twenty times each, the server 30 seconds away.
"""

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from mlnb import tracking
from mlnb.core.errors import TrackingUnavailable
from mlnb.core.project import Project
from mlnb.testing.killing import Mother
from mlnb.testing.tracking_server import TrackingServer
from mlnb.tracking import journal, runs, store

from .proxies import Decide, is_late, loses_answers, proxy
from .tracking_checks import TIMES, check

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

OUTAGE = float(os.environ.get("OUTAGE", "4"))
_random = np.random.default_rng()


# -- a server that goes away -----------------------------------------------------------------------

LOGGING = """
import sys, time
from pathlib import Path
from mlnb import tracking
with tracking.track('outage') as run:
    with open('said', 'a') as said:
        number = 0
        while not Path('enough').exists():
            tracking.log(metrics={'m': number}, step=number)
            said.write(f'{run.id} m {number}\\n'); said.flush()
            number += 1
            time.sleep(0.02)
    tracking.log({'lr': 0.1}, text={'note': 'kept'})
tracking.flush(20)
"""


def test_a_server_that_is_away_for_a_while_gets_everything_once(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = TrackingServer(tmp_path / "server")
    monkeypatch.setenv("MLNB_TRACKING_URI", server.uri)
    monkeypatch.delenv("MLNB_BACKGROUND_DELIVERY")
    said, enough = project.root / "said", project.root / "enough"
    try:
        for _ in range(TIMES if "FAULTS" in os.environ else 1):
            server.start()
            said.write_text("")
            enough.unlink(missing_ok=True)
            with program(project, LOGGING) as logging:
                until(lambda: any(journal.state(path).run for path in journal.files(project)), 120)
                time.sleep(_random.uniform(0, 1))
                server.stop()
                time.sleep(OUTAGE)
                with pytest.raises(TrackingUnavailable):
                    store.check(server.uri)
                server.start()
                enough.touch()
                logging.communicate(timeout=120)
            until(lambda: not journal.files(project), 90)  # the shipper's pause may be 30 s
            check(project, said, extra=0, ends=("FINISHED",))
            newest = runs.list_runs(limit=1)[0]
            assert newest.params == {"lr": "0.1"}
            assert "note.txt" in runs.show(newest.id).artifacts
            server.stop()
    finally:
        server.stop()
        end_shippers(project)


@pytest.mark.parametrize("trouble", [loses_answers, is_late])
def test_a_request_that_seemed_lost_makes_no_second_run(
    trouble: Callable[[str], Decide],
    project: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server chooses ids: a request that is repeated must not make a run twice."""
    server = TrackingServer(tmp_path / "server").start()
    try:
        with proxy(server.uri, trouble("/runs/create")) as uri:
            monkeypatch.setenv("MLNB_TRACKING_URI", uri)
            client = store.connection(uri)
            for attempt in range(TIMES):
                with tracking.track(f"late-{attempt}") as run:
                    for number in range(10):
                        tracking.log(metrics={"m": number})
                until(lambda: tracking.flush(30))
                experiment = store.experiment_id(run.experiment)
                (found,) = client.search_runs([experiment], f"tags.`{journal.ORIGIN}` = '{run.id}'")
                assert found.info.status == "FINISHED"
                points = client.get_metric_history(found.info.run_id, "m")
                assert [point.value for point in points] == list(range(10))
    finally:
        server.stop()


# -- a disk that is full ---------------------------------------------------------------------------

FILLING = """
import logging, os, sys, time
from pathlib import Path
from mlnb.testing.shell import raising_shell
cell = '''%%track full
number = 0
while number < 20_000:
    mlnb.log(metrics={'m': number})
    if mlnb.tracking.run.active().kept != 'nowhere':
        os.write(said, f'{mlnb.tracking.run.active().id} m {number}\\\\n'.encode())
    number += 1
mlnb.log(text={'t': 'x' * 100_000})
done = 'the cell goes on'
'''
with raising_shell() as shell:
    shell.user_ns['said'] = os.open('said', os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    shell.run_cell('import os, mlnb')
    limit = int(sys.argv[1])
    if limit:
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    shell.run_cell(cell)
    print(shell.user_ns['done'])
"""


def test_a_full_disk_costs_what_came_after_and_one_warning(project: Project) -> None:
    for _ in range(TIMES):
        (project.root / "said").unlink(missing_ok=True)
        room = int(_random.uniform(100_000, 600_000))
        with small_disk(project, room) as limit:
            done = subprocess.run(
                [sys.executable, "-c", FILLING, str(limit)],
                cwd=project.root,
                capture_output=True,
                text=True,
                timeout=120,
            )
            assert done.stdout == "the cell goes on\n", done.stderr
            assert done.stderr.count("mlnb:") == 1, done.stderr
            assert "is not recorded from here on" in done.stderr
            found = runs.list_runs(limit=1)[0]  # delivers, with the disk still full
            assert found.status == "FINISHED", "although there was no room to say so"
            check(project, project.root / "said", extra=20_000, ends=("FINISHED",))
            assert journal.files(project) == []


@contextmanager
def small_disk(project: Project, room: int) -> Iterator[int]:
    """Put the journal on a disk with little room; yields a limit for files where that cannot be."""
    place = project.local / "journal"
    place.mkdir(exist_ok=True)
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", str(place)],
            capture_output=True,
        ).returncode
    )
    try:
        yield 0 if mounted else room
    finally:
        if mounted:
            subprocess.run(["umount", str(place)], check=True)


# -- a record that is torn -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mother() -> Iterator[Mother]:
    with Mother(
        Path(__file__).with_name("tracking_jobs.py"), {"MLNB_BACKGROUND_DELIVERY": "false"}
    ) as made:
        yield made


def test_a_torn_last_record_hides_none_before_it(
    project: Project, mother: Mother, tmp_path: Path
) -> None:
    """The file ends in the middle of a record, as after a loss of power."""
    for attempt in range(TIMES):
        said = tmp_path / f"said-{attempt}"
        child = mother.start("log", folder=str(project.root), said=str(said))
        until(lambda file=said: file.exists() and file.stat().st_size > 2000)
        child.kill()
        *_, path = journal.files(project)
        lines = path.read_bytes().splitlines(keepends=True)
        torn = lines[-1] if _random.random() < 0.5 else os.urandom(100)
        part = torn[: int(_random.integers(1, len(torn)))].replace(b"\n", b" ")
        path.write_bytes(b"".join(lines) + part)
        check(project, said)
        newest = runs.list_runs(limit=1)[0]
        tags = store.client().get_run(newest.id).data.tags
        assert tags["mlnb.journal.damaged"] == "1"
    assert journal.files(project) == []


# -- programs --------------------------------------------------------------------------------------


@contextmanager
def program(project: Project, code: str) -> Iterator["subprocess.Popen[str]"]:
    started = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=project.root, text=True
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def until(true: object, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def end_shippers(project: Project) -> None:
    import psutil

    wanted = ["-m", "mlnb.tracking.shipper", str(project.root)]
    for process in psutil.process_iter(["cmdline"]):
        if (process.info["cmdline"] or [])[1:] == wanted:
            process.kill()
            process.wait(10)
