"""The shipper: a process of its own per project that delivers the journal while notebooks run.

A kernel starts it with its first run and never talks to it: the shipper looks at the journal's
files. It ends by itself some time after the last run has, and may be killed at any time: the next
run, the end of a run, or any command that reads runs goes on where it was.

    python -m mlnb.tracking.shipper FOLDER
"""

import atexit
import logging
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from mlnb.core import project as projects
from mlnb.core.errors import TrackingUnavailable
from mlnb.core.project import Project
from mlnb.tracking import journal

IDLE_SECONDS = 60.0
"""How long it waits for more once everything is delivered and no run is open."""
PATIENCE_SECONDS = 1800.0
"""How long it goes on trying a store that does not answer once no run is open."""
_BUSY, _QUIET = 0.02, 0.1  # between looks at the journal, in seconds
_FIRST, _LONGEST = 0.5, 30.0  # between tries, in seconds; doubled each time

_started: list["subprocess.Popen[bytes]"] = []


def ensure(project: Project) -> None:
    """Start the project's shipper unless it runs, or the project wants none."""
    if not project.settings.background_delivery or is_running(project):
        return
    _started[:] = [process for process in _started if process.poll() is None]  # buries the dead
    with suppress(OSError):  # no room for a process: the next reader delivers
        log = (journal.folder(project) / "shipper.out").open("wb")
        with log:
            _started.append(
                subprocess.Popen(  # noqa: S603  (this very program)
                    [sys.executable, "-m", "mlnb.tracking.shipper", str(project.root)],
                    cwd=project.root,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    start_new_session=True,  # an interrupt or the end of the kernel is not its end
                )
            )


def _let_go() -> None:
    """Tell the handles that nobody waits for these processes: they outlive this one on purpose."""
    for process in _started:
        if process.poll() is None:
            process.returncode = 0


atexit.register(_let_go)


def is_running(project: Project) -> bool:
    """Tell whether the project has a shipper."""
    lock = _lock(project)
    return lock.exists() and journal.is_open(lock)


def main(root: Path) -> int:
    """Deliver a project's journal until there is nothing more to do."""
    project = projects.current(root)
    place = journal.folder(project)
    while place.is_dir():
        lock = _lock(project)
        lock.touch()
        with journal.alone(lock) as alone:
            if not alone:
                return 0
            seen = _work(project)
        if set(journal.files(project)) <= seen:  # none came while the lock was being given up
            break
    return 0


def _work(project: Project) -> set[Path]:
    """Deliver until nothing has happened for a while; returns the files that are left."""
    from mlnb.tracking import delivery  # not before the lock: MLflow takes seconds
    from mlnb.tracking.capturing.resources import Sampler

    with closing(Sampler(project)) as sampler:
        return _deliver_until_idle(project, delivery.deliver, sampler.look)


def _deliver_until_idle(
    project: Project, deliver: Callable[[Project], int | None], look: Callable[[], None]
) -> set[Path]:
    active = time.monotonic()
    pause, patience = 0.0, PATIENCE_SECONDS
    while journal.folder(project).is_dir():
        look()
        try:
            done = deliver(project)
            pause = 0.0
        except TrackingUnavailable as error:
            logging.getLogger("mlnb.tracking").warning("mlnb: %s", error.message)
            pause = min(_LONGEST, max(_FIRST, 2 * pause))
            patience = IDLE_SECONDS if error.lasting else PATIENCE_SECONDS
            done = 0
        left = journal.files(project)
        now = time.monotonic()
        if done or done is None or any(journal.is_open(path) for path in left):
            active = now
        if now - active > (patience if pause else IDLE_SECONDS):
            return set(left)
        if pause:
            _wait(project, pause * random.uniform(0.8, 1.2))  # noqa: S311  (spreads the tries)
        else:
            time.sleep(_BUSY if done else _QUIET)
    return set()


def _wait(project: Project, seconds: float) -> None:
    """Wait before the next try; less when another process has found that the store answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and journal.trouble(project):
        time.sleep(0.1)


def _lock(project: Project) -> Path:
    return journal.folder(project) / "shipper.lock"


def _set_up() -> None:
    """Be a good neighbour."""
    with suppress(OSError):
        os.nice(10)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")


if __name__ == "__main__":
    _set_up()
    sys.exit(main(Path(sys.argv[1])))
