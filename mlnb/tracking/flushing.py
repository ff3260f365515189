"""Waiting until the tracking store has what was logged."""

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from mlnb.core import project as projects
from mlnb.core.errors import TrackingUnavailable
from mlnb.core.project import Project
from mlnb.core.urls import without_secrets
from mlnb.tracking import journal, shipper, writing

READ_SECONDS = 15.0
"""How long a reader waits for another process that is delivering."""
EXIT_SECONDS = 30.0
"""How long a program waits at its end, for what the shipper then delivers without it."""
KERNEL_EXIT_SECONDS = 3.0
"""The same for a kernel, which Jupyter kills after five."""
_SILENT = 1.0  # seconds before a wait says that it is one


def flush(seconds: float = 30.0) -> bool:
    """Wait until what the project's runs have logged so far is in the tracking store.

    After a second, one line on the standard error stream says what is waited for, and how long.

    Parameters
    ----------
    seconds : float
        At most so long; what is not delivered then stays in the journal and is delivered later.

    Returns
    -------
    bool
        Whether everything is in the store.
    """
    return wait(projects.current(), seconds)


def wait(project: Project, seconds: float) -> bool:
    """Wait for a project's journal; see `flush`."""
    begun = time.monotonic()
    end = begun + seconds
    writing.finish(seconds)
    targets = _targets(project)
    if not targets:
        return True
    said, looked = False, 0.0
    while not _reached(targets):
        now = time.monotonic()
        if now - looked > _SILENT:  # again and again: the shipper may be killed meanwhile
            shipper.ensure(project)
            looked = now
        if now > end or _hopeless(project, now - begun):
            return False
        if "mlflow" in sys.modules or not project.settings.background_delivery:
            with suppress(TrackingUnavailable):  # tried again until the time is over
                if _deliver(project) is not None:  # what is left now cannot be delivered
                    return _reached(targets)
        if not said and now - begun > _SILENT:
            said = True
            _say(project, len(targets), end - now)
        time.sleep(0.01)
    return True


def settle(project: Project, seconds: float = READ_SECONDS) -> None:
    """Deliver what waits, before somebody reads; what cannot be delivered hides nothing."""
    writing.finish()
    targets = _targets(project)
    end = time.monotonic() + seconds
    with suppress(TrackingUnavailable):
        while _deliver(project) is None:
            if _reached(targets) or time.monotonic() > end or journal.trouble(project):
                return
            time.sleep(0.01)


def place(project: Project, path: Path, seconds: float = READ_SECONDS) -> str:
    """Return the id of a run in the store, delivering it if need be.

    Raises
    ------
    TrackingUnavailable
        If the store does not answer in time.
    """
    end = time.monotonic() + seconds
    while not (known := journal.state(path).run):
        if not path.exists():  # it is delivered, with all that was in it
            from mlnb.tracking import minting, store

            client = store.connection(project.tracking_uri)
            with store.failures(project.tracking_uri):
                return minting.find(project, client, journal.run_of(path))
        _deliver(project)
        if time.monotonic() > end:
            uri = without_secrets(project.tracking_uri)
            raise TrackingUnavailable(uri, f"no answer in {seconds:.0f} seconds")
        time.sleep(0.005)
    return known


def at_exit(project: Project) -> None:
    """Wait for the project's journal at the end of the program."""
    if not project.settings.background_delivery or os.environ.get("MLNB_PIPELINE_RUN"):
        return  # the next reader delivers; in a pipeline that is the pipeline
    wait(project, KERNEL_EXIT_SECONDS if "ipykernel" in sys.modules else EXIT_SECONDS)


def _deliver(project: Project) -> int | None:
    from mlnb.tracking import delivery

    return delivery.deliver(project)


def _targets(project: Project) -> dict[Path, int]:
    return {path: journal.size(path) for path in journal.files(project)}


def _reached(targets: dict[Path, int]) -> bool:
    for path in list(targets):
        if journal.state(path).offset < targets[path]:
            if path.exists():
                return False
        elif path.exists() and not journal.is_open(path):
            return False  # its writer is gone, and the run is not yet called ended
        targets.pop(path)
    return True


def _hopeless(project: Project, waited: float) -> bool:
    """Tell whether the store does not answer; a moment is given to one that is coming back."""
    return waited > _SILENT and journal.trouble(project) is not None


def _say(project: Project, count: int, seconds: float) -> None:
    runs = "1 run" if count == 1 else f"{count} runs"
    print(
        f"mlnb: waiting until {without_secrets(project.settings.tracking_uri)} has {runs}, "
        f"at most {seconds:.0f} s more",
        file=sys.stderr,
        flush=True,
    )
