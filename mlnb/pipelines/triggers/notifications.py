"""Tells others how a run ended: a webhook is posted to, a command is started.

Nothing here can change what became of the run: whatever goes wrong is a warning and an event, and
all of it together takes half a minute at most. What is sent holds no secret, and no message names
the address of a webhook, because who knows it can write to it.
"""

import json
import os
import shlex
import signal
import subprocess
import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from mlnb.core import redaction
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun
from mlnb.pipelines.spec.parts import Notification

TIMEOUT = 8.0
"""Seconds for one answer of a webhook."""
IN_ALL = 30.0
"""Seconds for all notifications of a run, and for a command."""
PAUSES = (0.5, 2.0)
"""Seconds before a webhook is tried for the second and third time."""
_LONGEST = 2000
"""Characters of an error that are sent; some services refuse longer messages."""


class NotTold(Exception):
    """A notification could not be delivered; the argument says why."""


class _NoRedirects(HTTPRedirectHandler):
    """A webhook that points elsewhere is not followed: the news would go to a stranger."""

    def redirect_request(self, *_: Any) -> None:
        """Refuse; `HTTPError` tells of it."""


def is_wanted(notification: Notification, run: PipelineRun) -> bool:
    """Tell whether a run's end is what a notification is for; a run that was stopped is neither."""
    wanted = {"failure": {"FAILED"}, "success": {"FINISHED"}}
    return run.status in wanted.get(notification.on, {run.status})


def tell(
    run: PipelineRun,
    notifications: Sequence[Notification],
    *,
    project: Project,
    secrets: Mapping[str, str] | None = None,
) -> list[str]:
    """Deliver the notifications that a run's end calls for; never raises.

    Parameters
    ----------
    run : PipelineRun
        As it ended.
    notifications : sequence of Notification
        What the pipeline says.
    project : Project
        Commands run in its root.
    secrets : mapping, optional
        Values of secrets; an address that is not there is looked for in the environment.

    Returns
    -------
    list of str
        What could not be delivered, and why; told as a warning, too.
    """
    wanted = [item for item in notifications if is_wanted(item, run)]
    if not wanted:
        return []
    news = news_of(run)
    found: dict[int, str] = dict.fromkeys(range(len(wanted)), f"it took longer than {IN_ALL:g} s")

    def deliver(number: int) -> None:
        try:
            _deliver(wanted[number], news, project, secrets or {})
            found[number] = ""
        except NotTold as error:
            found[number] = str(error)
        except Exception as error:  # a bug of ours is no reason to lose the run
            found[number] = repr(error)

    # Daemons: a service that answers byte by byte must not keep the process from ending.
    threads = [threading.Thread(target=deliver, args=(n,), daemon=True) for n in found]
    for thread in threads:
        thread.start()
    until = time.monotonic() + IN_ALL
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    problems: list[str] = []
    for item, reason in zip(wanted, dict(found).values(), strict=True):
        name, problem = _named(item), redaction.text(reason)
        kind = "notification.failed" if problem else "notification.sent"
        project.events.emit(kind, run.id, to=name, error=problem, status=run.status)
        problems += [f"{name}: {problem}"] if problem else []
    if problems:
        told = "; ".join(problems)
        warnings.warn(f"Not everybody was told of the run's end: {told}.", stacklevel=2)
    return problems


def news_of(run: PipelineRun) -> dict[str, Any]:
    """Return what is sent: JSON without secrets; chat services show its ``text``."""
    counts: dict[str, int] = {}
    for step in run.steps:
        counts[step.status] = counts.get(step.status, 0) + 1
    seconds = (run.ended - run.started).total_seconds() if run.ended else None
    text = f"Pipeline {run.pipeline}: {run.status}" + (f". {run.error}" if run.error else "")
    body = {
        "text": f"{text} ({run.id})",
        "run": run.id,
        "pipeline": run.pipeline,
        "status": run.status,
        "error": run.error,
        "started": run.started.isoformat(),
        "ended": run.ended.isoformat() if run.ended else None,
        "seconds": seconds,
        "steps": counts,
        "failed": [
            {"step": step.name, "error": step.error}
            for step in run.steps
            if step.status == "FAILED"
        ],
        "report": run.report,
    }
    clean: dict[str, Any] = _short(redaction.body(body))
    return clean


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_short(item) for item in value[:50]]
    return f"{value[:_LONGEST]}…" if isinstance(value, str) and len(value) > _LONGEST else value


def _named(notification: Notification) -> str:
    if notification.webhook:
        return f"webhook {notification.webhook}"
    command = notification.command or ""
    words = shlex.split(command) if isinstance(command, str) else command
    return f"command {words[0]}" if words else "command"


def _deliver(
    notification: Notification, news: dict[str, Any], project: Project, secrets: Mapping[str, str]
) -> None:
    if notification.webhook is not None:
        address = secrets.get(notification.webhook) or os.environ.get(notification.webhook, "")
        if not address:
            raise NotTold("no such secret is given")
        redaction.register(address)
        _post(address.strip(), news)
    elif notification.command:
        _start(notification.command, news, project)


def _post(address: str, news: dict[str, Any]) -> None:
    if urlsplit(address).scheme not in ("http", "https"):
        raise NotTold("its address is not http:// or https://")
    opener = build_opener(_NoRedirects)
    for pause in (*PAUSES, None):
        request = Request(  # noqa: S310  (its scheme was looked at)
            address,
            data=json.dumps(news, ensure_ascii=False).encode(),
            headers={"Content-Type": "application/json", "User-Agent": "mlnb"},
        )
        try:
            with opener.open(request, timeout=TIMEOUT):
                return
        except HTTPError as error:
            error.close()
            reason, lasting = f"it answered {error.code}", error.code < 500 and error.code != 429
        except (URLError, HTTPException, OSError, ValueError) as error:
            reason, lasting = _why(error), isinstance(error, ValueError)
        if pause is None or lasting:
            raise NotTold(reason)
        time.sleep(pause)


def _why(error: Exception) -> str:
    """Say what is wrong, without the address that urllib and ssl like to name."""
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, TimeoutError):
        return f"it did not answer within {TIMEOUT:g} s"
    if isinstance(cause, OSError) and cause.strerror:
        return f"it cannot be reached ({cause.strerror})"
    return f"it cannot be reached ({type(cause).__name__})"


def _start(command: str | list[str], news: dict[str, Any], project: Project) -> None:
    words = shlex.split(command) if isinstance(command, str) else command
    facts = {
        "MLNB_PIPELINE_RUN": news["run"],
        "MLNB_PROJECT": str(project.root),
        "PIPELINE": news["pipeline"],
        "PIPELINE_STATUS": news["status"],
        "PIPELINE_ERROR": news["error"],
        "PIPELINE_REPORT": news["report"],
    }
    try:
        process = subprocess.Popen(  # noqa: S603  (what the pipeline's author wrote)
            words,
            cwd=project.root,
            env={**os.environ, **facts},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,  # so that what it started can be ended with it
        )
    except OSError as error:
        raise NotTold(f"it cannot be started ({error.strerror})") from None
    try:
        _, said = process.communicate(json.dumps(news, ensure_ascii=False), timeout=IN_ALL - 1)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise NotTold(f"it took longer than {IN_ALL:g} s and was stopped") from None
    if process.returncode:
        last = (said.strip().splitlines() or [""])[-1]
        raise NotTold(f"it ended with exit code {process.returncode}{f': {last}' if last else ''}")
