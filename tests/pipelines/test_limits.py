from hypothesis import given, settings
from hypothesis import strategies as st

from mlnb.pipelines.limits import Limits, machine

WANTS = st.dictionaries(st.sampled_from(["cpus", "gpu", "licence"]), st.integers(0, 6).map(float))


def test_steps_start_while_there_is_room() -> None:
    shared = Limits(slots=3, declared={"cpus": 4})
    jobs = [("a", {"cpus": 2.0}), ("b", {"cpus": 2.0}), ("c", {"cpus": 1.0}), ("d", {})]
    assert list(shared.admit(jobs)) == ["a", "b", "d"]
    shared.release({"cpus": 2.0})
    assert list(shared.admit(jobs[2:3])) == ["c"]


def test_a_large_step_is_not_overtaken_for_ever() -> None:
    shared = Limits(slots=9, declared={"cpus": 4})
    assert list(shared.admit([("small", {"cpus": 1.0})])) == ["small"]
    waiting = [("large", {"cpus": 4.0}), ("small-2", {"cpus": 1.0}), ("other", {"gpu": 1.0})]
    assert list(shared.admit(waiting)) == ["other"]  # needs nothing that the large one waits for
    shared.release({"cpus": 1.0})
    assert list(shared.admit(waiting[:2])) == ["large"]


def test_two_resources_that_are_short_in_turn_starve_nobody() -> None:
    shared = Limits(slots=9, declared={"cpus": 1, "gpu": 1})
    assert list(shared.admit([("a", {"cpus": 1.0})])) == ["a"]
    waiting = [("both", {"cpus": 1.0, "gpu": 1.0}), ("b", {"gpu": 1.0})]
    assert list(shared.admit(waiting)) == []


def test_a_step_that_wants_more_than_the_machine_has_runs_alone() -> None:
    shared = Limits(slots=9, present={"cpus": 2})
    waiting = [("huge", {"cpus": 64.0}), ("one", {"cpus": 1.0})]
    assert list(shared.admit(waiting)) == ["huge"]
    shared.release({"cpus": 64.0})
    assert shared.free("cpus") == 2
    assert list(shared.admit(waiting[1:])) == ["one"]


def test_a_resource_without_a_limit_is_one() -> None:
    shared = Limits(slots=9)
    assert list(shared.admit([("a", {"licence": 1.0}), ("b", {"licence": 1.0})])) == ["a"]


def test_tenths_of_a_core_add_up() -> None:
    shared = Limits(slots=99, declared={"cpus": 1})
    waiting = [(str(number), {"cpus": 0.1}) for number in range(11)]
    assert len(list(shared.admit(waiting))) == 10


@given(slots=st.integers(1, 4), jobs=st.lists(WANTS, min_size=1, max_size=12))
@settings(deadline=None)
def test_everything_runs_in_the_end_and_nothing_exceeds_its_limit(
    slots: int, jobs: list[dict[str, float]]
) -> None:
    shared = Limits(slots=slots, declared={"cpus": 6, "gpu": 6, "licence": 6})
    waiting = {str(number): wanted for number, wanted in enumerate(jobs)}
    running: dict[str, dict[str, float]] = {}
    while waiting or running:
        for name in list(shared.admit(list(waiting.items()))):
            running[name] = waiting.pop(name)
        assert running, "nothing runs, and something waits"
        assert len(running) <= slots
        for what in ("cpus", "gpu", "licence"):
            assert sum(wanted.get(what, 0) for wanted in running.values()) <= 6
        shared.release(running.pop(next(iter(running))))


def test_the_machine_is_known() -> None:
    found = machine()
    assert found["cpus"] >= 1
    assert found["memory"] > 2**28
    assert found["gpu"] >= 1
