"""Background jobs: one line of the grammar each, in a process that outlives the server.

A job is started by the panel (``POST /mlnb/api/jobs``) where no notebook is to run its line. Its
process (`mlnb.ui.job_process`) is in a session of its own and keeps its output and its end in the
project's ``.mlnb/local/jobs/``, so that every server on this machine sees the same jobs, and a
server that was restarted sees those from before.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from secrets import token_hex

import psutil

from mlnb.core.errors import BadInput, Conflict
from mlnb.core.project import Project
from mlnb.core.records import now
from mlnb.execution.parameters import secret
from mlnb.pipelines.progress import Driver
from mlnb.ui.server.jobs import folder, lines
from mlnb.ui.server.jobs.records import Job, JobOutput

MOST = 8
"""Jobs of a project that run at a time."""
LONGEST_ANSWER = 64 * 1024
"""Bytes of output in one answer: the end of what would be more."""
_OTHERS = ("JPY_PARENT_PID", "JPY_SESSION_NAME", "FORCE_COLOR", "CLICOLOR_FORCE")
"""Variables of the server that are not meant for its jobs."""


def start(project: Project, line: str, secrets: Mapping[str, str] | None = None) -> Job:
    """Start a job in a project's folder.

    Parameters
    ----------
    project : Project
        Its root is the job's working directory.
    line : str
        One line of the grammar.
    secrets : mapping, optional
        Secret parameters of its notebooks; only the job's process gets them.

    Raises
    ------
    BadInput
        If a secret's name is none, or the line cannot run without a notebook.
    Conflict
        If too many jobs run.
    """
    words = lines.words(line)
    given = _variables(secrets or {})
    running = [job for job in latest(project) if job.status == "RUNNING"]
    if len(running) >= MOST:
        raise Conflict(
            f"{len(running)} jobs run already.", "Wait until one has ended, or cancel one."
        )
    started = now()
    kept = folder.Kept(
        project.local / "jobs" / f"{started.astimezone():%Y%m%d-%H%M%S}-{token_hex(3)}"
    )
    kept.path.mkdir(parents=True)
    body = {
        "format": 1,
        "line": lines.shown(words),
        "started": started.isoformat(),
        "author": project.settings.author,
    }
    (kept.path / "job.json").write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")
    _spawn(project, kept, words, given)
    project.events.emit("job.started", kept.id, line=body["line"])
    folder.remove_old(project)
    return one(project, kept.id).job


def latest(project: Project) -> list[Job]:
    """Return the jobs that are kept, newest first."""
    return [job for kept in folder.every(project) if (job := folder.read(kept)) is not None]


def one(project: Project, job: str, after: int = 0) -> JobOutput:
    """Return a job and its output behind a byte.

    Raises
    ------
    UnknownName
        If there is no such job.
    """
    kept = folder.find(project, job)
    text, start_at, end = kept.output(max(0, after), LONGEST_ANSWER)
    found = folder.read(kept)  # after the output: of a job that has ended, all is there
    if found is None:
        raise BadInput(f"Job {job!r} is not whole.", "Remove its folder in .mlnb/local/jobs.")
    if found.status != "RUNNING":
        text, start_at, end = kept.output(max(0, after), LONGEST_ANSWER)
    return JobOutput(job=found, text=text, start=start_at, end=end)


def cancel(project: Project, job: str) -> Job:
    """Ask a job to end: SIGINT as from Ctrl-C, after a while SIGTERM, then SIGKILL.

    Returns at once; the job is KILLED when its processes are gone. One that has ended is returned
    as it is.

    Raises
    ------
    UnknownName
        If there is no such job.
    Conflict
        If it runs on another machine.
    """
    found, kept = one(project, job).job, folder.find(project, job)
    driver = kept.driver()
    if found.status != "RUNNING" or driver is None:
        return found
    if driver.host != socket.gethostname():
        raise Conflict(
            f"Job {job} runs on {driver.host}.", "Cancel it there, from a Lab of that machine."
        )
    until = time.monotonic() + folder.STARTING
    while kept.body("process") is None and time.monotonic() < until:
        time.sleep(0.05)  # before that, nobody there hears
    with suppress(ProcessLookupError):
        os.kill(driver.pid, signal.SIGTERM)
    return found


def _variables(secrets: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which secrets reach a notebook."""
    for name, value in secrets.items():
        if not name.isidentifier() or "\0" in value:
            raise BadInput(f"No secret parameter can be called {name!r}, or hold that.")
    return {secret.variable(name): value for name, value in secrets.items()}


def _spawn(project: Project, kept: folder.Kept, words: list[str], given: Mapping[str, str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in _OTHERS}
    process = subprocess.Popen(  # noqa: S603  (no shell; the words are checked)
        [sys.executable, "-P", "-m", "mlnb.ui.job_process", str(kept.path), *words],
        cwd=project.root,
        env={**environment, **given, "COLUMNS": "120"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with suppress(psutil.NoSuchProcess):
        created = psutil.Process(process.pid).create_time()
        driver = Driver(host=socket.gethostname(), pid=process.pid, started=created)
        (kept.path / "driver.json").write_text(json.dumps(driver.to_dict()), encoding="utf-8")
    # Waited for, so that no zombie seems to be a job that goes on.
    threading.Thread(target=process.wait, name="mlnb-job", daemon=True).start()
