"""The servers that the serving benchmark compares: started, asked once, measured, ended."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from serving_models import Body

PEERS = ("mlflow", "mlserver", "bentoml", "litserve", "fastapi")
PATIENCE = 120.0
"""Seconds that a server may take to answer first."""
_HERE = Path(__file__).with_name("serving_peers")
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class NotServing(Exception):
    """A server that did not come up; says why."""


@dataclass
class Running:
    """A server that answers."""

    url: str
    form: Callable[[Body], Any]
    pids: list[int]
    headers: dict[str, str] = field(default_factory=dict)
    cold: float = 0.0
    """Seconds from its start to its first answer."""


@contextmanager
def peer(name: str, python: str, model: Path, folder: Path, probe: Body) -> Iterator[Running]:
    """Start a peer with the model's file, in an environment of its own, and end it."""
    port = _free_port()
    command, path, form = _command(name, python, port, model, folder)
    environment = {
        **os.environ,
        **_ONE_THREAD,
        "MODEL": str(model),
        "PATH": f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}",
        "BENTOML_DO_NOT_TRACK": "True",
        "PYTHONPATH": str(_HERE) if name != "mlflow" else "",
    }
    log = folder / f"{name}.log"
    begun = time.perf_counter()
    with log.open("wb") as out:
        server = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=out, stderr=out, start_new_session=True
        )
    running = Running(f"http://127.0.0.1:{port}{path}", form, [server.pid])
    try:
        _first_answer(running, probe, lambda: server.poll() is not None, log)
        running.cold = time.perf_counter() - begun
        yield running
    finally:
        with _ended(server.pid):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def _command(
    name: str, python: str, port: int, model: Path, folder: Path
) -> tuple[list[str], str, Callable[[Body], Any]]:
    if name == "mlflow":
        options = ["--env-manager", "local", "--port", str(port), "--workers", "1"]
        uri = ["--model-uri", str(model)]
        return (
            [python, "-m", "mlflow", "models", "serve", *uri, *options],
            "/invocations",
            Body.mlflow,
        )
    if name == "mlserver":
        _configure_mlserver(folder, port, model)
        start = [python, "-c", "from mlserver.cli import main; main()", "start", str(folder)]
        return start, "/v2/models/m/infer", Body.open_inference
    if name == "bentoml":
        where = ["--working-dir", str(_HERE), "--host", "127.0.0.1", "--port", str(port)]
        return (
            [python, "-m", "bentoml", "serve", "bentoml_app:Model", *where],
            "/predict",
            Body.bentoml,
        )
    if name == "litserve":
        return [python, str(_HERE / "litserve_app.py"), str(port)], "/predict", Body.split
    options = ["--port", str(port), "--no-access-log", "--log-level", "error"]
    return [python, "-m", "uvicorn", "fastapi_app:app", *options], "/predict", Body.split


def _configure_mlserver(folder: Path, port: int, model: Path) -> None:
    settings = {
        "debug": False,
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": _free_port(),
        "metrics_port": _free_port(),
        "parallel_workers": 0,
    }
    described = {
        "name": "m",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": str(model)},
        "max_batch_size": 64,
        "max_batch_time": 0.002,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps(described))


def _first_answer(
    running: Running, probe: Body, ended: Callable[[], bool], log: Path | None
) -> None:
    """Ask until there is an answer."""
    end = time.monotonic() + PATIENCE
    said = "nobody listened"
    with httpx.Client(headers=running.headers, timeout=20, trust_env=False) as client:
        while time.monotonic() < end and not ended():
            try:
                answer = client.post(running.url, json=running.form(probe))
            except httpx.TransportError:
                time.sleep(0.02)
                continue
            if answer.status_code == 200:
                return
            said = f"it answered {answer.status_code}: {answer.text[:150]}"
            time.sleep(0.1)
    lines = log.read_text(errors="replace").strip().splitlines() if log else []
    raise NotServing(lines[-1][:200] if lines and ended() else said)


@contextmanager
def endpoint(
    project: Path, model: str, name: str, probe: Body, *, workers: int = 1, log: bool = True
) -> Iterator[Running]:
    """Deploy a registered model of a project by mlnb's command, and stop it."""
    environment = {**os.environ, "MLNB_PROJECT": str(project)}
    if not log:
        environment["MLNB_ENDPOINT_LOG_SAMPLE"] = "0"

    def command(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "mlnb", "endpoint", *words],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise NotServing((done.stderr or done.stdout).strip()[-200:])
        return done.stdout.strip()

    begun = time.perf_counter()
    command("deploy", model, "--to", name, "--workers", str(workers))
    try:
        running = _deployed(project, name)
        _first_answer(running, probe, lambda: False, None)
        running.cold = time.perf_counter() - begun
        yield running
    finally:
        command("stop", name)


def _deployed(project: Path, name: str) -> Running:
    folder = project / ".mlnb" / "local" / "endpoints"
    state = json.loads((folder / f"{name}.json").read_text())
    roots = [state["pid"], *(each["pid"] for each in _loaders(folder / name))]
    return Running(
        f"http://127.0.0.1:{state['port']}/invocations",
        Body.mlflow,
        roots,
        {"Authorization": f"Bearer {state['token']}"},
    )


def _loaders(folder: Path) -> list[dict[str, Any]]:
    """Return the processes that work in an endpoint's folder, whoever their parent is."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        words = " ".join(process.info["cmdline"] or ())
        if "mlnb.serving" in words and str(folder) in words:
            found.append(process.info)
    return found


@contextmanager
def hello(server: str, python: str, root: Path) -> Iterator[str]:
    """Start a server that only says hello, and end it; give its address."""
    port = _free_port()
    process = subprocess.Popen(
        [python, str(_HERE / "hello.py"), server, str(port)],
        cwd=_HERE,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}/"
    try:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if process.poll() is not None:
                words = process.stderr.read().decode() if process.stderr else ""
                raise NotServing((words.strip().splitlines() or ["it ended"])[-1][:200])
            try:
                httpx.get(url, trust_env=False)
            except httpx.TransportError:
                time.sleep(0.05)
                continue
            break
        else:
            raise NotServing("it did not answer within 20 s")
        yield url
    finally:
        with _ended(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def _ended(pid: int) -> Iterator[None]:
    """End what is left of a group of processes after the block has told it to go."""
    try:
        family = psutil.Process(pid).children(recursive=True)
        yield
    except (psutil.NoSuchProcess, ProcessLookupError):
        return
    _, lingering = psutil.wait_procs(family, timeout=8)
    for process in lingering:
        process.kill()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
