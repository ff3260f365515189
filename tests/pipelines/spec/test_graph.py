import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlnb.core.errors import CyclicPipeline
from mlnb.pipelines import spec
from mlnb.pipelines.spec import Pipeline


def pipeline(**steps: dict[str, object]) -> Pipeline:
    body = {name: {"notebook": "a.ipynb", **step} for name, step in steps.items()}
    return Pipeline.model_validate({"name": "a", "steps": body})


def test_who_makes_an_input_is_needed() -> None:
    made = pipeline(
        train={"inputs": ["dataset:features", "config.json"], "outputs": "model.onnx"},
        features={"inputs": ["data/*.csv"], "outputs": ["dataset:features"]},
        ingest={"outputs": ["data/2013.csv"]},
        release={"inputs": "model.onnx", "needs": ["features"]},
    )
    assert spec.needs(made) == {
        "train": ["features"],
        "features": ["ingest"],
        "ingest": [],
        "release": ["features", "train"],
    }
    assert spec.order(made) == ["ingest", "features", "train", "release"]
    assert spec.ancestors(made, "release") == {"features", "ingest", "train"}


def test_a_later_step_that_saves_the_next_version_is_no_maker() -> None:
    made = pipeline(
        first={"outputs": "dataset:flights"},
        check={"inputs": "dataset:flights"},
        clean={"needs": ["check"], "inputs": "dataset:flights", "outputs": "dataset:flights"},
    )
    assert spec.needs(made) == {"first": [], "check": ["first"], "clean": ["check", "first"]}


def test_a_circle_of_outputs_and_inputs_is_found() -> None:
    with pytest.raises(CyclicPipeline, match=r"(a → b → a|b → a → b)"):
        spec.order(pipeline(a={"inputs": "y", "outputs": "x"}, b={"inputs": "x", "outputs": "y"}))


@given(st.lists(st.sets(st.integers(0, 7)), min_size=1, max_size=8))
def test_a_file_says_the_same_as_a_need(edges: list[set[int]]) -> None:
    """Steps in a row, each with some earlier ones: named, or by the files they make."""
    before = [sorted(item for item in items if item < at) for at, items in enumerate(edges)]
    named = pipeline(**{f"s{at}": {"needs": [f"s{n}" for n in b]} for at, b in enumerate(before)})
    files = pipeline(
        **{
            f"s{at}": {"outputs": f"out/{at}.csv", "inputs": [f"out/{n}.csv" for n in items]}
            for at, items in enumerate(before)
        }
    )
    assert spec.needs(named) == spec.needs(files)
    order = spec.order(files)
    assert all(
        order.index(f"s{n}") < order.index(f"s{at}") for at, b in enumerate(before) for n in b
    )
