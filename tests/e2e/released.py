"""A model with a past, and an endpoint with a canary: run as a program in the project's folder.

Three versions of a model of late arrivals, judged, promoted and rolled back; two of them answer at
an endpoint, whose inputs have moved away from the training data.
"""

import os

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mlnb

INPUTS = ["hour", "dep_delay", "distance"]
SUITE = {
    "name": "gate",
    "label": "late",
    "positive": 1,
    "resamples": 200,
    "limits": {"roc_auc": {"min": 0.8}, "log_loss": {"max": 0.6}},
    "champion": {"metric": "roc_auc", "margin": 0.01},
    "fairness": {
        "slice": "origin",
        "metric": "selection_rate",
        "max_difference": 0.2,
        "min_rows": 10,
    },
}


def flights(seed: int, rows: int, later: float = 0.0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "hour": random.integers(5, 23, rows).astype(float),
            "dep_delay": random.exponential(12, rows) - 5 + later,
            "distance": random.uniform(100, 2500, rows),
            "origin": random.choice(["EWR", "JFK", "LGA"], rows),
        }
    )
    noise = random.normal(0, 8, rows)
    return frame.assign(late=(frame["dep_delay"] + noise > 12).astype(int))


def main() -> None:
    from mlnb import monitoring, validation

    os.environ["MLNB_BACKGROUND_DELIVERY"] = "false"  # nothing waits for a busy machine's shipper
    mlnb.datasets.save(flights(1, 3000), "flights", message="January to March")
    with mlnb.track("prepare"):
        mlnb.datasets.save(mlnb.datasets.load("flights"), "features", message="what models take")
        mlnb.datasets.save(flights(2, 1500), "held-out", message="April")
    estimators = {
        "baseline": DummyClassifier(strategy="prior"),
        "two features": make_pipeline(StandardScaler(), LogisticRegression(C=0.001)),
        "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
    }
    for name, estimator in estimators.items():
        with mlnb.track(name):
            data = mlnb.datasets.load("features")
            estimator.fit(data[INPUTS], data["late"])
            mlnb.log(params={"family": name, "rows": len(data)})
            mlnb.models.register(
                estimator,
                "late-arrivals",
                example=data[INPUTS].head(),
                metrics={"accuracy": estimator.score(data[INPUTS], data["late"])},
                description=f"**{name}** on the first quarter <script>window.pwned = 1</script>",
            )
    for number in (1, 2, 3):
        validation.run(SUITE, f"late-arrivals@{number}", "held-out")
    mlnb.models.promote("late-arrivals@2", reason="the first that passed")
    mlnb.models.promote("late-arrivals@3", reason="better in every respect")
    mlnb.models.rollback("late-arrivals", reason="the night shift saw odd answers")
    mlnb.serving.deploy("late-arrivals@2", "arrivals", reason="first release")
    mlnb.serving.deploy("late-arrivals@3", "arrivals", canary="10%", reason="try the new one")
    served = flights(3, 600, later=15)
    mlnb.serving.endpoint("arrivals").predict(served[INPUTS], times=["2013-06-01"] * len(served))
    monitoring.report("arrivals")


if __name__ == "__main__":
    main()
