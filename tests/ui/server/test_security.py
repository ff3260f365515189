"""Whoever asks what they may not: every route of the running server, as it lists them itself."""

import json
import re
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError, HTTPResponse

from mlnb.ui.server.routes import ROUTES

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
OUTSIDE = (
    *("..", "../..", "../../etc", "a/../../..", "/etc", "//etc", "/", "....//....//etc"),
    *(
        "..\\..\\etc",
        "%2e%2e/%2e%2e",
        "..%2f..%2fetc",
        "~",
        "~root",
        "file:///etc",
        "\x00",
        "a\x00b",
    ),
    *("\ud7ff" * 300, "x" * 5000, ".mlnb/../..", "<script>alert(1)</script>"),
)


def rules(serverapp: Any) -> list[Any]:
    """Return mlnb's part of the web application's own table."""
    found = []

    def walk(router: Any) -> None:
        for rule in getattr(router, "rules", []):
            target = rule.target
            if isinstance(target, type) and target.__module__.startswith("mlnb."):
                found.append(rule)
            walk(target)

    walk(serverapp.web_app.default_router)
    assert found
    return found


def paths(serverapp: Any, part: str = "x") -> list[str]:
    patterns = (str(rule.matcher.regex.pattern).removesuffix("$") for rule in rules(serverapp))
    return [re.sub(r"\(\?P<\w+>.*?\)", part, text.replace("\\", "")) for text in patterns]


async def ask(client: Any, path: str, method: str = "GET", **request: Any) -> HTTPResponse:
    """Ask, and return what is answered, whatever it is."""
    answer: HTTPResponse = await client.fetch(
        path,
        method=method,
        allow_nonstandard_methods=True,
        follow_redirects=False,
        raise_error=False,
        **request,
    )
    return answer


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "token wrong"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic YWRtaW46YWRtaW4="},
        {"Cookie": "username-localhost=admin; _xsrf=1", "X-XSRFToken": "1"},
    ],
    ids=["nothing", "token", "bearer", "password", "cookie"],
)
async def test_strangers_are_refused_everywhere(jp_serverapp, http_server_client, headers):
    for rule, path in zip(rules(jp_serverapp), paths(jp_serverapp), strict=True):
        for method in METHODS:
            answer = await ask(http_server_client, path, method, headers=headers)
            said = answer.body.decode()
            if method.lower() in vars(rule.target):
                assert answer.code == 403, f"{method} {path}"
                assert set(json.loads(said)) == {"error", "message", "fix"}
            else:  # that a route has no such method is no secret
                assert answer.code in (403, 405) or (method == "OPTIONS" and not said)
                assert method not in answer.headers.get("Allow", "")


async def test_a_wrong_token_in_the_address_is_refused(jp_serverapp, http_server_client):
    for rule, path in zip(rules(jp_serverapp), paths(jp_serverapp), strict=True):
        method = "GET" if "get" in vars(rule.target) else "POST"
        answer = await ask(http_server_client, f"{path}?token=wrong", method)
        assert answer.code == 403, path


async def test_each_route_asks_the_authorizer_for_its_own_action(
    jp_serverapp, http_server_client, jp_auth_header, monkeypatch
):
    asked: list[tuple[str, str]] = []

    def refuse(_self: Any, _handler: Any, _user: Any, action: str, resource: str) -> bool:
        asked.append((action, resource))
        return False

    monkeypatch.setattr(type(jp_serverapp.authorizer), "is_authorized", refuse)
    prefix = jp_serverapp.web_app.settings["base_url"]
    for route in ROUTES:
        asked.clear()
        path = f"{prefix}mlnb/api{re.sub(r'{[^}]+}', 'x', route.path)}"
        answer = await ask(http_server_client, path, route.method, headers=jp_auth_header)
        assert answer.code == 403, route.name
        assert asked == [(route.action, "mlnb")], route.name


async def test_what_changes_anything_is_no_get():
    assert all(route.action == "read" for route in ROUTES if route.method == "GET")
    assert all(route.action != "read" for route in ROUTES if route.method in ("PUT", "DELETE"))


async def test_another_site_cannot_write_with_the_persons_cookie(
    jp_serverapp, http_server_client, jp_base_url, jp_auth_header
):
    """The cookie alone is not enough: the token of the page must come with it."""
    page = await ask(http_server_client, f"{jp_base_url}api/me", headers=jp_auth_header)
    assert page.code == 200
    signed = [value.partition(";")[0] for value in page.headers.get_list("Set-Cookie")]
    cookie = {"Cookie": "; ".join(value for value in signed if not value.startswith("_xsrf"))}
    reading = await ask(http_server_client, f"{jp_base_url}mlnb/api/project", headers=cookie)
    assert reading.code in (200, 403)
    for path in paths(jp_serverapp):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            for headers in (cookie, {**cookie, "X-XSRFToken": "guessed"}):
                answer = await ask(http_server_client, path, method, headers=headers, body="{}")
                assert answer.code in (403, 405), f"{method} {path}"
                if answer.code == 405:
                    assert method not in answer.headers["Allow"]


@pytest.mark.parametrize("folder", OUTSIDE, ids=range(len(OUTSIDE)))
async def test_no_folder_leads_outside(jp_serverapp, jp_fetch, project, folder):
    before = sorted(project.root.parent.rglob("*"))
    for route in ROUTES:
        if route.method != "GET" or route.path == "/openapi.json":
            continue
        path = re.sub(r"{[^}]+}", "x", route.path).strip("/").split("/")
        with pytest.raises(HTTPClientError) as refused:
            await jp_fetch("mlnb", "api", *path, params={"folder": folder})
        assert refused.value.code in (400, 404), route.name
        said = json.loads(refused.value.response.body)
        assert said["fix"], said
        assert str(project.root) not in str(said)
    assert sorted(project.root.parent.rglob("*")) == before


@pytest.mark.parametrize(
    "part", ["..%2F..%2Fetc%2Fpasswd", "%2e%2e", "%2Fetc%2Fpasswd", "a%00b", "%F0%9F%A6%86", "%FF"]
)
async def test_no_name_leads_outside(
    jp_serverapp, http_server_client, jp_auth_header, project, part
):
    (project.root / ".mlnb").mkdir(exist_ok=True)
    for path in paths(jp_serverapp, part):
        if part not in path:
            continue
        answer = await ask(http_server_client, path, headers=jp_auth_header)
        assert answer.code < 500, f"{path}: {answer.body!r}"
        assert b"root:" not in answer.body
        assert answer.code != 200 or json.loads(answer.body), path


async def test_no_answer_may_run_anything(jp_serverapp, http_server_client, jp_auth_header):
    for path in paths(jp_serverapp):
        answer = await ask(http_server_client, path, headers=jp_auth_header)
        policy = answer.headers["Content-Security-Policy"]
        assert "sandbox" in policy, path
        assert "default-src 'none'" in policy, path
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path
        assert "text/html" not in answer.headers["Content-Type"], path
