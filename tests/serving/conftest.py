"""One project with registered models for all serving tests; no endpoint outlives its test."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from mlnb import models
from mlnb.core import project as projects
from mlnb.core.project import Project
from mlnb.serving import folders
from mlnb.serving import state as states
from mlnb.serving.batches import Batch
from mlnb.serving.prediction_log import PredictionLog

HOMEMADE = '''
from sklearn.linear_model import LogisticRegression


class Homemade(LogisticRegression):
    """Importable where it was trained, and nowhere else."""
'''


def flights(rows: int = 200) -> pd.DataFrame:
    """Return inputs of every kind that the served models take."""
    random = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "distance": random.uniform(100, 3000, rows),
            "hour": random.integers(0, 24, rows),
            "carrier": random.choice(["AA", "UA", "WN"], rows),
        }
    )


def late(frame: pd.DataFrame, above: int) -> pd.Series:
    return (frame["hour"] > above).astype(int)


@dataclass(frozen=True)
class Registry:
    """A project with the models late@1 (after 12 h), late@2 (after 18 h), and homemade@1."""

    project: Project


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Register real models in a project once."""
    folder = tmp_path_factory.mktemp("serving") / "project"
    project = projects.init(folder, "serving-tests")
    modules = tmp_path_factory.mktemp("modules")
    (modules / "mlnb_homemade.py").write_text(HOMEMADE)
    sys.path.insert(0, str(modules))
    try:
        with projects.using(project):
            _register()
        yield Registry(project)
    finally:
        sys.path.remove(str(modules))


def _register() -> None:
    from mlnb_homemade import Homemade

    frame = flights()
    for above in (12, 18):
        columns = make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), ["carrier"]), remainder="passthrough"
        )
        model = make_pipeline(columns, LogisticRegression(max_iter=2000))
        models.register(model.fit(frame, late(frame, above)), "late", example=frame)
    numbers = frame[["distance", "hour"]]
    own = Homemade(max_iter=2000).fit(numbers, late(frame, 12))
    models.register(own, "homemade", example=numbers, trusted=["mlnb_homemade.Homemade"])
    models.register(own, "unsigned", trusted=["mlnb_homemade.Homemade"])


@pytest.fixture
def here(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Work in that project, and end every endpoint that the test started."""
    monkeypatch.chdir(registry.project.root)
    try:
        yield registry.project
    finally:
        end_endpoints(registry.project.local / "endpoints")


def end_endpoints(folder: Path) -> None:
    """End every endpoint of a folder by its pid, with its workers, and forget its state."""
    for file in folder.glob("[!.]*.json"):
        state = states.read(file)
        process = states.process(state)
        if process is not None:
            process.terminate()
            psutil.wait_procs([process], timeout=20)
        found = [*states.loaders(state), *([process] if process is not None else [])]
        for each in found:
            with contextlib.suppress(psutil.Error):
                for child in each.children(recursive=True):
                    child.kill()
                each.kill()
        file.unlink()


@pytest.fixture
def served(project: Project) -> Callable[..., Path]:
    """Return a function that logs one request of an endpoint and gives the segment's file."""

    def log(
        name: str, worker: str, release: int, table: pa.Table, answers: list[Any], **batch: Any
    ) -> Path:
        folder = folders.log_folder(name)
        folder.mkdir(parents=True, exist_ok=True)
        made = PredictionLog(folder, worker, release, f"m@{release}", table.schema)
        rows = Batch.of_table(table, **batch)
        made.append(f"r{release}", 1_000_000, rows, np.array(answers), None)
        made.close()
        return next(file for file in folder.iterdir() if f"-{worker}-" in file.name)

    return log
