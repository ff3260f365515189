"""Where steps are performed: in this process, in other ones, or on a cluster.

Any `concurrent.futures.Executor` will do. What is sent to it is a `StepJob`, which is small, and
what comes back is a `StepResult`; everything else goes through the store. A step of a worker that
was killed is performed again by another one.
"""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import urlsplit

from mlnb.core import project as projects
from mlnb.core.errors import BadInput, Interrupted, InvalidSetting, KernelDied
from mlnb.core.extras import require
from mlnb.core.project import Project
from mlnb.core.records import Status, StepResult, now
from mlnb.pipelines import stopping
from mlnb.pipelines.performing import StepJob, perform

Perform = Callable[[StepJob], StepResult]

AGAIN = 3
"""How often a step is performed anew because its worker was killed."""
GRACE = 10.0
"""Seconds that workers have to end their steps when a run is stopped."""
_LOOK_EVERY = 0.1
FORMS = "threads, processes or dask://HOST:PORT"


class Place:
    """Where the steps of a run are performed: here, on the thread of each step."""

    here = True
    """Whether it is this machine, so that its cores and its memory count."""
    beside = True
    """Whether it is this process, so that it hears what happens there."""

    def width(self, wanted: int | None, default: int) -> int:
        """Return how many steps to perform at a time.

        Parameters
        ----------
        wanted : int, optional
            What the caller says.
        default : int
            What the project's settings say.
        """
        return default if wanted is None else wanted

    def performer(
        self, project: Project, run: str, stop: threading.Event, *, after: int
    ) -> Perform | None:
        """Return what performs the jobs of a run; None means the calling thread.

        Parameters
        ----------
        project : Project
            The current one.
        run : str
            Id of the run.
        stop : threading.Event
            When it is set, the workers are asked to stop.
        after : int
            Stop requests up to this number (of `stopping.requests`) are of the past.
        """
        return None


class _Away(Place):
    """An executor; ``make`` makes another one when its processes were killed."""

    def __init__(
        self,
        executor: Executor,
        *,
        make: Callable[[], Executor] | None = None,
        here: bool = True,
        slots: int | None = None,
    ) -> None:
        self.executor, self._make, self.here, self._slots = executor, make, here, slots
        self.beside = isinstance(executor, ThreadPoolExecutor)
        self._lock = threading.Lock()

    def width(self, wanted: int | None, default: int) -> int:
        return wanted or self._slots or default

    def performer(
        self, project: Project, run: str, stop: threading.Event, *, after: int
    ) -> Perform:
        return _Elsewhere(self, project, run, stop, after)

    def renew(self, broken: Executor) -> bool:
        """Start new processes, once for all steps that have lost theirs; tell if that is done."""
        with self._lock:
            if self._make is not None and self.executor is broken:
                broken.shutdown(wait=False)
                self.executor = self._make()
            return self._make is not None


@contextmanager
def opened(executor: str | Executor, workers: int) -> Iterator[Place]:
    """Open a place where steps are performed, and close it.

    Parameters
    ----------
    executor : str or Executor
        ``threads``, ``processes``, ``dask://host:port``, or an executor, which is left open.
    workers : int
        How many processes to start.

    Raises
    ------
    BadInput
        If there is no such executor, or nobody listens at its address.
    """
    if isinstance(executor, Executor):
        yield _Away(executor)
    elif executor == "threads":
        yield Place()
    elif executor == "processes":
        place = _Away(_processes(workers), make=lambda: _processes(workers), slots=workers)
        try:
            yield place
        finally:
            place.executor.shutdown(cancel_futures=True)
    elif executor.startswith("dask://"):
        with _dask(executor) as (cluster, slots):
            yield _Away(cluster, here=False, slots=slots)
    else:
        raise InvalidSetting("executor", executor, f"it must be {FORMS}", "The call")


def _processes(workers: int) -> ProcessPoolExecutor:
    # spawned: the driver has threads, and a forked child would inherit their locks
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_in_worker)


