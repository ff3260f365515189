"""What a run has read comes back from its MLflow record, exactly, in any later process."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import mlflow.data
import pandas as pd
import pytest
from deltalake import write_deltalake

from mlnb import datasets, tracking
from mlnb.core.errors import BrokenLink, UnknownName
from mlnb.core.project import Project
from mlnb.tracking import store
from mlnb.tracking.dataset_source import MlnbDatasetSource

FRAME = pd.DataFrame({"id": [1, 2, 3], "size": pd.Categorical(["s", "m", "s"])})

LATER = """
import json, sys
import mlflow, mlflow.data, pandas
mlflow.set_tracking_uri(sys.argv[1])
found = {}
for item in mlflow.get_run(sys.argv[2]).inputs.dataset_inputs:
    loaded = mlflow.data.get_source(item).load()
    if isinstance(loaded, pandas.DataFrame):
        found[item.dataset.name] = [str(loaded.dtypes["id"]), loaded["id"].tolist()]
    else:
        with open(loaded + "/more/1.txt") as file:
            found[item.dataset.name] = file.read()
print(json.dumps(found))
"""


def test_every_kind_comes_back_in_a_later_process(project: Project) -> None:
    datasets.save(FRAME, "table")
    write_deltalake("lake", FRAME[["id"]])
    datasets.link("lake", "link")
    Path("files/more").mkdir(parents=True)
    Path("files/more/1.txt").write_text("one")
    datasets.save("files", "files")
    with tracking.track("train") as run:
        datasets.load("table")
        datasets.load("link")
        datasets.export("files", "copy")
    assert tracking.flush(), "stock MLflow reads the store, not the journal"
    datasets.save(FRAME.head(1), "table")  # what comes later changes nothing
    write_deltalake("lake", FRAME[["id"]], mode="append")
    datasets.link("lake", "link")
    Path("files/more/1.txt").write_text("two")
    datasets.save("files", "files")
    done = subprocess.run(
        [sys.executable, "-c", LATER, project.tracking_uri, run.id],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "table": ["int64", [1, 2, 3]],
        "link": ["int64", [1, 2, 3]],
        "files": "one",
    }


def test_another_version_of_that_name_is_never_taken_for_it(project: Project) -> None:
    first = datasets.save(FRAME, "table")
    source = MlnbDatasetSource("table@1", first.digest)
    shutil.rmtree(project.store.url)
    other = datasets.save(FRAME.head(1), "table")
    assert other.ref == "table@1"
    with pytest.raises(UnknownName, match=r"'table@[0-9a-f]{16}'.*read it as table@1"):
        source.load()
    assert datasets.save(FRAME, "table").ref == "table@2"
    pd.testing.assert_frame_equal(source.load(), FRAME)  # found by its content


def test_a_version_that_is_gone_or_a_link_that_is_broken_is_one_clear_error(
    project: Project,
) -> None:
    with pytest.raises(UnknownName, match="no dataset 'table'"):
        MlnbDatasetSource("table@1", "0" * 64).load()
    write_deltalake("lake", FRAME[["id"]])
    version = datasets.link("lake", "link")
    shutil.rmtree("lake")
    with pytest.raises(BrokenLink, match="link@1 links Delta table lake at version 0"):
        MlnbDatasetSource(version.ref, version.digest).load()


def test_the_source_survives_json(project: Project) -> None:
    datasets.save(FRAME, "table")
    with tracking.track("train") as run:
        datasets.load("table")
    (item,) = store.client().get_run(run.id).inputs.dataset_inputs
    again = MlnbDatasetSource.from_json(mlflow.data.get_source(item).to_json())
    pd.testing.assert_frame_equal(again.load(), FRAME)
