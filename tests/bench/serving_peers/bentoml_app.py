"""BentoML with its batching: ``bentoml serve bentoml_app:Model``, the model's file in ``MODEL``."""

import os
from typing import Any

import bentoml
import joblib
import pandas as pd


@bentoml.service(workers=1, traffic={"timeout": 60}, metrics={"enabled": False})
class Model:
    def __init__(self) -> None:
        self.model = joblib.load(os.environ["MODEL"])

    @bentoml.api(batchable=True, max_batch_size=2048, max_latency_ms=10_000)
    def predict(self, rows: list[dict[str, Any]]) -> list[Any]:
        return self.model.predict(pd.DataFrame(rows)).tolist()
