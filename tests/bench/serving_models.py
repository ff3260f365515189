"""The pipelines that the serving benchmark serves, and requests for them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROWS = 5_000
NUMBERS = [f"x{number}" for number in range(12)]
NAMES = ["carrier", "origin", "dest"]
SERVED = ("logistic", "boosting")
OTHER = "boosting-custom"
"""Boosting behind a step of the user's own, which nothing converts."""


def frame(name: str) -> pd.DataFrame:
    """Return the inputs of a pipeline."""
    random = np.random.default_rng(0)
    data = pd.DataFrame({column: random.normal(size=ROWS) for column in NUMBERS})
    for column in NAMES:
        data[column] = random.choice(list("abcdef"), ROWS)
    return data[NUMBERS] if name == "logistic" else data


def fitted(name: str) -> Any:
    """Return a pipeline, fitted."""
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    data = frame("boosting")
    noise = np.random.default_rng(1).normal(size=ROWS)
    late = (data["x0"] + data["x1"] / 2 + noise > 0).astype(int)
    if name == "logistic":
        return make_pipeline(StandardScaler(), LogisticRegression()).fit(data[NUMBERS], late)
    numbers = StandardScaler() if name == "boosting" else FunctionTransformer(np.cbrt)
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), NAMES), (numbers, NUMBERS)
    )
    return make_pipeline(columns, GradientBoostingClassifier(random_state=0)).fit(data, late)


def dump(name: str, folder: Path) -> Path:
    """Write a pipeline's file for the peers, which load it by joblib."""
    import joblib

    file = folder / f"{name}.joblib"
    if not file.exists():
        joblib.dump(fitted(name), file)
    return file


@dataclass(frozen=True)
class Body:
    """A request's rows, in the forms that the systems want."""

    data: pd.DataFrame

    def split(self) -> dict[str, Any]:
        """Return columns and rows."""
        return {"columns": list(self.data), "data": self.data.to_numpy(dtype=object).tolist()}

    def mlflow(self) -> dict[str, Any]:
        """Return MLflow's form."""
        return {"dataframe_split": self.split()}

    def bentoml(self) -> dict[str, Any]:
        """Return BentoML's form."""
        return {"rows": self.data.to_dict(orient="records")}

    def open_inference(self) -> dict[str, Any]:
        """Return the Open Inference Protocol's form, as MLServer reads frames."""
        inputs = [
            {
                "name": name,
                "shape": [len(self.data), 1],
                "datatype": "BYTES" if name in NAMES else "FP64",
                "data": self.data[name].tolist(),
                **({"parameters": {"content_type": "str"}} if name in NAMES else {}),
            }
            for name in self.data
        ]
        return {"parameters": {"content_type": "pd"}, "inputs": inputs}


def body(name: str, rows: int) -> Body:
    """Return the first rows of a pipeline's inputs."""
    return Body(frame(name).head(rows))
