"""Serving: one request to an endpoint (checked, scored, logged) and to `mlflow models serve`."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
from measuring import Line, compare, timed

ROWS = 20_000


def lines() -> Iterator[Line]:
    """Compare requests of several sizes to the same model."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["MLNB_PROJECT"] = folder
        yield from _compare()


def _compare() -> Iterator[Line]:
    from mlnb import models, serving

    frame = _register()
    serving.deploy("bench", "bench")
    try:
        endpoint = serving.endpoint("bench")
        with _mlflow_server(models.local_path("bench")) as url, httpx.Client() as client:
            for rows in (1, 1_000, 5_000):
                body = {"dataframe_split": frame.head(rows).to_dict(orient="split", index=False)}
                yield compare(
                    f"endpoint, {rows:,} rows",
                    _each(lambda body=body: endpoint.invoke(body)),
                    f"mlflow models serve, {rows:,} rows",
                    _each(lambda body=body: _ask(client, url, body)),
                )
        _read_back(endpoint.predict, frame)
    finally:
        serving.stop("bench")


def _each(ask: Callable[[], object], times: int = 5) -> Callable[[], float]:
    """Return a function that asks several times and returns the seconds of one."""
    measure = timed(lambda: [ask() for _ in range(times)])
    return lambda: measure() / times


def _ask(client: httpx.Client, url: str, body: object) -> None:
    client.post(f"{url}/invocations", json=body, timeout=60).raise_for_status()


def _read_back(predict: Callable[[pd.DataFrame], pd.DataFrame], frame: pd.DataFrame) -> None:
    from mlnb import serving

    begun = time.perf_counter()
    for start in range(0, ROWS, 2_000):
        predict(frame[start : start + 2_000])
    seconds = time.perf_counter() - begun
    print(f"  {ROWS / seconds:,.0f} rows a second in requests of 2,000, one client, one worker")
    logged = timed(lambda: serving.predictions("bench"))()
    count = len(serving.predictions("bench"))
    print(f"  {count:,} logged predictions are read back in {1000 * logged:.0f} ms")


def _register() -> pd.DataFrame:
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    from mlnb import models

    random = np.random.default_rng(0)
    names = ["carrier", "origin", "dest"]
    frame = pd.DataFrame({f"x{number}": random.normal(size=ROWS) for number in range(12)})
    for name in names:
        frame[name] = random.choice(list("abcdef"), ROWS)
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    model = make_pipeline(
        make_column_transformer((codes, names), remainder="passthrough"),
        HistGradientBoostingClassifier(max_iter=150),
    )
    late = (frame["x0"] + random.normal(size=ROWS) > 0).astype(int)
    models.register(model.fit(frame, late), "bench", example=frame.head(100))
    return frame


@contextmanager
def _mlflow_server(model: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", str(model)]
    options = ["--env-manager", "local", "--port", str(port), "--workers", "1"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    server = subprocess.Popen(
        [*command, *options],
        env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, server)
        yield url
    finally:
        os.killpg(server.pid, 15)
        server.wait()


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end and server.poll() is None:
        try:
            if httpx.get(f"{url}/ping").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise RuntimeError("mlflow models serve did not start")
