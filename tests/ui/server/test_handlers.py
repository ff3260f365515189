import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tornado.httpclient import HTTPClientError

from mlnb import datasets
from mlnb.core import project as projects
from mlnb.core.errors import Conflict, MlnbError, StoreUnavailable, UnknownName
from mlnb.core.project import Project
from mlnb.tracking.reading import browsing
from mlnb.tracking.reading.records import RunList
from mlnb.ui.server import handlers
from mlnb.ui.server.messages import SECTIONS
from mlnb.ui.server.routes import ROUTES

FRAME = pd.DataFrame({"carrier": ["UA", "AA"], "delay": [3.0, -2.0]})


def mlnb_rules(serverapp: Any) -> list[Any]:
    found = []

    def walk(router: Any) -> None:
        for rule in getattr(router, "rules", []):
            target = rule.target
            if isinstance(target, type) and target.__module__.startswith("mlnb."):
                found.append(rule)
            walk(target)

    walk(serverapp.web_app.default_router)
    return found


def path_of(rule: Any) -> str:
    pattern = str(rule.matcher.regex.pattern).removesuffix("$").replace("\\", "")
    return re.sub(r"\(\?P<\w+>.*?\)", "x", pattern)


def test_the_server_has_the_routes_of_the_table_and_no_others(jp_serverapp):
    assert len(mlnb_rules(jp_serverapp)) == len({route.path for route in ROUTES})
    assert {"/changes", *(f"/{name}" for name in SECTIONS)} <= {route.path for route in ROUTES}


async def test_a_route_refuses_what_it_does_not_take(jp_fetch):
    await jp_fetch("mlnb", "api", "runs", params={"1795463875189": ""})  # against a browser's cache
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("mlnb", "api", "runs", params={"limt": "5"})
    assert refused.value.code == 400
    assert "'limt'" in json.loads(refused.value.response.body)["message"]


async def test_authorization_is_asked_for_reading_mlnb(jp_serverapp, jp_fetch, monkeypatch):
    asked = []

    def refuse(_self: Any, _handler: Any, _user: Any, action: str, resource: str) -> bool:
        asked.append((action, resource))
        return False

    monkeypatch.setattr(type(jp_serverapp.authorizer), "is_authorized", refuse)
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("mlnb", "api", "runs")
    assert refused.value.code == 403
    assert asked == [("read", "mlnb")]


async def test_datasets_are_listed_wherever_the_server_was_started(jp_fetch, away, project):
    saved = await asyncio.to_thread(_save, project)
    body = json.loads((await jp_fetch("mlnb", "api", "datasets")).body)
    assert list(body) == ["format", "items", "offset", "total"]
    assert [(v["name"], v["number"], v["created"]) for v in body["items"]] == [
        ("flights", 1, saved.to_dict()["created"])
    ]


def _save(project: Project) -> Any:
    from mlnb.core.project import using

    with using(project):
        return datasets.save(FRAME, "flights", message="first")


async def test_who_may_have_missed_a_change_is_told(jp_fetch, away, project):
    first = json.loads((await jp_fetch("mlnb", "api", "changes")).body)
    assert first["project"]["name"] == "test-project"
    assert set(first["change"]["sections"]) == set(SECTIONS)
    await asyncio.to_thread(_save, project)
    seen = {"seen": str(first["change"]["revision"])}
    second = json.loads((await jp_fetch("mlnb", "api", "changes", params=seen)).body)
    assert second["change"]["sections"] == ["datasets"]
    assert second["change"]["revision"] > first["change"]["revision"]


async def test_the_folder_of_the_notebook_says_which_project(jp_fetch, away, project):
    inner = projects.init(project.root / "inner", "inner-project")
    await asyncio.to_thread(_save, inner)
    outer = json.loads((await jp_fetch("mlnb", "api", "datasets")).body)
    answer = await jp_fetch("mlnb", "api", "datasets", params={"folder": "inner"})
    assert (outer["total"], json.loads(answer.body)["total"]) == (0, 1)
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("mlnb", "api", "datasets", params={"folder": "../.."})
    assert refused.value.code == 400


