from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlnb.core.errors import InvalidPipeline
from mlnb.pipelines import expressions, spec
from mlnb.pipelines.expressions import Scope
from mlnb.pipelines.spec.building import Builder, Expression

from .strategies import TEXT, bodies

YAML = """
name: flights
params: {year: 2013, floor: {type: float, default: 0.6, min: 0}}
limits: {gpu: 1}
steps:
  ingest:
    notebook: notebooks/ingest.ipynb
    outputs: [dataset:flights]
    params: {year: "${{ params.year }}", label: "y-${{ params.year }}"}
  train:
    notebook: train.ipynb
    needs: [ingest]
    matrix: {family: [a, b], max_parallel: 1}
    params: {data: "${{ steps.ingest.data }}", out: "${{ matrix.family }}"}
    retries: {limit: 2, backoff: 10s}
  score:
    function: json:dumps
    needs: [ingest, train]
    foreach: {month: "${{ steps.ingest.months }}"}
  release:
    notebook: release.ipynb
    needs: [score, train]
    when: ${{ (steps.train.score[0] > params.floor) and (not (params.year in [1, 'x'])) }}
on_failure: {script: mend.py, params: {why: "${{ run.error }}"}}
"""


def test_a_builder_makes_the_same_object_as_the_file(tmp_path: Path) -> None:
    import json

    flow = Builder(
        "flights",
        params={"year": 2013, "floor": {"type": "float", "default": 0.6, "min": 0}},
        limits={"gpu": 1},
    )
    ingest = flow.step(
        notebook=Path("notebooks/ingest.ipynb"),
        outputs=["dataset:flights"],
        params={"year": flow.params.year, "label": f"y-{flow.params['year']}"},
    )
    train = flow.step(
        notebook="train.ipynb",
        matrix={"family": ("a", "b"), "max_parallel": 1},
        params={"data": ingest["data"], "out": flow.matrix.family},
        retries={"limit": 2, "backoff": "10s"},
    )
    score = flow.step(
        "score", function=json.dumps, needs=[ingest, train], foreach={"month": ingest["months"]}
    )
    flow.step(
        notebook="release.ipynb",
        needs=score,
        when=(train["score"][0] > flow.params.floor) & ~flow.params.year.is_in([1, "x"]),
    )
    flow.on_failure(script="mend.py", params={"why": flow.run.error})
    assert flow.build() == spec.parse(YAML, "p.yaml")
    file = flow.write(tmp_path / "pipeline.yaml", schema="s.json")
    assert spec.load(file) == flow.build()
    assert file.read_text().startswith("# yaml-language-server: $schema=s.json\nname: flights\n")


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(bodies())
def test_whatever_a_file_can_say_a_builder_can(body: dict[str, Any]) -> None:
    rest = {key: value for key, value in body.items() if key not in ("name", "steps", "on_failure")}
    flow = Builder(body["name"], **rest)
    for name, step in body["steps"].items():
        flow.step(name, **step)
    if "on_failure" in body:
        flow.on_failure(**body["on_failure"])
    assert flow.build() == spec.reading.made(body, "file")


LITERALS = st.none() | st.booleans() | st.integers(-9, 9) | TEXT | st.lists(TEXT, max_size=2)
LEAVES = LITERALS | st.sampled_from([Expression("params.x"), Expression("steps.a-b.score")])
VALUES = {"x": "${{ steps.a-b.v }}", "score": [1, "}}", None]}


@st.composite
def conditions(draw: st.DrawFn) -> tuple[Expression, bool]:
    """Make a condition, and what it is for `VALUES`."""

    def value(leaf: Any) -> Any:
        return VALUES[leaf.source.rpartition(".")[2]] if isinstance(leaf, Expression) else leaf

    left = draw(st.sampled_from([Expression("params.x"), Expression("steps.a-b.score")]))
    right = draw(LEAVES)
    is_equal = value(left) == value(right)
    made, truth = draw(st.sampled_from([(left == right, is_equal), (left != right, not is_equal)]))
    if draw(st.booleans()):
        made, truth = ~made, not truth
    if draw(st.booleans()):
        other, its = draw(conditions())
        made, truth = draw(
            st.sampled_from([(made & other, truth and its), (made | other, truth or its)])
        )
    return made, truth


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(conditions())
def test_a_built_condition_means_what_it_says(condition: tuple[Expression, bool]) -> None:
    made, truth = condition
    scope = Scope({"x": VALUES["x"]}, {}, lambda _step, name: VALUES[name])
    assert expressions.evaluate(str(made), scope, ["a-b", "v"]) is truth


def test_a_condition_cannot_be_asked_before_the_run() -> None:
    flow = Builder("a", params={"x": 1})
    with pytest.raises(TypeError, match="known only when the pipeline runs"):
        bool(flow.params.x == 1)
    with pytest.raises(TypeError):
        list(flow.params.x)


def test_what_is_wrong_is_said_at_once_or_by_build() -> None:
    flow = Builder("a", params={"floor": 1})
    with pytest.raises(InvalidPipeline, match=r"no parameter 'flor'.*Did you mean 'floor'"):
        _ = flow.params.flor
    flow.step(notebook="a.ipynb")
    with pytest.raises(InvalidPipeline, match="two steps 'a'"):
        flow.step(script="a.py")
    with pytest.raises(InvalidPipeline, match="cannot be imported by a step"):
        flow.step(function=lambda: 1)
    with pytest.raises(InvalidPipeline, match="cannot stand in an expression"):
        _ = flow.params.floor == {1}
    flow.step("b", notebook="a.ipynb", needs="c")
    with pytest.raises(InvalidPipeline, match="Pipeline 'a': step 'b' needs 'c', which is no step"):
        flow.build()
