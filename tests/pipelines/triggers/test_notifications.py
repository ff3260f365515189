import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psutil
import pytest

from mlnb.core import redaction
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun, StepResult, now
from mlnb.pipelines.spec.parts import Notification
from mlnb.pipelines.triggers import notifications

SECRET = "s3cr3t-pa55phrase"  # noqa: S105  (made up)
RUN = PipelineRun(
    id="flights-1",
    pipeline="flights",
    status="FAILED",
    started=now(),
    ended=now(),
    error="Step 'train' failed: no luck",
    report=".mlnb/runs/flights-1/report.html",
    steps=[
        StepResult(name="ingest", notebook="ingest.ipynb", status="FINISHED"),
        StepResult(name="train", notebook="train.ipynb", status="FAILED", error="no luck"),
    ],
)


class Service:
    """A chat service on the loopback interface that keeps what it is sent."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.answers: list[int] = []
        self.paths: list[str] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                service.taken.append(json.loads(self.rfile.read(length)))
                service.paths.append(self.path)
                code = service.answers.pop(0) if service.answers else 200
                self.send_response(code)
                if code == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hooks/{SECRET}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr(notifications, "PAUSES", (0.01, 0.01))
    running = Service()
    yield running
    running.close()
    redaction.forget(running.url, SECRET)


@pytest.fixture
def tell(project: Project) -> Callable[..., list[str]]:
    def told(run: PipelineRun, *wanted: Notification, **secrets: str) -> list[str]:
        return notifications.tell(run, wanted, project=project, secrets=secrets)

    return told


def test_a_webhook_gets_what_happened(service: Service, tell: Callable[..., list[str]]) -> None:
    assert tell(RUN, Notification(webhook="CHAT"), CHAT=service.url) == []
    (news,) = service.taken
    assert news["text"] == "Pipeline flights: FAILED. Step 'train' failed: no luck (flights-1)"
    assert news["failed"] == [{"step": "train", "error": "no luck"}]
    assert news["steps"] == {"FINISHED": 1, "FAILED": 1}
    assert news["report"] == RUN.report


@pytest.mark.parametrize(
    ("on", "statuses"),
    [
        ("failure", ["FAILED"]),
        ("success", ["FINISHED"]),
        ("always", ["FAILED", "FINISHED", "KILLED"]),
    ],
)
def test_it_is_told_of_what_it_asks_for(
    on: Any, statuses: list[str], service: Service, tell: Callable[..., list[str]]
) -> None:
    for status in ("FAILED", "FINISHED", "KILLED"):
        tell(replace(RUN, status=status), Notification(on=on, webhook="CHAT"), CHAT=service.url)
    assert [news["status"] for news in service.taken] == statuses


def test_a_service_that_stumbles_is_asked_again(
    service: Service, tell: Callable[..., list[str]]
) -> None:
    service.answers = [500, 429, 200]
    assert tell(RUN, Notification(webhook="CHAT"), CHAT=service.url) == []
    assert len(service.taken) == 3


@pytest.mark.parametrize(("code", "times"), [(404, 1), (302, 1), (503, 3)])
def test_a_service_that_refuses_is_a_warning_that_does_not_name_its_address(
    code: int, times: int, project: Project, service: Service, tell: Callable[..., list[str]]
) -> None:
    service.answers = [code] * 9
    with pytest.warns(UserWarning, match="Not everybody was told") as warned:
        problems = tell(RUN, Notification(webhook="CHAT"), CHAT=service.url)
    assert problems == [f"webhook CHAT: it answered {code}"]
    assert len(service.taken) == times
    assert not any("elsewhere" in path for path in service.paths)
    everything = str(warned[0].message) + project.events.path.read_text(encoding="utf-8")
    assert SECRET not in everything
    assert "127.0.0.1" not in everything


def test_no_address_and_a_wrong_one_are_told(
    tell: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "PAUSES", ())
    for address, told in (
        ("", "no such secret is given"),
        ("file:///etc/passwd", "not http:// or https://"),
        ("http://127.0.0.1:1/x", "cannot be reached"),
        ("http://127.0.0.1:99999999/x", "cannot be reached"),
        ("https://[/x", "cannot be reached|ValueError|is not http"),
    ):
        with pytest.warns(UserWarning, match=told):
            tell(RUN, Notification(webhook="CHAT"), CHAT=address)


def test_a_secret_of_the_run_is_not_sent(service: Service, tell: Callable[..., list[str]]) -> None:
    redaction.register(SECRET)
    leaking = replace(RUN.steps[1], error=f"password {SECRET} refused")
    run = replace(RUN, error=f"Step 'train' failed: {SECRET}", steps=[leaking])
    tell(run, Notification(webhook="CHAT"), CHAT=service.url)
    assert SECRET not in json.dumps(service.taken)
    assert service.taken[0]["failed"][0]["error"] == f"password {redaction.MARK} refused"


def test_a_long_error_is_cut(service: Service, tell: Callable[..., list[str]]) -> None:
    tell(replace(RUN, error="x" * 9000), Notification(webhook="CHAT"), CHAT=service.url)
    assert len(service.taken[0]["error"]) < 2100


def test_a_command_gets_it_on_its_standard_input(
    project: Project, tell: Callable[..., list[str]]
) -> None:
    code = (
        "import json, os, sys, pathlib; news = json.load(sys.stdin);"
        "pathlib.Path('told').write_text(news['run'] + os.environ['PIPELINE_STATUS'])"
    )
    assert tell(RUN, Notification(command=[sys.executable, "-c", code])) == []
    assert (project.root / "told").read_text(encoding="utf-8") == "flights-1FAILED"
    event = project.events.read()[0][-1]
    assert (event.kind, event.subject) == ("notification.sent", "flights-1")


def test_a_command_that_fails_is_a_warning(tell: Callable[..., list[str]]) -> None:
    redaction.register(SECRET)
    shout = f"import sys; print({SECRET!r}, 'not accepted', file=sys.stderr); sys.exit(3)"
    with pytest.warns(UserWarning, match="ended with exit code 3: .* not accepted") as warned:
        tell(RUN, Notification(command=[sys.executable, "-c", shout]))
    assert SECRET not in str(warned[0].message)
    redaction.forget(SECRET)
    with pytest.warns(UserWarning, match=r"it cannot be started \(No such file"):
        tell(RUN, Notification(command="there-is-no-such-program --now"))


def test_a_command_that_hangs_is_stopped_with_what_it_started(
    project: Project, tell: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "IN_ALL", 2.0)
    script = project.root / "hang.sh"
    script.write_text("sleep 60 & echo $! > child; wait", encoding="utf-8")
    begun = time.monotonic()
    with pytest.warns(UserWarning, match="longer than 2 s"):
        tell(RUN, Notification(command=f"sh {script}"))
    assert time.monotonic() - begun < 10
    child = int((project.root / "child").read_text(encoding="utf-8"))
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie"


def test_one_that_fails_keeps_no_other_from_being_told(
    service: Service, tell: Callable[..., list[str]]
) -> None:
    with pytest.warns(UserWarning, match="command false"):
        problems = tell(
            RUN, Notification(command="false"), Notification(webhook="CHAT"), CHAT=service.url
        )
    assert len(problems) == 1
    assert len(service.taken) == 1


def test_the_address_may_be_in_the_environment(
    service: Service, tell: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT", service.url)
    assert tell(RUN, Notification(webhook="CHAT")) == []
    assert len(service.taken) == 1
    assert os.environ["CHAT"] not in json.dumps(service.taken)
