"""A project with runs and datasets of every kind, for the browser to show.

Run as a program in the project's folder. With the argument ``live`` it only records one run that
goes on.
"""

import math
import sys
import time
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd

import mlnb
from mlnb import datasets, tracking

HOSTILE = "<img src=x onerror=window.pwned=1>"
VERSIONS = 230
"""More than the server answers at once."""


def main() -> None:
    tables()
    folders()
    for depth, rate in ((2, 0.3), (4, 0.1), (9, 0.02)):
        train(f"depth-{depth}", depth, rate)
    try:
        with tracking.track(f"broken {HOSTILE}"):
            tracking.log(params={"given": HOSTILE})
            raise ValueError(HOSTILE)
    except ValueError:
        pass
    with tracking.track("empty"):
        pass
    tracking.flush()


def tables() -> None:
    rows = 400
    chance = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "id": range(rows),
            "carrier": chance.choice(["UA", "AA", "DL"], rows),
            "delay": chance.normal(10, 30, rows).round(1),
        }
    )
    datasets.save(frame, "flights", message="as downloaded", key="id")
    frame.loc[:9, "delay"] += 100
    frame = frame.drop(index=[390, 391]).reset_index(drop=True)
    frame = frame.assign(late=frame["delay"] > 15)
    datasets.save(frame, "flights", message=f"corrected {HOSTILE}", key="id", tag="gold")
    frame.to_parquet("outside.parquet")
    datasets.link("outside.parquet", "linked", message="where it lies")
    for number in range(VERSIONS):
        datasets.save(pd.DataFrame({"a": [number]}), "many", message=f"number {number + 1}")


def folders() -> None:
    folder = Path("images")
    folder.mkdir()
    for name in ("a", "b", "c"):
        (folder / f"{name}.txt").write_text(name)
    datasets.save(folder, "images")
    (folder / "b.txt").write_text("changed")
    (folder / "d.txt").write_text("new")
    datasets.save(folder, "images", message="one more")


def train(name: str, depth: int, rate: float) -> None:
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    with tracking.track(name):
        datasets.load("flights@gold")
        tracking.log(params={"depth": depth, "rate": rate, "rows": 400})
        for step in range(60):
            loss = math.exp(-rate * step) + 0.1 * math.sin(step)
            tracking.log(metrics={"loss": loss, "error": 2 - rate * step / 60}, step=step)
        tracking.log(metrics={"auc": 0.7 + depth / 100})
        figure, axes = plt.subplots(figsize=(4, 3))
        axes.plot([1, 3, 2])
        tracking.log(figures={"shape": figure}, text={"notes.txt": f"All is well. {HOSTILE}"})
        plt.close(figure)


def live() -> None:
    """Record a run until there is a file that says stop, a minute at most."""
    with mlnb.track("live"):
        for step in range(600):
            mlnb.log(metrics={"loss": 1 / (step + 1)}, step=step)
            time.sleep(0.1)
            if Path("stop").exists():
                break


if __name__ == "__main__":
    live() if "live" in sys.argv else main()
