"""One system logs points in a process of its own: ``tracking_worker.py SYSTEM COUNT``.

Prints one line of JSON: ``seconds``, what the calls took in their caller; ``through``, the seconds
from the first call until the store had everything; ``run``, where to look for it.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Logged = dict[str, Any]


def loop(count: int, log: Callable[[int], object]) -> float:
    """Log so many points, and return the seconds."""
    begun = time.perf_counter()
    for number in range(count):
        log(number)
    return time.perf_counter() - begun


def ours(count: int) -> Logged:
    from mlnb import tracking

    with tracking.track("warm"):  # as in a notebook that has had a run: the shipper is there
        tracking.log(metrics={"m": 0})
    tracking.flush(120)
    begun = time.perf_counter()
    run = tracking.start("bench")
    seconds = loop(count, lambda n: tracking.log(metrics={"m": n}, step=n))
    tracking.end()
    assert tracking.flush(120)
    return {"seconds": seconds, "through": time.perf_counter() - begun, "run": run.id}


def raw(count: int) -> Logged:
    file = os.open("raw.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def log(number: int) -> None:
        line = json.dumps({"key": "m", "value": number, "time": time.time(), "step": number})
        os.write(file, line.encode() + b"\n")

    seconds = loop(count, log)
    os.close(file)
    return {"seconds": seconds, "through": seconds, "run": ""}


def mlflow(count: int, synchronous: bool = True, own: bool = False) -> Logged:
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    import mlflow

    from mlnb.core import project
    from mlnb.tracking import store

    if own:
        mlflow.set_tracking_uri(f"sqlite:///{Path.cwd() / 'theirs.db'}")
    else:
        store.use(project.current().tracking_uri)
    mlflow.set_experiment("bench")
    with mlflow.start_run():
        mlflow.log_metric("m", 0)
    begun = time.perf_counter()
    run = mlflow.start_run()
    seconds = loop(count, lambda n: mlflow.log_metric("m", n, n, synchronous=synchronous))
    if not synchronous:
        mlflow.flush_async_logging()
    mlflow.end_run()
    return {"seconds": seconds, "through": time.perf_counter() - begun, "run": run.info.run_id}


def mlflow_async(count: int) -> Logged:
    return mlflow(count, synchronous=False)


def mlflow_own(count: int) -> Logged:
    """Log to a database as MLflow makes it; ours writes ahead, which makes its calls faster."""
    return mlflow(count, own=True)


def mlflow_own_async(count: int) -> Logged:
    return mlflow(count, synchronous=False, own=True)


def dvclive(count: int) -> Logged:
    from dvclive import Live

    with Live("live", save_dvc_exp=False, dvcyaml=None, report=None) as live:

        def log(number: int) -> None:
            live.step = number
            live.log_metric("m", number)

        seconds = loop(count, log)
    return {"seconds": seconds, "through": seconds, "run": ""}


def wandb(count: int) -> Logged:
    os.environ |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_DIR": str(Path.cwd())}
    import wandb

    run = wandb.init(project="bench")
    seconds = loop(count, lambda n: run.log({"m": n}, step=n))
    run.finish()
    return {"seconds": seconds, "through": seconds, "run": ""}


def killed_ours(_count: int) -> Logged:
    from mlnb import tracking

    run = tracking.start("killed")
    return _until_killed(run.id, lambda n: tracking.log(metrics={"m": n}, step=n))


def killed_mlflow(_count: int) -> Logged:
    import mlflow

    from mlnb.core import project
    from mlnb.tracking import store

    store.use(project.current().tracking_uri)
    mlflow.set_experiment("bench")
    run = mlflow.start_run().info.run_id
    return _until_killed(run, lambda n: mlflow.log_metric("m", n, n, synchronous=False))


def _until_killed(run: str, log: Callable[[int], object]) -> Logged:
    """Log and say so, point after point, until somebody ends the process."""
    number = 0
    while True:
        log(number)
        sys.stdout.write(f"{run} {number}\n")
        sys.stdout.flush()
        number += 1


def model_ours(count: int) -> Logged:
    from mlnb import models, tracking

    model, example = _model()
    with tracking.track("models"):
        models.register(model, "warm", example=example)
        seconds = loop(count, lambda n: models.register(model, f"m{n}", example=example))
    return {"seconds": seconds, "through": seconds, "run": ""}


def model_mlflow(count: int) -> Logged:
    import logging

    import mlflow

    from mlnb.core import project
    from mlnb.tracking import store

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    store.use(project.current().tracking_uri)
    mlflow.set_experiment("bench")
    model, example = _model()
    with mlflow.start_run():
        seconds = loop(
            count, lambda n: mlflow.sklearn.log_model(model, name=f"m{n}", input_example=example)
        )
    return {"seconds": seconds, "through": seconds, "run": ""}


def _model() -> tuple[Any, Any]:
    import numpy as np
    import pandas as pd
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(500, 8)), columns=list("abcdefgh"))
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, frame["a"] > 0)
    return model, frame.head(5)


if __name__ == "__main__":
    answer = globals()[sys.argv[1]](int(sys.argv[2]))
    print(json.dumps(answer))
