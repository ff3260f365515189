"""Deploy, roll back and stop for real: registry, store, processes, HTTP."""

import os
import shlex
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import psutil
import pytest

from mlnb import models, serving
from mlnb.core import lineage
from mlnb.core.errors import (
    BadInput,
    Conflict,
    EndpointUnavailable,
    GateRefused,
    InvalidName,
    ReleaseFailed,
    UnknownName,
    UntrustedModel,
)
from mlnb.core.project import Project
from mlnb.serving import folders, releases
from mlnb.serving import state as states
from mlnb.serving.autostarting import unit_text
from mlnb.serving.control import Control
from mlnb.serving.targets.local import LocalCandidate

ROWS = pd.DataFrame(
    {"distance": [800.0, 900.0, 300.0], "hour": [20, 3, 14], "carrier": ["AA", "UA", "WN"]},
    index=["x", "y", "z"],
)


@pytest.fixture(autouse=True)
def in_project(here: Project) -> Project:
    return here


@pytest.fixture(scope="module", autouse=True)
def clean_end(registry: Any) -> Iterator[None]:
    yield
    commands = []
    for process in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # it has ended; a zombie is one of these, too
            commands.append(" ".join(process.cmdline()))
    ours = [command for command in commands if "mlnb.serving" in command]
    assert not ours, "an endpoint is a child of the test process"


def events(project: Project, subject: str) -> list[str]:
    return [event.kind for event in project.events.read()[0] if event.subject == subject]


def test_deploy_predict_roll_back_stop(here: Project) -> None:
    edges: list[tuple[str, str, str]] = []
    stop_listening = lineage.listen(
        lambda edge, _: edges.append((edge.direction, edge.kind, edge.ref))
    )
    try:
        first = serving.deploy("late@1", "life", reason="first")
        second = serving.deploy("late@latest", "life", reason="later")
        endpoint = serving.endpoint("life")
        answer = endpoint.predict(ROWS, ids=[1, 2, 3], times=["2013-05-01"] * 3)
        third = serving.rollback("life", reason="drill")
        before = endpoint.predict(ROWS)  # over the connection that was open before
    finally:
        stop_listening()

    assert [(item.number, item.model, item.action) for item in (first, second, third)] == [
        (1, "late@1", "deploy"),
        (2, "late@2", "deploy"),
        (3, "late@1", "rollback"),
    ]
    assert serving.history("life") == [first, second, third]
    assert first.model_digest == models.resolve("late@1").digest
    assert edges == [("output", "release", f"life@{number}") for number in (1, 2, 3)]

    assert list(answer.columns) == ["prediction", "score"]
    assert list(answer.index) == ["x", "y", "z"]
    for release, frame in (("late@2", answer), ("late@1", before)):
        model = models.load(release)
        assert list(frame["prediction"]) == list(model.predict(ROWS))
        assert list(frame["score"]) == pytest.approx(list(model.predict_proba(ROWS)[:, 1]))
    assert list(answer["prediction"]) != list(before["prediction"])

    status = serving.status("life")
    assert (status.status, status.release, status.model) == ("running", 3, "late@1")
    assert (status.requests, status.errors) == (2, 0)

    logged = serving.predictions("life")
    assert list(logged["id"][:3]) == ["1", "2", "3"]
    assert list(logged["release"]) == [2, 2, 2, 3, 3, 3]
    assert list(logged["carrier"]) == ["AA", "UA", "WN"] * 2
    assert len(serving.predictions("life", release=3)) == 3

    assert serving.stop("life").status == "stopped"
    assert serving.stop("life").status == "stopped"
    with pytest.raises(EndpointUnavailable, match="does not answer"):
        endpoint.predict(ROWS)
    with pytest.raises(EndpointUnavailable, match="does not run on this machine"):
        serving.endpoint("life")
    assert len(serving.predictions("life")) == 6
    assert events(here, "life@1") == ["release.deployed"]
    assert events(here, "life@3") == ["release.rolled_back"]
    assert events(here, "life") == ["endpoint.stopped"]


