import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from mlnb.core.errors import PredictionFailed
from mlnb.core.records import Column
from mlnb.serving.fields import fields_of
from mlnb.serving.scoring import Scorer
from mlnb.serving.worker import check_writable, try_out

FIELDS = fields_of([Column(name="x", type="double")])
MODEL = LinearRegression().fit(pd.DataFrame({"x": np.arange(5.0)}), np.arange(5.0))


@pytest.mark.parametrize("rows", [[[1.0]], [["far"]], []])
def test_a_model_that_answers_its_example_may_serve(tmp_path: Path, rows: list[list[str]]) -> None:
    example = tmp_path / "example.json"
    try_out(Scorer(MODEL), FIELDS, example)  # it may have none
    example.write_text(json.dumps({"dataframe_split": {"columns": ["x"], "data": rows}}))
    try_out(Scorer(MODEL), FIELDS, example)


def test_one_that_fails_on_its_own_example_may_not(tmp_path: Path) -> None:
    example = tmp_path / "example.json"
    example.write_text('{"inputs": {"x": [1.0, null]}}')
    with pytest.raises(PredictionFailed, match=r"its own example: ValueError: .*NaN"):
        try_out(Scorer(MODEL), FIELDS, example)


def test_a_folder_that_cannot_be_written_is_found_out(tmp_path: Path) -> None:
    check_writable(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="missing"):
        check_writable(tmp_path / "missing")
