"""Looking at versions imports neither pandas nor Arrow."""

import json
import subprocess
import sys

import pandas as pd
import pytest

from mlnb import datasets

HEAVY = {"pandas", "pyarrow", "numpy", "polars", "mlflow", "IPython"}


def loaded_by(code: str) -> set[str]:
    script = f"import json, sys\n{code}\nprint(); print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return {name.split(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def test_importing_the_package_is_light() -> None:
    assert not loaded_by("import mlnb.datasets") & HEAVY


@pytest.mark.parametrize(
    "command",
    [
        ["dataset", "log", "data"],
        ["dataset", "list"],
        ["dataset", "show", "data"],
        ["dataset", "tag", "data", "gold"],
        ["dataset", "--help"],
    ],
    ids=" ".join,
)
def test_commands_that_read_no_data_are_light(command: list[str]) -> None:
    datasets.save(pd.DataFrame({"a": [1]}), "data")
    loaded = loaded_by(f"from mlnb.ui.cli import main\nassert main({command!r}) == 0")
    assert not loaded & HEAVY


def test_every_public_name_is_there() -> None:
    assert all(getattr(datasets, name) is not None for name in datasets.__all__)
    assert dir(datasets) == sorted(datasets.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        datasets.nothing  # noqa: B018  (the access is the test)