async def test_runs_are_listed(jp_fetch, away, project):
    await asyncio.to_thread(_track, project)
    body = json.loads((await jp_fetch("mlnb", "api", "runs")).body, parse_constant=pytest.fail)
    assert [(run["name"], run["status"], run["metrics"]) for run in body["items"]] == [
        ("bad", "FAILED", {}),
        ("good", "FINISHED", {"auc": 0.8, "loss": None}),
    ]


def _track(project: Project) -> None:
    from mlnb import tracking
    from mlnb.core.project import using

    with using(project):
        with tracking.track("good"):
            tracking.log(metrics={"auc": 0.8, "loss": float("nan")})
        with pytest.raises(ZeroDivisionError), tracking.track("bad"):
            _ = 1 / 0


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UnknownName("run", "abc", ["abd"]), 404),
        (Conflict("It exists.", "Choose another."), 409),
        (StoreUnavailable("s3://bucket", "no route"), 503),
        (RuntimeError("secret detail"), 500),
    ],
)
async def test_errors_have_one_table(jp_fetch, project, monkeypatch, error, status):
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    (project.root / ".mlnb").mkdir(exist_ok=True)
    monkeypatch.setattr(browsing, "browse", fail)
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("mlnb", "api", "runs")
    assert refused.value.code == status
    body = json.loads(refused.value.response.body)
    assert body["error"] == type(error).__name__
    assert bool(body["fix"])
    if isinstance(error, MlnbError):
        assert body == error.to_dict()
    assert "secret" not in str(body)


async def test_a_wrong_setting_is_named(jp_fetch, project):
    (project.root / "mlnb.toml").write_text('stor = "elsewhere"\n')
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("mlnb", "api", "changes")
    assert refused.value.code == 400
    body = json.loads(refused.value.response.body)
    assert body["error"] == "UnknownSetting"
    assert "Did you mean 'store'?" in body["fix"]


async def test_an_unknown_route_is_not_found(jp_fetch):
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("mlnb", "api", "nothing")
    assert refused.value.code == 404


async def test_the_loop_stays_free_while_a_list_is_read(jp_fetch, project, monkeypatch):
    entered = asyncio.Event()
    loop = asyncio.get_running_loop()

    def block(*_: Any, **__: Any) -> RunList:
        loop.call_soon_threadsafe(entered.set)
        asyncio.run_coroutine_threadsafe(released.wait(), loop).result(timeout=10)
        return RunList(items=[], offset=0, total=0)

    released = asyncio.Event()
    (project.root / ".mlnb").mkdir(exist_ok=True)
    monkeypatch.setattr(browsing, "browse", block)
    slow = asyncio.ensure_future(jp_fetch("mlnb", "api", "runs"))
    await asyncio.wait_for(entered.wait(), 10)
    await jp_fetch("mlnb", "api", "datasets")  # answered meanwhile
    assert not slow.done()
    released.set()
    assert json.loads((await slow).body)["items"] == []


class TestAFolderThatIsNoProject:
    @pytest.fixture
    def jp_root_dir(self, tmp_path: Path) -> Path:
        folder = tmp_path / "plain"
        folder.mkdir()
        return folder

    async def test_is_left_as_it_is(self, jp_fetch, jp_root_dir):
        body = json.loads((await jp_fetch("mlnb", "api", "changes")).body)
        assert body["project"]["name"] == "plain"
        for section in SECTIONS:
            body = json.loads((await jp_fetch("mlnb", "api", section)).body)
            assert (body["items"], body["total"]) == ([], 0)
        assert list(jp_root_dir.iterdir()) == []


def test_unexpected_errors_say_where_to_look():
    status, body = handlers.problem(KeyError("x"))
    assert status == 500
    assert "log" in body["fix"]