def test_a_model_that_does_not_start_is_one_clear_error_and_no_release() -> None:
    serving.deploy("late@1", "steady")
    with pytest.raises(ReleaseFailed) as caught:
        serving.deploy("homemade", "steady")
    assert "homemade@1 could not be started on endpoint 'steady'" in caught.value.message
    assert "mlnb_homemade" in caught.value.message
    assert "late@1 keeps serving" in caught.value.fix
    assert [release.model for release in serving.history("steady")] == ["late@1"]
    assert serving.endpoint("steady").predict(ROWS).shape == (3, 2)
    assert "mlnb_homemade" in serving.logs("steady", 200)


def test_a_first_model_that_does_not_start_makes_no_endpoint() -> None:
    with pytest.raises(ReleaseFailed, match="Nothing was released"):
        serving.deploy("homemade", "stillborn")
    assert "stillborn" not in [status.name for status in serving.list_endpoints()]
    with pytest.raises(UnknownName, match="no endpoint 'stillborn'"):
        serving.history("stillborn")
    assert "mlnb_homemade" in serving.logs("stillborn", 200)  # the fix says to look there


def test_what_cannot_be_deployed_changes_nothing(here: Project) -> None:
    said = here.events.read()[0]
    cases: list[tuple[type[Exception], str, tuple[Any, ...], dict[str, Any]]] = [
        (UnknownName, "Did you mean 'late'", ("lat", "new"), {}),
        (UnknownName, "late@9", ("late@9", "new"), {}),
        (InvalidName, "cannot name an endpoint", ("late", "no/name"), {}),
        (InvalidName, "cannot name an endpoint", ("late", "new.json"), {}),
        (BadInput, "no signature", ("unsigned", "new"), {}),
        (BadInput, "is no port", ("late", "new"), {"port": 70_000}),
        (BadInput, "0 workers", ("late", "new"), {"workers": 0}),
    ]
    for error, message, arguments, options in cases:
        with pytest.raises(error, match=message):
            serving.deploy(*arguments, **options)
    assert not folders.state_file("new").exists()
    assert "new" not in [status.name for status in serving.list_endpoints()]
    assert here.events.read()[0] == said


def test_the_gate_refuses(here: Project) -> None:
    version = models.resolve("late@2")
    models.set_gate(version.ref, False, "suite-1")
    try:
        with pytest.raises(GateRefused, match="late@2"):
            serving.deploy("late@2", "guarded")
    finally:
        models.set_gate(version.ref, True, "suite-2")
    assert not folders.state_file("guarded").exists()
    with pytest.raises(UnknownName):
        serving.history("guarded")


def test_names_that_are_not_there() -> None:
    for ask in (serving.status, serving.stop, serving.history, serving.logs, serving.endpoint):
        with pytest.raises(UnknownName, match="no endpoint 'nowhere'"):
            ask("nowhere")
    with pytest.raises(UnknownName, match="no endpoint 'nowhere'"):
        serving.rollback("nowhere")


def kill(victim: str) -> None:
    """Kill one of the processes of the endpoint `killed`."""
    while serving.status("killed").status != "running":  # what was killed last is there again
        time.sleep(0.05)
    state = states.read(folders.state_file("killed"))
    assert state is not None
    with Control(state) as line:
        (serves,) = line.ask("status")["releases"]
    pids = {
        "worker": serves["workers"][:1],
        "loader": [serves["pid"]],
        "supervisor": [state.pid],
    }
    for pid in pids[victim]:
        psutil.Process(pid).kill()


def test_nothing_acknowledged_is_lost_when_processes_are_killed() -> None:
    serving.deploy("late@1", "killed", workers=2)
    state = states.read(folders.state_file("killed"))
    assert state is not None
    acknowledged: set[str] = set()
    broken: list[str] = []
    done = threading.Event()

    def ask(thread: int) -> None:
        number = 0
        while not done.is_set():
            number += 1
            request = f"t{thread}-{number}"
            headers = {"Authorization": f"Bearer {state.token}", "X-Request-Id": request}
            body = {"inputs": {"distance": [1.0] * 50, "hour": [1] * 50, "carrier": ["AA"] * 50}}
            try:
                with httpx.Client(trust_env=False, headers=headers, timeout=60) as client:
                    answer = client.post(f"{state.url}/invocations", json=body)
            except httpx.HTTPError as error:
                broken.append(repr(error))
                continue
            assert answer.status_code == 200
            acknowledged.add(request)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for victim in ("worker", "worker", "loader", "supervisor", "worker"):
        reached = len(acknowledged) + 30
        while len(acknowledged) < reached:
            time.sleep(0.01)
        kill(victim)
    done.set()
    for thread in threads:
        thread.join()
    logged = serving.predictions("killed")
    counts = logged.groupby("request_id").size()
    assert acknowledged <= set(counts.index)
    assert set(counts) == {50}  # whole requests only, each once


