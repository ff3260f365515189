import asyncio
import json
import os
import subprocess
import sys
from typing import Any

import pytest

from mlnb.core.events import EventLog
from mlnb.core.project import Project
from mlnb.ui.server.extension import SETTING, start
from mlnb.ui.server.push import SCHEMA_ID


@pytest.fixture
def events(project: Project) -> EventLog:
    return project.events


async def pushed(socket: Any) -> dict[str, Any]:
    while True:
        message = json.loads(await asyncio.wait_for(socket.read_message(), 10))
        if message["schema_id"] == SCHEMA_ID:
            return dict(message)


async def test_what_another_process_does_reaches_the_browser(
    jp_serverapp, jp_fetch, jp_ws_fetch, project, events
):
    events.emit("dataset.saved", "old@1")  # before the panel asked: nobody is told
    start(jp_serverapp)
    await jp_fetch("mlnb", "api", "pipelines")
    socket = await jp_ws_fetch("api", "events", "subscribe")
    program = (
        "from mlnb.core import project\n"
        "emit = project.current().events.emit\n"
        "emit('pipeline.started', 'r1', pipeline='flights', steps=[{'name': 'ingest'}])\n"
        "emit('step.started', 'r1', pipeline_run='r1', step='ingest')\n"
        "emit('cell.finished', 'x', pipeline_run='r1', step='ingest', cell=2, total=7)\n"
        "emit('run.finished', 'abc')\n"
    )
    await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", program],
        check=True,
        cwd=project.root,
        env=os.environ | {"MLNB_PROJECT": str(project.root)},
    )
    sections: set[str] = set()
    step: dict[str, Any] = {}
    while not sections or step.get("cells_done") != 2:
        message = await pushed(socket)
        assert message["folder"] == ""
        sections |= set(message["sections"])
        step = message["pipelines"][0]["steps"][0] if message["pipelines"] else step
    assert sections == {"runs"}
    assert (step["name"], step["status"], step["cells"]) == ("ingest", "RUNNING", 7)
    socket.close()
    jp_serverapp.web_app.settings[SETTING].stop()


async def test_strangers_cannot_listen(jp_serverapp, jp_ws_fetch):
    with pytest.raises(Exception, match="403"):
        await jp_ws_fetch("api", "events", "subscribe", headers={"Authorization": "token no"})


async def test_nothing_is_emitted_when_nothing_happened(
    jp_serverapp, jp_fetch, project, monkeypatch
):
    await jp_fetch("mlnb", "api", "pipelines")
    emitted: list[Any] = []
    monkeypatch.setattr(jp_serverapp.event_logger, "emit", lambda **what: emitted.append(what))
    pusher = jp_serverapp.web_app.settings[SETTING]
    await pusher.look()
    assert emitted == []
    project.events.emit("run.started", "abc")
    await pusher.look()
    await pusher.look()
    assert [what["data"]["sections"] for what in emitted] == [["runs"]]
    assert emitted[0]["data"]["revision"] > 0
