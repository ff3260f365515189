from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from mlnb.pipelines.planning import PlannedStep
from mlnb.pipelines.reading import diagram
from mlnb.pipelines.reading.diagram import HEIGHT, WIDTH


def graph(needs: dict[str, list[str]]) -> list[PlannedStep]:
    stages: dict[str, int] = {}
    for name, needed in needs.items():
        stages[name] = 1 + max((stages[need] for need in needed), default=0)
    return [
        PlannedStep(name=name, step=name, notebook="n", needs=needed, stage=stages[name])
        for name, needed in needs.items()
    ]


@st.composite
def graphs(draw: st.DrawFn) -> list[PlannedStep]:
    names = [f"s{number}" for number in range(draw(st.integers(1, 25)))]
    needs: dict[str, list[str]] = {}
    for number, name in enumerate(names):
        before = st.sampled_from(names[: max(number, 1)])
        needs[name] = draw(st.lists(before, unique=True, max_size=4 if number else 0))
    return graph(needs)


@settings(deadline=None)
@given(graphs())
def test_boxes_never_overlap_and_stay_in_the_picture(steps: list[PlannedStep]) -> None:
    drawn = diagram.draw(steps)
    assert {box.name for box in drawn.boxes} == {step.name for step in steps}
    for box in drawn.boxes:
        assert 0 <= box.x <= drawn.width - WIDTH
        assert 0 <= box.y <= drawn.height - HEIGHT
    for one, two in combinations(drawn.boxes, 2):
        assert abs(one.x - two.x) >= WIDTH or abs(one.y - two.y) >= HEIGHT


@settings(deadline=None)
@given(graphs())
def test_the_lines_say_all_that_the_steps_need(steps: list[PlannedStep]) -> None:
    lines = {(line.source, line.target) for line in diagram.draw(steps).lines}
    needed = {(need, step.name) for step in steps for need in step.needs}
    assert lines <= needed
    for source, target in needed - lines:  # then a chain of lines leads there
        reached = {source}
        for step in steps:
            if any((name, step.name) in lines for name in reached):
                reached.add(step.name)
        assert target in reached


def test_a_line_that_others_imply_is_left_out() -> None:
    drawn = diagram.draw(graph({"a": [], "b": ["a"], "c": ["a", "b"]}))
    assert [(line.source, line.target) for line in drawn.lines] == [("a", "b"), ("b", "c")]


def test_a_long_chain_wraps() -> None:
    chain = {f"s{number}": [f"s{number - 1}"] if number else [] for number in range(14)}
    drawn = diagram.draw(graph(chain))
    assert drawn.width < 1300
    assert len({box.y for box in drawn.boxes}) == 3
