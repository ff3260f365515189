"""MLflow imported ahead without polars is whole again when somebody looks."""

import subprocess
import sys

import pytest

from mlnb.execution.warm import preloading

CHECK = """
import sys
from mlnb.execution.warm import deferring, preloading

undo = preloading.begin()
with deferring.deferred():
    import mlflow.data
assert preloading.lasting_threads() == 0, preloading.thread_names()
assert "polars" not in sys.modules
assert "from_polars" not in mlflow.data.__dict__
assert "from_pandas" in mlflow.data.__dict__
undo()
deferring.restore()
deferring.restore()  # a second time changes nothing
assert mlflow.data.__all__.count("from_polars") == 1
assert "polars" not in sys.modules
{look}
assert "polars" in sys.modules
from mlflow.data.dataset_registry import get_registered_constructors
import polars
assert get_registered_constructors()["from_polars"] is mlflow.data.from_polars
assert mlflow.data.from_polars(polars.DataFrame({{"a": [1, 2]}})).profile["num_rows"] == 2
assert mlflow.data.polars_dataset.from_polars is mlflow.data.from_polars
try:
    mlflow.data.from_nowhere
except AttributeError as error:
    assert "from_nowhere" in str(error)
else:
    raise AssertionError
"""
LOOKS = {
    "attribute": "mlflow.data.from_polars",
    "names": "assert 'from_polars' in dir(mlflow.data)",
    "star": "from mlflow.data import *; from_polars",
    "module": "mlflow.data.polars_dataset",
    "registry": "from mlflow.data.dataset_registry import get_registered_constructors as g\n"
    "assert list(g())[-1] == 'from_polars'",
    "own import": "from mlflow.data.polars_dataset import PolarsDataset",
}


@pytest.mark.parametrize("look", LOOKS)
def test_what_was_put_off_is_there_when_somebody_looks(look: str) -> None:
    pytest.importorskip("polars")
    done = subprocess.run(
        [sys.executable, "-c", CHECK.format(look=LOOKS[look])], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_package_brings_what_notebooks_import_of_it() -> None:
    whole = preloading.deepened(["numpy", "sklearn", "sklearn.ensemble"])
    assert whole[:2] == ["numpy", "sklearn"]
    assert "sklearn.metrics" in whole
    assert whole.count("sklearn.ensemble") == 1