def test_rolling_back_brings_a_stopped_endpoint_back() -> None:
    serving.deploy("late@1", "back")
    with pytest.raises(BadInput, match="no release before late@1"):
        serving.rollback("back")
    serving.deploy("late@2", "back")
    serving.stop("back")
    assert serving.rollback("back").model == "late@1"
    assert serving.status("back").status == "running"
    with pytest.raises(Conflict, match="runs on port"):
        serving.deploy("late@2", "back", port=1)


def test_a_version_that_is_another_model_now_is_not_brought_back() -> None:
    registered = models.resolve("late@1")
    releases.append("changed", replace(registered, digest="0" * 64), reason="")
    releases.append("changed", models.resolve("late@2"), reason="")
    with pytest.raises(UntrustedModel, match="not the model that release 1 served"):
        serving.rollback("changed")
    assert len(serving.history("changed")) == 2
    assert not folders.state_file("changed").exists()


def test_a_release_that_cannot_take_over_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    serving.deploy("late@1", "stuck")

    def fail(_candidate: LocalCandidate, _release: int) -> None:
        raise EndpointUnavailable("stuck", "its supervisor does not answer")

    monkeypatch.setattr(LocalCandidate, "serve", fail)
    with pytest.raises(EndpointUnavailable):
        serving.deploy("late@2", "stuck")
    assert [release.model for release in serving.history("stuck")] == ["late@1", "late@2", "late@1"]
    assert serving.endpoint("stuck").predict(ROWS).shape == (3, 2)
    assert serving.status("stuck").model == "late@1"


ASKED = {"dataframe_records": [{"distance": 800.0, "hour": 20, "carrier": "AA"}]}


def answered_by(name: str, times: int = 1, user: int | None = None) -> list[str]:
    """Ask some times over one connection; return the releases that answered."""
    endpoint = serving.endpoint(name)
    given = {"Authorization": f"Bearer {endpoint.token}"}
    if user is not None:
        given["X-User"] = str(user)
    with httpx.Client(trust_env=False, headers=given, timeout=60) as client:
        found = [client.post(f"{endpoint.url}/invocations", json=ASKED) for _ in range(times)]
    assert {answer.status_code for answer in found} == {200}
    return [answer.headers["x-mlnb-release"] for answer in found]


def test_a_canary_is_shifted_and_promoted_and_the_history_says_so(here: Project) -> None:
    serving.deploy("late@1", "steps", reason="first")
    canary = serving.deploy(
        "late@2", "steps", canary="30%", sticky_by="header:X-User", reason="try"
    )
    users = {user: answered_by("steps", 2, user) for user in range(40)}
    assert all(len(set(found)) == 1 for found in users.values())
    before = {user for user, found in users.items() if found[0] == "2"}
    assert 3 < len(before) < 25
    with pytest.raises(Conflict, match=r"Release 2 \(late@2\) is the canary"):
        serving.deploy("late@1", "steps")
    with pytest.raises(Conflict, match="is the canary"):
        serving.deploy("late@1", "steps", canary="10%")
    shifted = serving.shift("steps", "80%", reason="fine so far")
    after = {user for user in users if answered_by("steps", 1, user) == ["2"]}
    assert before < after
    promoted = serving.promote("steps", reason="better")
    assert set(answered_by("steps", 5)) == {"2"}
    back = serving.rollback("steps", reason="drill")
    assert set(answered_by("steps", 5)) == {str(back.number)} == {"5"}
    assert [
        (each.action, each.model, each.about, each.restores, each.share, each.reason)
        for each in serving.history("steps")
    ] == [
        ("deploy", "late@1", None, None, None, "first"),
        ("canary", "late@2", None, None, 0.3, "try"),
        ("shift", "late@2", 2, None, 0.8, "fine so far"),
        ("promote", "late@2", 2, None, None, "better"),
        ("rollback", "late@1", None, 1, None, "drill"),
    ]
    assert events(here, canary.ref) == ["release.deployed"]
    assert events(here, shifted.ref) == ["release.shifted"]
    assert events(here, promoted.ref) == ["release.promoted"]
    with pytest.raises(BadInput, match="has no canary"):
        serving.shift("steps", "10%")


