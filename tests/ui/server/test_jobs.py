import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from tornado.httpclient import HTTPClientError

from mlnb.core.errors import BadInput, Conflict, UnknownName
from mlnb.core.project import Project
from mlnb.ui import job_process
from mlnb.ui.server import extension, jobs
from mlnb.ui.server.jobs import folder, lines
from mlnb.ui.server.jobs.records import Job, JobOutput
from mlnb.ui.server.push import SCHEMA_ID


def wait(project: Project, job: Job, until: Callable[[Job], bool] = lambda job: False) -> Job:
    """Wait until a job has ended, or is as wanted."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = jobs.one(project, job.id).job
        if found.status != "RUNNING" or until(found):
            return found
        time.sleep(0.05)
    raise AssertionError(f"The job goes on: {jobs.one(project, job.id)}")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%pipeline resume nightly", ["pipeline", "resume", "nightly"]),
        ("mlnb run pipeline.yaml -p day 3", ["run", "pipeline.yaml", "-p", "day", "3"]),
        ("!mlnb endpoint shift delays 50%", ["endpoint", "shift", "delays", "50%"]),
        ("dataset tag flights@3 'as of June'", ["dataset", "tag", "flights@3", "as of June"]),
        ("%model promote late@3 --reason 'a; rm -rf /'", None),
        ("%rollback delays --to 3 -m 'too slow'", None),
        ("%run pipeline.yaml --from train[logistic]", None),
        ("runs", ["runs"]),
    ],
)
def test_a_line_of_the_grammar_becomes_words(line, words):
    found = lines.words(line)
    assert words is None or found == words


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "empty"),
        ("%pipelin run x", "Did you mean 'pipeline'"),
        ("%pipeline rum x", "Did you mean 'run'"),
        ("%pipeline", "needs a verb"),
        ("%pipeline run", "Missing argument 'PIPELINE'"),
        ("%pipeline run a b", "unexpected extra argument"),
        ("%pipeline run a --forse", "No such option"),
        ("%pipeline run a --from", "requires an argument"),
        ("%pipeline run --help", "asks for help"),
        ("%%track first", "notebook"),
        ("%track first", "needs a notebook"),
        ("%endpoint token delays", "secret"),
        ("--version", "begins with a noun"),
        ("%pipeline run 'a", "cannot be read"),
        ("%project status\n%project gc", "one line"),
        ("%project status" + " " * 0 + "x" * 5000, "one line"),
    ],
)
def test_a_line_that_cannot_run_without_a_notebook_gets_one_error(line, said, project):
    with pytest.raises(BadInput) as refused:
        jobs.start(project, line)
    assert said in str(refused.value)
    assert jobs.latest(project) == []
    assert not folder.root(project).exists()


def test_a_job_runs_in_the_project_and_is_known_afterwards(project, monkeypatch):
    begun = jobs.start(project, "%project status")
    assert begun.status == "RUNNING"
    ended = wait(project, begun)
    assert (ended.status, ended.code, ended.message) == ("FINISHED", 0, ""), ended
    output = jobs.one(project, begun.id)
    assert "test-project" in output.text
    assert (output.start, output.end) == (0, ended.said)
    assert jobs.one(project, begun.id, after=output.end).text == ""
    assert [job.id for job in jobs.latest(project)] == [begun.id]
    kinds = [event.kind for event in project.events.read()[0] if event.subject == begun.id]
    end = time.monotonic() + 20
    while kinds != ["job.started", "job.finished"] and time.monotonic() < end:
        time.sleep(0.05)
        kinds = [event.kind for event in project.events.read()[0] if event.subject == begun.id]
    assert kinds == ["job.started", "job.finished"]


def test_a_job_that_fails_says_what_happened_and_what_to_do(project):
    ended = wait(project, jobs.start(project, "%pipeline run pipeline.yaml"))
    assert (ended.status, ended.code) == ("FAILED", 4)
    assert "pipeline.yaml" in ended.message
    assert str(project.root) not in ended.message


def test_only_a_job_s_own_folder_is_read(project):
    for name in ("../../..", "20260101-000000-abcdef", "a/b", ""):
        with pytest.raises(UnknownName):
            jobs.one(project, name)


def test_cancelling_ends_a_job_and_all_its_processes(project, slow_pipeline):
    begun = jobs.start(project, f"%pipeline run {slow_pipeline}")
    wait(project, begun, lambda _job: bool(kernels(project)))
    job = json.loads((folder.root(project) / begun.id / "process.json").read_text())["job"]
    jobs.cancel(project, begun.id)
    ended = wait(project, begun)
    assert (ended.status, ended.code) == ("KILLED", 2), ended
    assert not psutil.pid_exists(job)
    assert kernels(project) == []
    assert jobs.cancel(project, begun.id) == ended


def kernels(project: Project) -> list[int]:
    """Return the processes that execute the slow cell: it has written their numbers."""
    found = [int(file.name) for file in project.root.glob("running/*")]
    return [pid for pid in found if psutil.pid_exists(pid) and _lives(pid)]


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def slow_pipeline(project: Project) -> str:
    code = (
        "import os, pathlib, time\n"
        "pathlib.Path('running').mkdir(exist_ok=True)\n"
        "pathlib.Path('running', str(os.getpid())).touch()\n"
        "time.sleep(120)\n"
    )
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": code, "outputs": []}
    body = {
        "cells": [{**cell, "execution_count": None}],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (project.root / "slow.ipynb").write_text(json.dumps(body))
    (project.root / "slow.yaml").write_text("name: slow\nsteps:\n  wait: {notebook: slow.ipynb}\n")
    return "slow.yaml"


def test_a_job_outlives_the_server_and_another_one_sees_it(project, slow_pipeline):
    """The first server is a process of its own, which is killed."""
    program = (
        "import sys\nfrom pathlib import Path\nfrom mlnb.core import project\n"
        "from mlnb.ui.server import jobs\n"
        "print(jobs.start(project.current(Path(sys.argv[1])), sys.argv[2]).id, flush=True)\n"
        "import time; time.sleep(60)\n"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", program, project.root, f"pipeline run {slow_pipeline}"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    job = server.stdout.readline().strip()
    os.kill(server.pid, signal.SIGKILL)
    server.communicate()
    begun = jobs.one(project, job).job
    assert begun.status == "RUNNING"
    wait(project, begun, lambda _job: bool(kernels(project)))
    jobs.cancel(project, job)
    assert wait(project, begun).status == "KILLED"


def test_a_job_whose_process_was_killed_has_vanished(project, slow_pipeline):
    begun = jobs.start(project, f"pipeline run {slow_pipeline}")
    wait(project, begun, lambda _job: bool(kernels(project)))
    body = json.loads((folder.root(project) / begun.id / "process.json").read_text())
    os.kill(body["pid"], signal.SIGKILL)
    ended = wait(project, begun)
    assert (ended.status, ended.message) == ("KILLED", folder.VANISHED)
    os.killpg(body["job"], signal.SIGINT)


def test_so_many_jobs_run_at_a_time(project, monkeypatch, slow_pipeline):
    monkeypatch.setattr(jobs, "MOST", 1)
    begun = jobs.start(project, f"pipeline run {slow_pipeline}")
    with pytest.raises(Conflict):
        jobs.start(project, "project status")
    assert [job.id for job in jobs.latest(project)] == [begun.id]
    jobs.cancel(project, begun.id)
    wait(project, begun)


def test_so_many_jobs_are_kept(project, monkeypatch):
    monkeypatch.setattr(folder, "KEPT", 2)
    for number in range(3):
        kept = folder.root(project) / f"20260101-00000{number}-abcdef"
        kept.mkdir(parents=True)
        body = {"line": str(number), "started": "2026-01-01T00:00:00+00:00"}
        (kept / "job.json").write_text(json.dumps(body))
    folder.remove_old(project)
    assert [job.line for job in jobs.latest(project)] == ["2", "1"]
    assert {job.status for job in jobs.latest(project)} == {"KILLED"}


def test_output_is_bounded_and_its_end_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(job_process, "PIECE", 1000)
    output = job_process.Output(tmp_path)
    for number in range(500):
        output.write(f"line {number}\n".encode())
    output.write(b"no end")
    output.close()
    kept = folder.Kept(tmp_path)
    size = sum(file.stat().st_size for file in tmp_path.iterdir())
    assert size <= 2000
    text, start, end = kept.output(0, 10_000)
    assert text.endswith("line 499\nno end")
    assert (end - start, start > 0) == (len(text), True)
    assert kept.output(end - 6, 10_000)[0] == "no end"
    assert kept.output(0, 6)[0] == "no end"
    assert kept.output(10**9, 6)[0] == ""


def test_output_has_no_secret_and_no_command_to_the_terminal(tmp_path: Path):
    output = job_process.Output(tmp_path)
    output.write(b"\x1b[31mpostgres://me:hunter2hunter2@db/x\x1b[0m \xff\n")
    output.close()
    text = folder.Kept(tmp_path).output(0, 1000)[0]
    assert "hunter2" not in text
    assert "\x1b" not in text


async def test_a_job_over_http_is_started_followed_and_pushed(jp_fetch, jp_serverapp, project):
    pushed: list[dict[str, Any]] = []

    async def hear(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        pushed.extend(data["jobs"])

    jp_serverapp.event_logger.add_listener(schema_id=SCHEMA_ID, listener=hear)
    extension.start(jp_serverapp)
    assert json.loads((await jp_fetch("mlnb", "api", "jobs")).body)["jobs"] == []
    body = json.dumps({"line": "%project settings"})
    answer = await jp_fetch("mlnb", "api", "jobs", method="POST", body=body)
    begun = Job.from_dict(json.loads(answer.body))
    for _ in range(200):
        answer = await jp_fetch("mlnb", "api", "jobs", begun.id, params={"after": "3"})
        said = JobOutput.from_dict(json.loads(answer.body))
        if said.job.status != "RUNNING" and any(job["code"] == 0 for job in pushed):
            break
        await asyncio.sleep(0.1)
    jp_serverapp.web_app.settings[extension.SETTING].stop()
    assert said.job.status == "FINISHED"
    assert said.start == 3
    assert "workers" in said.text
    assert {job["id"] for job in pushed} == {begun.id}
    assert (pushed[-1]["status"], pushed[-1]["code"]) == ("FINISHED", 0)
    answer = await jp_fetch("mlnb", "api", "jobs", begun.id, method="DELETE")
    assert Job.from_dict(json.loads(answer.body)).status == "FINISHED"


async def test_a_line_that_is_wrong_is_refused_over_http(jp_fetch):
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("mlnb", "api", "jobs", method="POST", body='{"line": "%pipelin run"}')
    assert refused.value.code == 400
    assert "Did you mean 'pipeline'?" in refused.value.response.body.decode()
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("mlnb", "api", "jobs", "20260101-000000-abcdef", method="DELETE")
    assert refused.value.code == 404
