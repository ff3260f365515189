"""A Lab whose project is hostile: no text is ever run, and no question breaks the server."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from .lab_page import LabPage, visiting
from .lab_server import Lab, running_lab

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

EXAMPLES = int(os.environ.get("EXAMPLES", "6"))
HEADER = "missing_required_header"
"""Jupyter answers 403 where this check wants 401."""
TAMPERED = """() => [...document.querySelectorAll(
    '[class*=mlnb] [onerror], [class*=mlnb] [onload], [class*=mlnb] script, '
    + '[class*=mlnb] a[href^="javascript:"], [class*=mlnb] iframe, [class*=mlnb] img[src="x"]'
)].map(node => node.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, dict[str, str]]]:
    with running_lab(tmp_path_factory.mktemp("hostile")) as lab:
        program = Path(__file__).with_name("hostile.py")
        made = subprocess.run(
            [sys.executable, program],
            cwd=lab.folder,
            env=lab.environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield lab, json.loads(made.stdout.splitlines()[-1])
        finally:
            with lab.program("endpoint", "stop", "delays"):
                pass


@pytest.fixture(scope="module")
def visitor(browser: Any, hostile: tuple[Lab, dict[str, str]]) -> Iterator[LabPage]:
    with visiting(browser, hostile[0]) as page:
        page.open()
        page.show_panel()
        yield page


def harmless(page: LabPage) -> None:
    assert page.page.evaluate("() => window.pwned ?? null") is None
    assert page.page.evaluate(TAMPERED) == []
    assert page.errors == []


def test_the_lists_show_texts_as_texts(visitor: LabPage) -> None:
    for section in ("runs", "datasets", "models", "endpoints", "pipelines"):
        visitor.section(section).locator(".mlnb-Row-line").first.wait_for(timeout=30_000)
    visitor.explore()
    harmless(visitor)
    assert "<img src=x onerror=" in visitor.section("runs").inner_text()


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("run", "{run}"),
        ("dataset", "flights"),
        ("model", "late"),
        ("endpoint", "delays"),
        ("pipeline", "{pipeline}"),
        ("pipeline", "stranger"),
        ("lineage", "dataset:flights@2"),
        ("run", "<img src=x onerror=window.pwned=1>"),
        ("dataset", "<img src=x onerror=window.pwned=1>"),
    ],
)
def test_the_documents_show_texts_as_texts(
    visitor: LabPage, hostile: tuple[Lab, dict[str, str]], kind: str, name: str
) -> None:
    document = visitor.document(kind, name.format(**hostile[1]))
    visitor.explore()
    for tab in document.get_by_role("tab").all():
        tab.click()
        visitor.settle()
        visitor.explore()
    harmless(visitor)


def test_two_hostile_runs_side_by_side(
    visitor: LabPage, hostile: tuple[Lab, dict[str, str]]
) -> None:
    lab, _ = hostile
    runs = ask(lab, "runs").json()["items"]
    assert len(runs) >= 3
    visitor.document("compare", ",".join(run["id"] for run in runs[:3]))
    visitor.explore()
    harmless(visitor)


def ask(lab: Lab, route: str, **query: Any) -> httpx.Response:
    return httpx.get(
        f"{lab.url}/mlnb/api/{route}",
        params=query,
        headers={"Authorization": f"token {lab.token}"},
        trust_env=False,
        timeout=30,
    )


@pytest.mark.parametrize("path", ["drawing.svg", "page.html", "notes.md"])
def test_a_file_of_a_run_runs_nothing_when_it_is_opened_by_itself(
    browser: Any, hostile: tuple[Lab, dict[str, str]], path: str
) -> None:
    lab, found = hostile
    for route in ("image", "text"):
        answer = ask(lab, f"runs/{found['run']}/{route}", path=path)
        assert answer.status_code in (200, 400), answer.text
        assert "sandbox" in answer.headers["content-security-policy"]
        assert "html" not in answer.headers["content-type"]
        context = browser.new_context()
        page = context.new_page()
        page.goto(
            f"{lab.url}/mlnb/api/runs/{found['run']}/{route}?path={quote(path)}&token={lab.token}"
        )
        page.wait_for_timeout(300)
        assert page.evaluate("() => window.pwned ?? null") is None
        context.close()


@pytest.mark.parametrize("known", [False, True], ids=["any-name", "names-that-exist"])
def test_no_question_breaks_the_server(
    hostile: tuple[Lab, dict[str, str]], known: bool, tmp_path: Path
) -> None:
    """Questions made from the server's own OpenAPI document, right and wrong ones."""
    lab, found = hostile
    config = tmp_path / "schemathesis.toml"
    config.write_text(_existing(found) if known else "", encoding="utf-8")
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"),
        *(f"{lab.url}/mlnb/api/openapi.json", "--url", f"{lab.url}/mlnb/api"),
        *("--header", f"Authorization: token {lab.token}", "--warnings", "off"),
        *("--checks", "all", "--exclude-checks", f"positive_data_acceptance,{HEADER}"),
        *("--max-examples", str(EXAMPLES), "--phases", "examples,coverage,fuzzing"),
        *("--seed", "1", "--no-color"),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240)
    if done.returncode:
        pytest.fail(done.stdout + done.stderr, pytrace=False)
    operations = sum(len(item) for item in ask(lab, "openapi.json").json()["paths"].values())
    tried = operations - 1  # all but that of the document itself
    assert f"{tried} selected / {tried} total" in done.stdout
    answer = ask(lab, "runs")
    assert answer.status_code == 200, "it still answers"


def _existing(found: dict[str, str]) -> str:
    names = {
        "path.run": found["run"],
        "path.dataset": "flights",
        "path.model": "late",
        "path.endpoint": "delays",
        "path.pipeline": found["pipeline"],
        "query.run": [found["run"]],
        "query.path": "notes.md",
    }
    return "[parameters]\n" + "".join(
        f"{json.dumps(name)} = {json.dumps(value)}\n" for name, value in names.items()
    )
