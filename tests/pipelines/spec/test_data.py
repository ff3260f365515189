import pytest

from mlnb.core.errors import InvalidPipeline
from mlnb.pipelines.spec import data
from mlnb.pipelines.spec.data import Data


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("dataset:flights", Data("dataset", "flights")),
        ("dataset:flights@3", Data("dataset", "flights", "3")),
        ("dataset:flights@latest", Data("dataset", "flights", "latest")),
        ("dataset:part-${{ matrix.month }}", Data("dataset", "part-*")),
        ("data/raw.csv", Data("file", "data/raw.csv")),
        ("./data//raw.csv", Data("file", "data/raw.csv")),
        ("data\\raw.csv", Data("file", "data/raw.csv")),
        ("../shared/raw.csv", Data("file", "../shared/raw.csv")),
        ("out/${{ matrix.x }}.csv", Data("file", "out/*.csv")),
    ],
)
def test_what_can_be_declared(text: str, read: Data) -> None:
    assert data.read(text) == read
    assert data.read(str(read)) == read


@pytest.mark.parametrize(
    "text", ["", ".", "/abs", "C:\\abs", "s3://bucket/x", "dataset:", "dataset:a@", "dataset:a/b"]
)
def test_all_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidPipeline) as caught:
        data.read(text)
    assert caught.value.fix


@pytest.mark.parametrize(
    ("output", "wanted", "is_made"),
    [
        ("dataset:a", "dataset:a", True),
        ("dataset:a", "dataset:a@latest", True),
        ("dataset:a", "dataset:a@3", False),
        ("dataset:a", "dataset:b", False),
        ("dataset:part-${{ matrix.m }}", "dataset:part-7", True),
        ("a.csv", "a.csv", True),
        ("a.csv", "dataset:a.csv", False),
        ("out", "out/a.csv", True),
        ("out/a.csv", "out", True),
        ("out/a.csv", "out/*.csv", True),
        ("out/*.csv", "out/a.csv", True),
        ("out/${{ matrix.x }}.csv", "out/*.csv", True),
        ("out/a.csv", "out/*.json", False),
        ("outer/a.csv", "out", False),
    ],
)
def test_which_output_makes_which_input(output: str, wanted: str, is_made: bool) -> None:
    assert data.makes(data.read(output), data.read(wanted)) is is_made
