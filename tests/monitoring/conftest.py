"""A project with a registered and validated model, and endpoints with a prediction log."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from mlnb import datasets, models, validation
from mlnb.core import project as projects
from mlnb.core.project import Project
from mlnb.serving import releases
from mlnb.serving.batches import Batch
from mlnb.serving.folders import log_folder
from mlnb.serving.prediction_log import PredictionLog

INPUTS = ["rain", "wind", "carrier"]
SUITE = {
    "name": "gate",
    "label": "late",
    "positive": 1,
    "resamples": 200,
    "limits": {"roc_auc": {"min": 0.6}, "brier": {"max": 0.25}},
}


def make_flights(rows: int, seed: int, start: str, *, shift: float = 0.0) -> pd.DataFrame:
    """Make a month of flights that are late when it rains and blows."""
    random = np.random.default_rng(seed)
    seconds = np.sort(random.integers(0, 28 * 86_400, rows))
    frame = pd.DataFrame(
        {
            "id": [f"{start[5:7]}-{number}" for number in range(rows)],
            "time": pd.Timestamp(start) + pd.to_timedelta(seconds, unit="s"),
            "rain": random.normal(size=rows) + shift,
            "wind": random.normal(size=rows),
            "carrier": random.choice(["AA", "DL", "UA"], rows),
        }
    )
    chance = 1 / (1 + np.exp(-(frame["rain"] + frame["wind"])))
    return frame.assign(late=(random.random(rows) < chance).astype(int))


@dataclass
class Watched:
    """A project whose model ``late`` is validated."""

    project: Project
    model: Any
    numbers: Iterator[int]

    def serve(self, *months: pd.DataFrame, version: str = "late@1", name: str = "") -> str:
        """Write what a release answered to a prediction log, as its worker does."""
        name = name or f"endpoint-{next(self.numbers)}"
        releases.append(name, models.resolve(version), reason="")
        folder = log_folder(name)
        folder.mkdir(parents=True, exist_ok=True)
        kinds = [("rain", pa.float64()), ("wind", pa.float64()), ("carrier", pa.string())]
        number = len(releases.history(name))
        log = PredictionLog(folder, f"worker{number}", number, version, pa.schema(kinds))
        for month in months:
            columns = {key: pa.array(month[key].tolist(), kind) for key, kind in kinds}
            times = pa.array(month["time"].astype("datetime64[us]"), pa.timestamp("us"))
            log.append(
                f"request-{month['id'].iloc[0]}",
                0,
                Batch.of_table(
                    pa.table(columns),
                    ids=month["id"].tolist(),
                    times=times.cast(pa.timestamp("us", "UTC")),
                ),
                self.model.predict(month[INPUTS]),
                np.ascontiguousarray(self.model.predict_proba(month[INPUTS])[:, 1]),
            )
        log.close()
        return name


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Make the project once per module; each test has endpoints of its own."""
    folder = tmp_path_factory.mktemp("watched")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        project = projects.init(folder, "watched")
        train = make_flights(4000, 1, "2013-01-01")
        datasets.save(train, "train")
        datasets.save(make_flights(3000, 2, "2013-03-01"), "test")
        model = make_pipeline(
            make_column_transformer((OneHotEncoder(), ["carrier"]), remainder="passthrough"),
            LogisticRegression(),
        ).fit(train[INPUTS], train["late"])
        models.register(model, "late", example=train[INPUTS].head(50), data=["train"])
        validation.run(SUITE, "late@1", "test")
        yield Watched(project, model, count(1))


@pytest.fixture(scope="session")
def flights() -> Callable[..., pd.DataFrame]:
    """Give a month of flights: rows, seed, first day, and how much more rain."""
    return make_flights


@pytest.fixture
def april(flights: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    """A month like the training data."""
    return flights(1500, 4, "2013-04-01")


@pytest.fixture
def june(flights: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    """A month of rain."""
    return flights(1500, 6, "2013-06-01", shift=1.0)