def _in_worker() -> None:
    """Leave Ctrl-C to the driver: it asks for a stop, and the step ends in order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _dask(address: str) -> Iterator[tuple[Executor, int]]:
    distributed = require("distributed", "dask")
    place = address.removeprefix("dask://")
    try:
        parts = urlsplit(address)
        # asked first, because Dask's client goes on asking until its time is over
        socket.create_connection((parts.hostname or "", parts.port or 8786), 10).close()
        client = distributed.Client(f"tcp://{place}", timeout=10, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", "") or str(error) or type(error).__name__
        raise BadInput(
            f"No Dask scheduler answers at {place}: {reason}.",
            "Start one with `dask scheduler`, and workers with `dask worker HOST:PORT`.",
        ) from None
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise BadInput(
                f"The Dask scheduler at {place} has no workers.", f"Run `dask worker {place}`."
            )
        # not pure: the same job again is to be performed again
        yield client.get_executor(pure=False), threads


class _Elsewhere:
    """Performs the jobs of one run by an executor; called on the thread of each step."""

    def __init__(
        self, place: _Away, project: Project, run: str, stop: threading.Event, after: int
    ) -> None:
        self._place, self._project, self._run, self._stop = place, project, run, stop
        self._after = after
        self._asked = False
        self._lock = threading.Lock()

    def __call__(self, job: StepJob) -> StepResult:
        begun = now()
        reason = ""
        for _ in range(1 + AGAIN):
            executor = self._place.executor
            try:
                return self._follow(self._submit(executor, job))
            except BrokenExecutor as error:
                reason = str(error) or "its worker was killed"
                if self._stop.is_set() or not self._place.renew(executor):
                    break
            except CancelledError:
                return _ended(job, begun, "KILLED", str(Interrupted(f"{job.source}: stopped.")))
            except Exception as error:  # such as Dask's KilledWorker
                reason = f"{type(error).__name__}: {error}"
                break
        died = KernelDied(job.source, None, f"its worker is gone ({reason.rstrip('.')})")
        return _ended(job, begun, "FAILED", str(died))

    def _submit(self, executor: Executor, job: StepJob) -> "Future[StepResult]":
        root = str(self._project.root)
        if isinstance(executor, ThreadPoolExecutor):
            return executor.submit(_perform_beside, root, job, self._stop)
        return executor.submit(perform_there, root, job, self._after)

    def _follow(self, future: "Future[StepResult]") -> StepResult:
        while not wait([future], _LOOK_EVERY).done:
            if self._stop.is_set():
                self._ask_to_stop()
                if not wait([future], GRACE).done:
                    future.cancel()
                    raise CancelledError
        return future.result()

    def _ask_to_stop(self) -> None:
        """Let the workers know, unless it was they whom somebody has asked."""
        with self._lock:
            if not self._asked and stopping.requests(self._project, self._run) == self._after:
                stopping.request(self._project, self._run, "its driver was interrupted")
            self._asked = True


def perform_there(root: str, job: StepJob, after: int) -> StepResult:
    """Perform a job in a worker process that hears of a stop by the store.

    Parameters
    ----------
    root : str
        Folder of the project; ``MLNB_PROJECT`` says where it is on a worker that has it elsewhere.
    job : StepJob
        What to do.
    after : int
        Stop requests up to this number are of the past.
    """
    named = os.environ.get("MLNB_PROJECT")
    folder = Path(named or root)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"this worker has no {folder.name!r}; MLNB_PROJECT says where a worker has the project"
        )
    with projects.using(projects.current(None if named else folder)) as project:
        stop = threading.Event()
        with stopping.stop_on_request(project, job.run, stop, after=after):
            return perform(job, cancelled=stop)


def _perform_beside(root: str, job: StepJob, stop: threading.Event) -> StepResult:
    """Perform a job on a thread of somebody else's executor."""
    with projects.using(projects.current(Path(root))):
        return perform(job, cancelled=stop)


def _ended(job: StepJob, begun: datetime, status: Status, error: str) -> StepResult:
    return StepResult(
        name=job.name,
        notebook=job.source,
        status=status,
        parameters=job.parameters,
        started=begun,
        ended=now(),
        cells=job.cells,
        error=error,
        attempts=job.attempt,
    )
