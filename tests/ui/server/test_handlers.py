import asyncio
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tornado.httpclient import HTTPClientError

from mlnb import datasets
from mlnb.core import project as projects
from mlnb.core.errors import Conflict, MlnbError, StoreUnavailable, UnknownName
from mlnb.core.project import Project
from mlnb.ui.server import handlers
from mlnb.ui.server.sections import LISTS

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
    return str(rule.matcher.regex.pattern).removesuffix("$").replace("\\", "")


def test_every_list_and_the_overview_has_a_route(jp_serverapp, jp_base_url):
    paths = {path_of(rule) for rule in mlnb_rules(jp_serverapp)}
    prefix = f"{jp_base_url.replace('%40', '@')}mlnb/api/"
    assert {path.replace("%40", "@") for path in paths} == {
        prefix + name for name in ["overview", *LISTS]
    }


@pytest.mark.parametrize("authorization", [None, "token wrong"])
async def test_every_route_refuses_strangers(jp_serverapp, http_server_client, authorization):
    rules = mlnb_rules(jp_serverapp)
    assert len(rules) == len(LISTS) + 1
    for rule in rules:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            with pytest.raises(HTTPClientError) as refused:
                await http_server_client.fetch(
                    path_of(rule),
                    method=method,
                    headers={"Authorization": authorization} if authorization else {},
                    allow_nonstandard_methods=True,
                )
            assert refused.value.code == 403, f"{method} {path_of(rule)}"
            assert "records" not in refused.value.response.body.decode()


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
    assert list(body) == ["datasets"]
    assert [(v["name"], v["number"], v["digest"]) for v in body["datasets"]] == [
        ("flights", 1, saved.digest)
    ]


def _save(project: Project) -> Any:
    from mlnb.core.project import using

    with using(project):
        return datasets.save(FRAME, "flights", message="first")


async def test_the_overview_holds_every_list(jp_fetch, away, project):
    await asyncio.to_thread(_save, project)
    body = json.loads((await jp_fetch("mlnb", "api", "overview")).body)
    assert body["problems"] == {}
    assert body["project"]["name"] == "test-project"
    assert body["datasets"][0]["message"] == "first"
    assert all(body[section] == [] for section in LISTS if section != "datasets")


async def test_the_folder_of_the_notebook_says_which_project(jp_fetch, away, project):
    inner = projects.init(project.root / "inner", "inner-project")
    await asyncio.to_thread(_save, inner)
    for route in ("overview", "datasets"):
        outer = json.loads((await jp_fetch("mlnb", "api", route)).body)
        found = json.loads((await jp_fetch("mlnb", "api", route, params={"folder": "inner"})).body)
        assert (len(outer["datasets"]), len(found["datasets"])) == (0, 1)
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("mlnb", "api", "overview", params={"folder": "../.."})
    assert refused.value.code == 400


async def test_runs_are_listed(jp_fetch, away, project):
    await asyncio.to_thread(_track, project)
    body = json.loads((await jp_fetch("mlnb", "api", "runs")).body, parse_constant=pytest.fail)
    assert [(run["name"], run["status"], run["metrics"]) for run in body["runs"]] == [
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


async def test_a_list_that_fails_leaves_the_others(jp_fetch, project, monkeypatch):
    def fail(_source: Any) -> list[Any]:
        raise StoreUnavailable("s3://bucket", "no route")

    def break_down(_source: Any) -> list[Any]:
        raise RuntimeError("secret detail")

    await asyncio.to_thread(_save, project)
    monkeypatch.setitem(LISTS, "models", fail)
    monkeypatch.setitem(LISTS, "endpoints", break_down)
    response = await jp_fetch("mlnb", "api", "overview")
    body = json.loads(response.body)
    assert len(body["datasets"]) == 1
    assert body["models"] == []
    assert body["problems"]["models"]["error"] == "StoreUnavailable"
    assert "Check the setting" in body["problems"]["models"]["fix"]
    assert "secret" not in response.body.decode()


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
    def fail(_source: Any) -> list[Any]:
        raise error

    (project.root / ".mlnb").mkdir(exist_ok=True)
    monkeypatch.setitem(LISTS, "runs", fail)
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
        await jp_fetch("mlnb", "api", "overview")
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

    def block(_source: Any) -> list[Any]:
        loop.call_soon_threadsafe(entered.set)
        asyncio.run_coroutine_threadsafe(released.wait(), loop).result(timeout=10)
        return []

    released = asyncio.Event()
    (project.root / ".mlnb").mkdir(exist_ok=True)
    monkeypatch.setitem(LISTS, "runs", block)
    slow = asyncio.ensure_future(jp_fetch("mlnb", "api", "runs"))
    await asyncio.wait_for(entered.wait(), 10)
    await jp_fetch("mlnb", "api", "datasets")  # answered meanwhile
    assert not slow.done()
    released.set()
    assert json.loads((await slow).body) == {"runs": []}


class TestAFolderThatIsNoProject:
    @pytest.fixture
    def jp_root_dir(self, tmp_path: Path) -> Path:
        folder = tmp_path / "plain"
        folder.mkdir()
        return folder

    async def test_is_left_as_it_is(self, jp_fetch, jp_root_dir):
        body = json.loads((await jp_fetch("mlnb", "api", "overview")).body)
        assert body["project"]["name"] == "plain"
        assert all(body[section] == [] for section in LISTS)
        assert body["problems"] == {}
        assert list(jp_root_dir.iterdir()) == []


def test_unexpected_errors_say_where_to_look():
    status, body = handlers.problem(KeyError("x"))
    assert status == 500
    assert "log" in body["fix"]
