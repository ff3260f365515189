"""A notebook with one result of each kind that has a card, and with hostile and damaged ones.

Run as a program in a project: it writes ``stored.ipynb``, ``hostile.ipynb`` and ``old.ipynb``.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import nbformat
import numpy as np
import pandas as pd

from mlnb import datasets
from mlnb.core.records import (
    Alert,
    Check,
    Column,
    DriftReport,
    EndpointPart,
    EndpointStatus,
    FeatureDrift,
    ModelVersion,
    MonitorReport,
    Record,
    RunRecord,
    StepResult,
    SuiteResult,
)
from mlnb.pipelines.reading.showing import PipelineReading, StepFailure
from mlnb.ui import render

START = datetime(2026, 10, 5, 8, 30, tzinfo=UTC)
HOSTILE = '<script>window.pwned = 1</script>"><img src=x onerror="window.pwned = 1">'
ROWS = 4_000


def flights(shift: float = 0.0) -> pd.DataFrame:
    """Return flights; a shift makes some fly later."""
    random = np.random.default_rng(0)
    delay = random.gamma(2, 14, ROWS).round(1)
    return pd.DataFrame(
        {
            "flight": np.arange(ROWS),
            "carrier": random.choice(["AA", "B6", "DL", "UA", "WN"], ROWS),
            "origin": random.choice(["EWR", "JFK", "LGA"], ROWS),
            "distance": random.integers(94, 4_983, ROWS),
            "dep_delay": np.where(np.arange(ROWS) % 9 == 0, delay + shift, delay),
            "air_time": np.where(random.random(ROWS) < 0.03, np.nan, random.normal(150, 40, ROWS)),
        }
    )


def run(**facts: Any) -> RunRecord:
    """Return a run."""
    body: dict[str, Any] = {
        "id": "8c1a4f0de2b94c57a1e09d3f5b7c2a61",
        "name": "gradient-boosting",
        "experiment": "flight-delays",
        "status": "FINISHED",
        "started": START,
        "ended": START + timedelta(seconds=74),
        "params": {"learning_rate": "0.08", "max_depth": "6", "features": "calendar,route,carrier"},
        "metrics": {"roc_auc": 0.81254, "brier": 0.1432, "accuracy": 0.7751, "log_loss": 0.4411},
        "tags": {"stage": "candidate"},
        "inputs": ["features-train@3"],
        "outputs": ["delays@4"],
        "notebook": "04_train.ipynb",
        "git_commit": "1f0c2d3e4b5a69788796a5b4c3d2e1f001122334",
        "git_dirty": True,
        "author": "analyst",
    }
    return RunRecord(**{**body, **facts})


def verdict(name: str = "delays@4") -> SuiteResult:
    """Return a validation that did not pass."""
    checks = [
        Check(name="roc_auc ≥ 0.78", kind="limit", metric="roc_auc", value=0.8125, low=0.7991,
              high=0.8262, limit=0.78, passed=True),
        Check(name="brier ≤ 0.14", kind="limit", metric="brier", value=0.1432, low=0.1377,
              high=0.149, limit=0.14, detail="the whole interval has to keep the limit"),
        Check(name="no worse than champion", kind="champion", metric="roc_auc", value=0.0113,
              low=0.0021, high=0.0204, limit=0.0, passed=True, detail="against delays@2"),
        Check(name="equal opportunity by origin", kind="fairness", metric="tpr", value=None,
              skipped=True, detail="LGA has too few late flights"),
    ]  # fmt: skip
    return SuiteResult(
        id="v-20261005", suite="gate.yaml", model=name, champion="delays@2", data="test@3",
        rows=33_677, checks=checks, passed=False, created=START,
        metrics={"roc_auc": 0.8125, "accuracy": 0.7751},
        intervals={"accuracy": (0.7694, 0.7808)},
    )  # fmt: skip


def drift(period: str, scale: float, features: int = 6) -> DriftReport:
    """Return a period; the scale says how far its features moved."""
    names = ["dep_hour", "distance", "carrier", "origin", "month", "wind_speed"]
    found = [
        FeatureDrift(
            feature=names[at] if at < len(names) else f"feature_{at}", kind="numeric",
            psi=round(scale * (0.4 - 0.06 * (at % 6)), 3), test="ks", statistic=0.1,
            p_value=0.001, p_adjusted=0.006, drifted=scale > 0.7 and at % 6 < 3,
        )
        for at in range(features)
    ]  # fmt: skip
    return DriftReport(
        endpoint="delays", model="delays@4", period=period, rows=9_120, reference="train@3",
        features=found, drifted=scale > 0.7, labelled=8_800,
        performance={"roc_auc": 0.81 - scale / 10},
        intervals={"roc_auc": (0.79 - scale / 10, 0.83 - scale / 10)}, baseline={"roc_auc": 0.8125},
    )  # fmt: skip


def monitoring() -> MonitorReport:
    """Return four months, of which the last two drifted."""
    months = [("2013-07", 0.1), ("2013-08", 0.3), ("2013-09", 0.8), ("2013-10", 1.2)]
    return MonitorReport(
        endpoint="delays", model="delays@4", reference="train@3", created=START,
        periods=[drift(month, scale) for month, scale in months],
        alerts=[
            Alert(endpoint="delays", kind="drift", period="2013-10", created=START,
                  message="dep_hour, distance and carrier have another distribution"),
        ],
    )  # fmt: skip


def endpoint(**facts: Any) -> EndpointStatus:
    """Return an endpoint with a canary and a shadow."""
    body: dict[str, Any] = {
        "name": "delays",
        "status": "running",
        "url": "http://127.0.0.1:8731",
        "release": 3,
        "model": "delays@3",
        "since": START,
        "requests": 120_433,
        "errors": 12,
        "parts": [
            EndpointPart(release=3, model="delays@3", role="current"),
            EndpointPart(release=4, model="delays@4", role="canary", share=0.2,
                         rules=["errors < 1%", "p99 < 50 ms"]),
            EndpointPart(release=5, model="delays@5", role="shadow"),
        ],
    }  # fmt: skip
    return EndpointStatus(**{**body, **facts})


def pipeline(text: str = "nightly") -> PipelineReading:
    """Return a run of which one step failed."""
    minutes = [START + timedelta(minutes=at) for at in range(6)]
    steps = [
        StepResult(name="ingest", notebook="01_ingest.ipynb", status="FINISHED", cells=6,
                   cells_done=6, started=minutes[0], ended=minutes[1], cached_from="nightly-11",
                   why="nothing it depends on has changed"),
        StepResult(name="features", notebook="02_features.ipynb", status="FINISHED", cells=9,
                   cells_done=9, started=minutes[1], ended=minutes[3],
                   values={"rows": 327_346, "columns": 14}),
        StepResult(name="train", notebook="04_train.ipynb", status="FAILED", cells=12,
                   cells_done=7, started=minutes[3], ended=minutes[4], failed_cell=8,
                   error="ValueError: Input X contains NaN."),
        StepResult(name="validate", notebook="05_validate.ipynb", status="SKIPPED"),
    ]  # fmt: skip
    failure = StepFailure(
        step="train", error="ValueError: Input X contains NaN.", cell=8,
        source="model = HistGradientBoostingClassifier(max_depth=max_depth)\n\nmodel.fit(X, y)",
        traceback="Traceback (most recent call last):\n  …\nValueError: Input X contains NaN.",
        output=".mlnb/runs/nightly-12/train.ipynb",
    )  # fmt: skip
    return PipelineReading(
        id=f"{text}-12", pipeline=text, status="FAILED", parameters={"year": 2013, "sample": 1.0},
        started=START, ended=minutes[4], steps=steps, first_failure=failure, failures=1,
    )  # fmt: skip


def model() -> ModelVersion:
    """Return a registered model."""
    columns = [Column(name=name, type="double") for name in ("distance", "dep_hour", "month")]
    return ModelVersion(
        name="delays", number=4, digest="ab" * 32, aliases=["challenger"], run=run().id,
        created=START, author="analyst", inputs=columns, metrics={"roc_auc": 0.8125},
        data=["train@3"], gate="refused", description="Trees on calendar, route and carrier.",
    )  # fmt: skip


def results() -> dict[str, Record]:
    """Return one of each kind, and those that are hard to draw."""
    datasets.save(flights(), "flights", message="as downloaded", key=["flight"])
    datasets.save(flights(35).iloc[:-40], "flights", message="October corrected", key=["flight"])
    wide = pd.DataFrame({f"column_{at:04d}": np.arange(50) * at for at in range(700)})
    datasets.save(wide, "wide", message="700 columns")
    many = {f"metric_{at:03d}": at / 7 for at in range(300)}
    failed = run(
        name="a-run-with-a-name-that-somebody-made-from-all-its-parameters-" + "x" * 120,
        status="FAILED", metrics={}, error="MemoryError: Unable to allocate 2.1 GiB",
    )  # fmt: skip
    return {
        "run": run(),
        "failed-run": failed,
        "many-metrics": run(metrics=many, params=dict.fromkeys(many, "1")),
        "version": datasets.log("flights")[0],
        "profile": datasets.show("flights@1"),
        "wide-profile": datasets.show("wide@1"),
        "diff": datasets.diff("flights@1", "flights@2"),
        "same": datasets.diff("flights@1", "flights@1"),
        "verdict": verdict(),
        "model": model(),
        "endpoint": endpoint(),
        "stopped": endpoint(status="stopped", parts=[], url="", detail="Stopped by analyst."),
        "monitoring": monitoring(),
        "drift": drift("2013-10", 1.2, features=40),
        "pipeline": pipeline(),
    }


def hostile() -> dict[str, Record]:
    """Return records full of markup."""
    frame = pd.DataFrame({HOSTILE: [HOSTILE, "b", None], "id": [1, 2, 3]})
    datasets.save(frame, "evil", message=HOSTILE, key=["id"])
    datasets.save(frame.assign(**{HOSTILE: ["a", HOSTILE, "c"]}), "evil", message="x", key=["id"])
    facts = {"name": HOSTILE, "params": {HOSTILE: HOSTILE}, "metrics": {HOSTILE: 1.0}}
    return {
        "run": run(**facts, error=HOSTILE, notebook=HOSTILE, tags={HOSTILE: HOSTILE}),
        "profile": datasets.show("evil@1"),
        "diff": datasets.diff("evil@1", "evil@2"),
        "verdict": verdict(HOSTILE),
        "endpoint": endpoint(
            name=HOSTILE,
            status="failed",
            url=f"javascript:{HOSTILE}",
            detail=HOSTILE,
            model=HOSTILE,
        ),
        "pipeline": pipeline(HOSTILE),
    }


def damaged() -> dict[str, Any]:
    """Return bodies that no card can draw; the HTML beside them has to be shown."""
    html = {"text/html": "<p>The HTML beside it</p>", "text/plain": "text"}
    bodies: dict[str, Any] = {
        "newer": {"format": 99, "type": "RunRecord", "record": {}},
        "unknown": {"format": 2, "type": "constructor", "record": {}, "cut": {}},
        "incomplete": {"format": 2, "type": "RunRecord", "record": {"name": 1}, "cut": None},
        "text": "no object",
    }
    return {name: {**html, render.MIME: body} for name, body in bodies.items()}


def write(path: str, bundles: dict[str, dict[str, Any]]) -> None:
    """Write a notebook with an output of each bundle, by nobody who is trusted."""
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    for name, bundle in bundles.items():
        cell = nbformat.v4.new_code_cell(f"# {name}")
        cell.outputs = [nbformat.v4.new_output("display_data", data=bundle)]
        notebook.cells.append(cell)
    nbformat.write(notebook, path)


def main() -> None:
    """Write the notebooks."""
    write("stored.ipynb", {name: render.mimebundle(item) for name, item in results().items()})
    write("hostile.ipynb", {name: render.mimebundle(item) for name, item in hostile().items()})
    first = {"type": "RunRecord", "record": run(name="of-format-1").to_dict()}
    html = {"text/html": "<p>The HTML beside it</p>", "text/plain": "text"}
    write("old.ipynb", {"first": {**html, render.MIME: first}, **damaged()})


if __name__ == "__main__":
    main()
