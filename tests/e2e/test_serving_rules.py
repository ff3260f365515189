"""Canaries that are judged by their rules, and by nobody else: bad ones go, a good one stays."""

import importlib
import threading
import time
from collections.abc import Iterator

import httpx
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from mlnb import models, serving
from mlnb.core import project as projects
from mlnb.core.project import Project
from mlnb.core.records import Release

pytestmark = pytest.mark.e2e

MODULE = '''
import time

from sklearn.linear_model import LogisticRegression


class Slow(LogisticRegression):
    """Answers late."""

    def predict_proba(self, frame):
        time.sleep(0.4)
        return super().predict_proba(frame)


class Failing(LogisticRegression):
    """Cannot bear the evening."""

    def predict_proba(self, frame):
        if (frame["hour"] > 19).any():
            raise RuntimeError("it is late")
        return super().predict_proba(frame)
'''
RULES = ["errors<=2%", "p95<=3x", "psi<=0.25"]
CLIENTS = 6


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    modules = tmp_path_factory.mktemp("modules")
    (modules / "mlnb_bad_models.py").write_text(MODULE)
    made = projects.init(tmp_path_factory.mktemp("rules") / "project", "rules")
    with pytest.MonkeyPatch.context() as patch, projects.using(made):
        patch.syspath_prepend(str(modules))
        patch.setenv("PYTHONPATH", str(modules), prepend=":")  # for the endpoint's processes
        register()
        serving.deploy("good@1", "ruled")
        yield made
        serving.stop("ruled")


def register() -> None:
    bad = importlib.import_module("mlnb_bad_models")
    random = np.random.default_rng(1)
    frame = pd.DataFrame(
        {"distance": random.uniform(100, 3000, 400), "hour": random.integers(0, 24, 400)}
    )
    late = (frame["hour"] + random.normal(0, 6, 400) > 14).astype(int)
    example = frame[frame["hour"] < 20]
    for name, kind in (("good", LogisticRegression), ("slow", bad.Slow), ("failing", bad.Failing)):
        model = kind(max_iter=2000).fit(frame, late)
        trusted = [f"mlnb_bad_models.{kind.__name__}"] if kind is not LogisticRegression else []
        models.register(model, name, example=example, trusted=trusted)
    drifting = LogisticRegression(max_iter=2000).fit(frame, 1 - late)
    models.register(drifting, "drifting", example=example)


@pytest.fixture(scope="module")
def traffic(project: Project) -> Iterator[list[tuple[int, str]]]:
    """Ask all the time; gives the status and release of each answer."""
    endpoint = serving.endpoint("ruled")
    seen: list[tuple[int, str]] = []
    over = threading.Event()

    def ask(number: int) -> None:
        random = np.random.default_rng(number)
        headers = {"Authorization": f"Bearer {endpoint.token}"}
        with httpx.Client(headers=headers, trust_env=False, timeout=60) as client:
            while not over.is_set():
                row = {"distance": random.uniform(100, 3000), "hour": int(random.integers(0, 24))}
                body = {"dataframe_records": [row]}
                answer = client.post(f"{endpoint.url}/invocations", json=body)
                seen.append((answer.status_code, answer.headers["x-mlnb-release"]))
                time.sleep(0.01)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    yield seen
    over.set()
    for thread in threads:
        thread.join(60)


def decided(canary: Release, seconds: float = 90) -> Release:
    """Wait until a canary's fate is in the history."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        last = serving.history("ruled")[-1]
        if last.about == canary.number:
            return last
        time.sleep(0.2)
    pytest.fail(f"nothing was decided: {serving.logs('ruled', 30)}")


@pytest.mark.parametrize(
    ("model", "rule"), [("failing", "errors<=0.02"), ("slow", "p95<=3x"), ("drifting", "psi<=0.25")]
)
def test_a_bad_canary_is_rolled_back_by_its_rule(
    project: Project, traffic: list[tuple[int, str]], model: str, rule: str
) -> None:
    canary = serving.deploy(f"{model}@1", "ruled", canary="50%", rule=RULES, promote_after="60s")
    fate = decided(canary)
    assert (fate.action, fate.rule, fate.author) == ("rollback", rule, "mlnb")
    assert fate.reason.startswith(f"broke {rule}: ")
    (event,) = [
        each
        for each in project.events.read()[0]
        if each.kind == "release.rolled_back" and each.data.get("about") == canary.number
    ]
    assert event.data["rule"] == rule
    assert event.data["reason"] == fate.reason
    time.sleep(1)
    after = len(traffic)
    while len(traffic) < after + 100:
        time.sleep(0.05)
    assert {release for _, release in traffic[after + CLIENTS :]} == {"1"}
    assert {release for status, release in traffic if status != 200} <= {"2"}  # the failing one
    assert [part.role for part in serving.status("ruled").parts] == ["current"]


def test_a_good_canary_is_promoted_when_it_kept_its_rules(
    project: Project, traffic: list[tuple[int, str]]
) -> None:
    canary = serving.deploy("good@1", "ruled", canary="50%", rule=RULES, promote_after="8s")
    fate = decided(canary)
    assert (fate.action, fate.author) == ("promote", "mlnb")
    assert fate.reason.startswith("kept for 8 s: errors<=0.02: 0.0%")
    after = len(traffic)
    while len(traffic) < after + 100:
        time.sleep(0.05)
    assert {release for _, release in traffic[after + CLIENTS :]} == {str(canary.number)}
    assert serving.status("ruled").release == canary.number
