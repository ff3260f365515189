"""Registered models read by SQL are what MLflow's own client says, and MLflow is not imported."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from mlnb.core.errors import UnknownName
from mlnb.core.project import Project
from mlnb.core.records import ModelVersion
from mlnb.tracking import examining, models, store
from mlnb.tracking.reading import registered
from mlnb.tracking.registry import Registry

FRAME = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0]})


@pytest.fixture
def several(project: Project) -> Project:
    model = LogisticRegression().fit(FRAME, [0, 0, 1, 1])
    for name in ("churn", "churn", "churn", "fraud"):
        models.register(model, name, example=FRAME)
    models.promote("churn@2", reason="it is better")
    client = store.connection(project.tracking_uri)
    client.set_registered_model_alias("churn", "shown", "3")
    client.update_model_version("churn", "3", description="the third one")
    client.delete_model_version("churn", "1")
    client.create_registered_model("empty")
    return project


@contextmanager
def nothing_known(_uri: str) -> Iterator[None]:
    yield None


def answers(registry: Registry) -> dict[str, Any]:
    versions: dict[str, list[ModelVersion]] = {
        name: registry.versions(name) for name in registry.names()
    }
    every = [one for found in versions.values() for one in found]
    return {
        "names": sorted(registry.names()),
        "aliases": {name: registry.aliases(name) for name in versions},
        "versions": versions,
        "tags": {one.ref: registry.tags(one) for one in every},
        "locations": {one.ref: registry.location(one) for one in every},
    }


def test_it_is_what_mlflow_says(several: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    with registered.open_registry(several.tracking_uri) as opened:
        assert opened is not None
    ours = answers(Registry())
    monkeypatch.setattr(registered, "open_registry", nothing_known)
    assert ours == answers(Registry())
    assert [one.number for one in ours["versions"]["churn"]] == [2, 3]
    assert ours["aliases"]["churn"] == {"champion": 2, "shown": 3}
    assert ours["versions"]["empty"] == []


def test_an_unknown_model_is_said_to_be(several: Project) -> None:
    with pytest.raises(UnknownName, match="churn"):
        Registry().versions("chrun")
    with pytest.raises(UnknownName, match="churn@3"):
        Registry().resolve("churn@1")


def test_other_tables_are_left_to_mlflow(several: Project) -> None:
    before = answers(Registry())
    file = store.sqlite_file(several.tracking_uri)
    assert file is not None
    with sqlite3.connect(file) as connection:
        connection.execute("ALTER TABLE model_versions ADD COLUMN later TEXT")
    connection.close()
    with registered.open_registry(several.tracking_uri) as opened:
        assert opened is None
    assert answers(Registry()) == before


def test_neither_mlflow_nor_skops_is_imported_to_look_a_model_up(several: Project) -> None:
    models.trusted_types(models.resolve("churn"), models.local_path("churn"))
    program = (
        "import json, sys\nfrom mlnb.tracking import models\n"
        "version = models.resolve('churn')\nfolder = models.local_path(version.ref)\n"
        "models.trusted_types(version, folder)\n"
        "print(json.dumps([version.ref, [n for n in ('mlflow', 'skops', 'sklearn') "
        "if n in sys.modules]]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=several.root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["churn@3", []]


def test_what_was_examined_is_of_this_content_only(several: Project) -> None:
    file = models.local_path("churn@2") / "model.skops"
    assert examining.examined(file) == examining.Examined(types=[])
    copy = several.root / "model.skops"
    copy.write_bytes(file.read_bytes()[:-100])
    found = examining.examined(copy)
    assert found.damage
    assert examining.examined(copy) == found
    for kept in (several.local / "examined").iterdir():
        kept.write_text("{")  # a machine that stopped while it wrote
    assert examining.examined(copy) == found
