import threading
import time
from collections.abc import Callable
from contextvars import ContextVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlnb.core.records import Status, StepResult
from mlnb.pipelines.attempts import Attempts
from mlnb.pipelines.limits import Limits
from mlnb.pipelines.plans import PlannedStep
from mlnb.pipelines.scheduling import Results, schedule
from mlnb.pipelines.spec.parts import Retries


def step(name: str, *needs: str, foreach: str = "", **resources: float) -> PlannedStep:
    return PlannedStep(
        name=name,
        step=name.partition("[")[0],
        notebook=f"{name}.ipynb",
        needs=list(needs),
        stage=1,
        foreach=foreach,
        resources=resources,
    )


def result(name: str, status: Status = "FINISHED", **more: object) -> StepResult:
    return StepResult(name=name, notebook="", status=status, **more)  # type: ignore[arg-type]


def none(_step: PlannedStep, _results: Results) -> None:
    return None


class Work:
    """Notes when steps run, and which of them at once."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.begun: list[str] = []
        self.together: list[set[str]] = []
        self._now: set[str] = set()
        self._seconds = seconds
        self._lock = threading.Lock()

    def __call__(self, planned: PlannedStep, results: Results) -> StepResult:
        assert set(planned.needs) <= set(results)
        with self._lock:
            self.begun.append(planned.name)
            self._now.add(planned.name)
            self.together.append(set(self._now))
        time.sleep(self._seconds)
        with self._lock:
            self._now.discard(planned.name)
        return result(planned.name)


def test_steps_run_after_what_they_need_in_the_order_of_the_plan() -> None:
    work = Work()
    steps = [step("a"), step("b"), step("c", "a"), step("d", "b", "c")]
    made = schedule(steps, workers=1, settle=none, execute=work)
    assert work.begun == ["a", "b", "c", "d"]
    assert list(made) == ["a", "b", "c", "d"]


def test_a_settled_step_is_not_executed_and_those_after_it_are_asked() -> None:
    work = Work()

    def settle(planned: PlannedStep, results: Results) -> StepResult | None:
        blocked = any(results[need].status != "FINISHED" for need in planned.needs)
        return result(planned.name, "SKIPPED") if blocked or planned.name == "b" else None

    steps = [step("a"), step("b", "a"), step("c", "b"), step("d", "a")]
    made = schedule(steps, workers=2, settle=settle, execute=work)
    assert work.begun == ["a", "d"]
    assert {name: item.status for name, item in made.items()} == {
        "a": "FINISHED",
        "b": "SKIPPED",
        "c": "SKIPPED",
        "d": "FINISHED",
    }


def test_limits_hold_and_what_needs_nothing_of_them_goes_on() -> None:
    work = Work(0.1)
    steps = [step("a", gpu=1), step("b", gpu=1), step("c"), step("d")]
    shared = Limits(4, declared={"gpu": 1})
    schedule(steps, workers=4, settle=none, execute=work, limits=shared)
    assert not any({"a", "b"} <= together for together in work.together)
    assert {"a", "c", "d"} in work.together
    assert shared.free("gpu") == 1


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_any_graph_comes_to_its_end(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 12))
    steps: list[PlannedStep] = []
    for number in range(count):
        earlier = [item.name for item in steps]
        needs = (
            data.draw(st.lists(st.sampled_from(earlier), max_size=3, unique=True)) if steps else []
        )
        steps.append(step(str(number), *needs, cpus=float(data.draw(st.integers(0, 3)))))
    work = Work()
    made = schedule(steps, workers=3, settle=none, execute=work, limits=Limits(3, {"cpus": 3}))
    assert sorted(work.begun) == sorted(made) == sorted(item.name for item in steps)


# -- jobs that are known late ---------------------------------------------------------------------


def test_a_foreach_becomes_jobs_and_who_needs_it_waits_for_all() -> None:
    work = Work()
    late: list[list[str]] = []

    def expand(planned: PlannedStep, results: Results) -> list[PlannedStep]:
        assert "make" in results
        return [step(f"each[{number}]", "make") for number in (1, 2, 3)]

    def execute(planned: PlannedStep, results: Results) -> StepResult:
        if planned.name == "sum":
            late.append(planned.needs)
        return work(planned, results)

    steps = [step("make"), step("each", "make", foreach="x"), step("sum", "make", "each")]
    made = schedule(steps, workers=2, settle=none, execute=execute, expand=expand)
    assert list(made) == ["make", "each[1]", "each[2]", "each[3]", "sum"]
    assert work.begun[-1] == "sum"
    assert late == [["make", "each[1]", "each[2]", "each[3]"]]


def test_an_empty_foreach_holds_nobody_up() -> None:
    work = Work()
    steps = [step("each", foreach="x"), step("sum", "each")]
    made = schedule(
        steps,
        workers=1,
        settle=none,
        execute=work,
        expand=lambda planned, _: result(planned.name, "SKIPPED"),
    )
    assert work.begun == ["sum"]
    assert made["each"].status == "SKIPPED"


def test_a_foreach_that_fails_is_seen_by_who_needs_it() -> None:
    seen: list[Status] = []

    def settle(planned: PlannedStep, results: Results) -> StepResult | None:
        seen.extend(results[need].status for need in planned.needs)
        return result(planned.name, "SKIPPED") if planned.needs else None

    made = schedule(
        [step("each", foreach="x"), step("sum", "each")],
        workers=1,
        settle=settle,
        execute=Work(),
        expand=lambda planned, _: result(planned.name, "FAILED"),
    )
    assert seen == ["FAILED"]
    assert made["sum"].status == "SKIPPED"


# -- attempts -------------------------------------------------------------------------------------


def trying(retries: Retries) -> tuple[Attempts, Callable[..., float | StepResult]]:
    attempts = Attempts()

    def again(_planned: PlannedStep, ended: StepResult) -> float | StepResult:
        return attempts.end(ended, retries, stopped=False)

    return attempts, again


def test_a_step_that_waits_for_its_next_attempt_takes_no_place() -> None:
    attempts, again = trying(Retries(limit=1, backoff=0.4))
    times: dict[str, list[float]] = {}

    def execute(planned: PlannedStep, _results: Results) -> StepResult:
        number = attempts.begin(planned.name)
        times.setdefault(planned.name, []).append(time.monotonic())
        failed = planned.name == "flaky" and number == 1
        return result(planned.name, "FAILED" if failed else "FINISHED", attempts=number)

    steps = [step("flaky"), step("other"), step("after", "flaky")]
    made = schedule(steps, workers=1, settle=none, execute=execute, again=again)
    first, second = times["flaky"]
    assert second - first >= 0.4
    assert first < times["other"][0] < second
    assert made["flaky"].status == "FINISHED"
    assert made["flaky"].attempts == 2
    assert times["after"][0] > second


def test_pauses_grow_up_to_the_longest() -> None:
    attempts = Attempts()
    retries = Retries(limit=4, backoff=1, factor=3, max_delay=5)
    delays = []
    for _ in range(5):
        attempts.begin("a")
        delays.append(attempts.end(result("a", "FAILED"), retries, stopped=False))
    assert delays[:4] == [1, 3, 5, 5]
    assert isinstance(delays[4], StepResult)


@pytest.mark.parametrize(
    ("cause", "on", "again"),
    [
        ("failed", ["failed"], True),
        ("failed", ["timeout"], False),
        ("timeout", ["timeout"], True),
        ("timeout", ["failed", "memory"], False),
        ("memory", ["memory"], True),
        ("memory", ["failed"], False),
        ("", ["failed"], True),
    ],
)
def test_only_some_failures_are_worth_another_attempt(
    cause: str, on: list[str], again: bool
) -> None:
    attempts = Attempts()
    attempts.begin("a")
    ended = result("a", "FAILED", cause=cause)
    said = attempts.end(ended, Retries.model_validate({"limit": 1, "on": on}), stopped=False)
    assert (said == 0) is again
    attempts.begin("b")
    assert attempts.end(result("b", "FAILED"), Retries(limit=9), stopped=True).status == "FAILED"  # type: ignore[union-attr]


def test_the_last_result_tells_of_the_tracked_runs_of_all_attempts() -> None:
    attempts = Attempts()
    attempts.begin("a")
    attempts.end(result("a", "FAILED", runs=["r1"]), Retries(limit=1), stopped=False)
    attempts.begin("a")
    ended = attempts.end(result("a", runs=["r2"]), Retries(limit=1), stopped=False)
    assert isinstance(ended, StepResult)
    assert ended.runs == ["r1", "r2"]


# -- stopping -------------------------------------------------------------------------------------


def test_a_stopped_schedule_settles_what_waits() -> None:
    stop = threading.Event()
    work = Work()

    def settle(planned: PlannedStep, _results: Results) -> StepResult | None:
        return result(planned.name, "SKIPPED") if stop.is_set() else None

    def execute(planned: PlannedStep, results: Results) -> StepResult:
        stop.set()
        return work(planned, results)

    steps = [step("a"), step("b"), step("c", "a")]
    made = schedule(steps, workers=1, settle=settle, execute=execute, stop=stop)
    assert work.begun == ["a"]
    assert [made[name].status for name in "abc"] == ["FINISHED", "SKIPPED", "SKIPPED"]


def test_a_pause_ends_when_the_run_is_stopped() -> None:
    stop = threading.Event()
    attempts, again = trying(Retries(limit=3, backoff=60))

    def settle(planned: PlannedStep, _results: Results) -> StepResult | None:
        return attempts.given_up(planned.name) if stop.is_set() else None

    def execute(planned: PlannedStep, _results: Results) -> StepResult:
        attempts.begin(planned.name)
        return result(planned.name, "FAILED", error="no luck")

    threading.Timer(0.3, stop.set).start()
    begun = time.monotonic()
    made = schedule([step("a")], workers=1, settle=settle, execute=execute, again=again, stop=stop)
    assert time.monotonic() - begun < 5
    assert made["a"].error == "no luck"


def test_steps_see_the_context_of_the_caller() -> None:
    variable = ContextVar("variable", default="")
    variable.set("set")
    seen = []

    def execute(planned: PlannedStep, _results: Results) -> StepResult:
        seen.append(variable.get())
        return result(planned.name)

    schedule([step("a")], workers=1, settle=none, execute=execute)
    assert seen == ["set"]
