"""Releases come and go, and workers are killed, while 64 clients ask: nothing is lost.

``LOAD_ROUNDS`` rounds of five changes each (10 make the 50 of the goal), with a worker killed
after every ``LOAD_KILL_EVERY`` seconds.
"""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from mlnb import models, serving
from mlnb.core import project as projects
from mlnb.core.project import Project
from mlnb.serving import folders
from mlnb.serving import state as states
from mlnb.serving.control import Control

pytestmark = pytest.mark.e2e

ROUNDS = int(os.environ.get("LOAD_ROUNDS", "2"))
KILL_EVERY = float(os.environ.get("LOAD_KILL_EVERY", "2"))
CLIENTS = 64
WORKERS = 2
IN_HAND = 2.0
"""Seconds after a kill in which its broken connections are noticed by the clients."""


def register(project: Project) -> None:
    """Register late@1 and late@2, which answer the same request differently."""
    frame = pd.DataFrame(
        {
            "distance": np.random.default_rng(1).uniform(100, 3000, 300),
            "hour": np.random.default_rng(2).integers(0, 24, 300),
            "carrier": np.random.default_rng(3).choice(["AA", "UA", "WN"], 300),
        }
    )
    with projects.using(project):
        for above in (12, 18):
            columns = make_column_transformer(
                (OneHotEncoder(handle_unknown="ignore"), ["carrier"]), remainder="passthrough"
            )
            model = make_pipeline(columns, LogisticRegression(max_iter=2000))
            late = (frame["hour"] > above).astype(int)
            models.register(model.fit(frame, late), "late", example=frame)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    made = projects.init(tmp_path_factory.mktemp("load") / "project", "load")
    register(made)
    with projects.using(made):
        yield made
        for name in [each.name for each in serving.list_endpoints()]:
            serving.stop(name)


@dataclass
class Killer(threading.Thread):
    """Kills a worker now and then, whichever release it is of."""

    file: Path
    """The endpoint's state."""
    every: float = KILL_EVERY
    kills: list[float] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        chance = random.Random(1)  # noqa: S311  (which worker is no secret)
        while not self.over.wait(self.every):
            state = states.read(self.file)
            assert state is not None
            with Control(state) as line:
                found = line.ask("status")["releases"]
            workers = [pid for each in found for pid in each["workers"]]
            if workers:
                moment = time.time()
                with contextlib.suppress(psutil.NoSuchProcess):  # it has just left by itself
                    psutil.Process(chance.choice(workers)).send_signal(signal.SIGKILL)
                    self.kills.append(moment)


@pytest.fixture
def asked(project: Project, tmp_path: Path) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Let clients ask the endpoint `load`; call it to end them and hear what they saw."""
    serving.deploy("late@1", "load", workers=WORKERS)
    endpoint = serving.endpoint("load")
    out = tmp_path / "clients.jsonl"
    program = Path(__file__).with_name("serving_clients.py")
    clients = subprocess.Popen(
        [sys.executable, str(program), endpoint.url, endpoint.token, str(CLIENTS), str(out)],
        stdin=subprocess.PIPE,
    )

    def end() -> list[dict[str, Any]]:
        clients.communicate(timeout=90)
        return [json.loads(line) for line in out.read_text().splitlines()]

    try:
        yield end
    finally:
        if clients.poll() is None:
            clients.kill()
            clients.communicate()


def changes() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Give one change after the other, five a round."""
    for number in range(ROUNDS):
        one, two = ("late@2", "late@1") if number % 2 == 0 else ("late@1", "late@2")
        yield "deploy", partial(serving.deploy, one, "load")
        yield "canary", partial(serving.deploy, two, "load", canary="20%")
        yield "shift", lambda: serving.shift("load", "60%")
        yield "promote", lambda: serving.promote("load")
        yield "rollback", lambda: serving.rollback("load")


@pytest.mark.timeout(120 + 90 * ROUNDS)
def test_nothing_is_lost_while_releases_change_and_workers_are_killed(
    asked: Callable[[], list[dict[str, Any]]],
) -> None:
    killer = Killer(folders.state_file("load"))
    killer.start()
    rollbacks: list[tuple[float, float, int]] = []
    switches = 0
    for kind, change in changes():
        begun = time.time()
        release = change()
        switches += 1
        if kind == "rollback":
            rollbacks.append((begun, time.time(), release.number))
            time.sleep(1.2)  # who asks now is answered by it
        time.sleep(0.3)
    killer.over.set()
    killer.join(30)
    seen = asked()

    answered = [each for each in seen if "status" in each]
    broken = [each for each in seen if "error" in each]
    assert {each["status"] for each in answered} == {200}
    in_hand = [
        each
        for each in broken
        if any(kill - 0.1 <= each["ended"] <= kill + IN_HAND for kill in killer.kills)
    ]
    assert [each for each in broken if each not in in_hand] == []
    names = [each["name"] for each in answered]
    assert len(set(names)) == len(names)
    assert {each["name"] for each in broken} <= set(names), "each was answered when asked again"

    # Each answer is in the log, under the release that the client saw.
    logged = serving.predictions("load")
    said = set(zip(logged["request_id"], logged["release"].astype(str), strict=True))
    wrong = [each for each in answered if (each["name"], each["release"]) not in said]
    assert wrong == [], logged[logged["request_id"] == wrong[0]["name"]].to_dict("records")

    slowest = 0.0
    for begun, ended, number in rollbacks:
        late = [
            each["begun"]
            for each in answered
            if begun < each["begun"] < ended + 1.2 and each["release"] != str(number)
        ]
        slowest = max(slowest, max(late, default=begun) - begun)
    print(
        f"\n{len(answered):,} answers, {switches} changes, {len(killer.kills)} kills, "
        f"{len(broken)} requests in killed hands, slowest rollback {slowest:.2f} s"
    )
    assert slowest <= 1.0
    assert len(killer.kills) >= ROUNDS