def test_rolling_back_ends_a_canary_first() -> None:
    serving.deploy("late@1", "ended")
    serving.deploy("late@2", "ended", canary="50%")
    ended = serving.rollback("ended", reason="no")
    assert (ended.action, ended.about, ended.restores) == ("rollback", 2, None)
    assert set(answered_by("ended", 20)) == {"1"}
    with pytest.raises(BadInput, match="no release before late@1"):
        serving.rollback("ended")


def test_a_shadow_sees_everything_and_answers_nobody() -> None:
    serving.deploy("late@1", "shaded")
    serving.deploy("late@2", "shaded", shadow=True)
    assert set(answered_by("shaded", 20)) == {"1"}
    end = time.monotonic() + 30
    while len(serving.predictions("shaded", shadow=True)) < 20:
        assert time.monotonic() < end, "the shadow got no copies"
        time.sleep(0.1)
    real, shadow = serving.predictions("shaded"), serving.predictions("shaded", shadow=True)
    assert sorted(real["request_id"]) == sorted(shadow["request_id"])
    assert set(real["release"]) == {1}
    assert set(shadow["release"]) == {2}
    assert serving.promote("shaded").about == 2
    assert set(answered_by("shaded", 5)) == {"2"}


def test_what_is_no_canary_is_refused() -> None:
    cases: list[tuple[str, dict[str, Any]]] = [
        ("is no share", {"canary": "200%"}),
        ("not both", {"canary": "10%", "shadow": True}),
        ("for a canary or a shadow", {"rule": ["errors<=1%"]}),
        ("for a canary or a shadow", {"sticky_by": "hour"}),
        ("nothing sticks to it", {"shadow": True, "sticky_by": "hour"}),
        ("is no rule", {"canary": "10%", "rule": ["fast"]}),
        ("is no duration", {"canary": "10%", "promote_after": "soon"}),
        ("serves nothing that a canary could be beside", {"canary": "10%"}),
    ]
    for message, options in cases:
        with pytest.raises(BadInput, match=message):
            serving.deploy("late@1", "nothing-yet", **options)
    assert "nothing-yet" not in [status.name for status in serving.list_endpoints()]


def test_an_endpoint_starts_again_with_what_it_served() -> None:
    serving.deploy("late@1", "again")
    serving.deploy("late@2", "again", canary="100%")
    assert serving.start("again").status == "running"  # it does already
    serving.stop("again")
    assert serving.start("again").release == 1
    assert answered_by("again") == ["2"]
    assert len(serving.history("again")) == 2


def test_what_systemd_runs_starts_it_with_nothing_but_the_unit_s_environment(
    here: Project, tmp_path: Path
) -> None:
    serving.deploy("late@1", "morning")
    serving.stop("morning")
    unit = dict(line.split("=", 1) for line in unit_text("morning").splitlines() if "=" in line)
    given = dict(text.split("=", 1) for text in shlex.split(unit["Environment"]))
    bare = {**given, "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    if "PYTHONPATH" in os.environ:  # where mlnb is not installed but lies beside its tests
        bare["PYTHONPATH"] = os.environ["PYTHONPATH"]

    def run(command: str) -> None:
        place = unit["WorkingDirectory"]
        subprocess.run(shlex.split(unit[command]), cwd=place, env=bare, check=True, timeout=120)

    run("ExecStart")
    assert serving.status("morning").status == "running"
    assert serving.endpoint("morning").predict(ROWS)["prediction"].tolist()
    run("ExecStop")
    assert serving.status("morning").status == "stopped"
