"""What the serving benchmark measures; figures by ``pipeline/system/setting``."""

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from goals import Bench
from serving_load import Load, LoadFailed, load, memory
from serving_models import OTHER, SERVED, body, dump
from serving_systems import NotServing, Running, endpoint, hello, peer

SETTINGS = {"1 client": (1, 1), "8 clients": (8, 1), "64 clients": (64, 1), "1,000 rows": (4, 1000)}
"""Clients, and rows of each request."""
SERVERS = ("mlnb", "uvicorn", "granian", "socketify", "robyn")
_ROOT = Path(__file__).resolve().parents[2]
_REGISTER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import serving_models
from mlnb import models
from mlnb.core import project
with project.using(project.init(Path(sys.argv[1]), "bench-serving")):
    for name in sys.argv[3:]:
        data = serving_models.frame(name)
        models.register(serving_models.fitted(name), name, example=data.head(100))
        print(models.local_path(name))
"""


@dataclass
class Session:
    """One run: where it works, with which interpreters, and what it has found."""

    bench: Bench
    folder: Path
    pythons: dict[str, str]
    seconds: float
    rounds: int
    figures: dict[str, dict[str, float]]

    @cached_property
    def project(self) -> Path:
        """Return a project in which the pipelines are registered."""
        _ = self.models
        return self.folder / "project"

    @cached_property
    def models(self) -> dict[str, Path]:
        """Return MLflow's folder of each registered pipeline."""
        names = [*SERVED, OTHER]
        known = self.folder / "models.json"
        if known.exists():  # an earlier piece of the same benchmark
            return {name: Path(path) for name, path in json.loads(known.read_text()).items()}
        where = [str(self.folder / "project"), str(Path(__file__).parent)]
        done = subprocess.run(
            [sys.executable, "-c", _REGISTER, *where, *names],
            capture_output=True,
            text=True,
            env={**os.environ, "MLNB_PROJECT": where[0]},
        )
        if done.returncode:
            raise NotServing(done.stderr.strip()[-300:])
        paths = done.stdout.strip().splitlines()[-len(names) :]
        known.write_text(json.dumps(dict(zip(names, paths, strict=True))))
        return dict(zip(names, map(Path, paths), strict=True))

    def keep(self, key: str, **figures: float) -> None:
        """Keep figures; of rates and times measured before, the better."""
        known = self.figures.get(key)
        if known and "rate" in known and known["rate"] > figures["rate"]:
            return
        self.figures[key] = figures


def measure(session: Session, only: list[str]) -> None:
    """Measure some sections; what fails is named as left out."""
    for section in only:
        for system, work in _work(session, section):
            try:
                work()
            except (NotServing, LoadFailed) as why:
                session.bench.leave_out(f"{system} in {section}", str(why))
            except Exception as why:  # the others are still worth measuring
                traceback.print_exc()
                session.bench.leave_out(f"{system} in {section}", str(why) or type(why).__name__)


def _work(session: Session, section: str) -> Iterator[tuple[str, Callable[[], None]]]:
    systems = session.bench.peers
    if section == "hello":
        for server in SERVERS:
            yield server, lambda server=server: _hello(session, server)
    elif section in SERVED:
        for system in systems:
            yield system, lambda system=system: _rates(session, system, section)
    elif section == OTHER:
        for system in [each for each in systems if each in ("mlnb", "litserve")]:
            yield system, lambda system=system: _rates(session, system, section, ["64 clients"])
    elif section == "log":
        yield "mlnb", lambda: _log(session)
    elif section == "memory":
        yield "mlnb", lambda: _workers(session)


def _hello(session: Session, server: str) -> None:
    python = session.pythons.get(server if server == "mlnb" else "hello")
    if python is None:
        raise NotServing("it is not installed")
    with hello(server, python, _ROOT) as url:
        for _ in range(session.rounds):
            _keep(session, f"hello/{server}", load(url, 64, session.seconds, session.folder))


def _rates(session: Session, system: str, model: str, settings: list[str] | None = None) -> None:
    with _serving(session, system, model) as running:
        key = f"{model}/{system}"
        session.keep(f"{key}/start", seconds=running.cold, memory=memory(running.pids))
        for setting in settings or SETTINGS:
            clients, rows = SETTINGS[setting]
            for _ in range(session.rounds):
                found = _load(session, running, model, clients, rows)
                _keep(session, f"{key}/{setting}", found)
                print(f"  {key}, {setting}: {found.rate:,.0f}/s, p99 {found.p99 * 1e3:.2f} ms")
        session.figures[f"{key}/start"]["loaded"] = memory(running.pids)


def _keep(session: Session, key: str, found: Load) -> None:
    session.keep(key, rate=found.rate, p50=found.p50, p99=found.p99)


def _load(session: Session, running: Running, model: str, clients: int, rows: int) -> Load:
    given = running.form(body(model, rows))
    options = {"body": given, "headers": running.headers}
    load(running.url, clients, min(1.0, session.seconds), session.folder, **options)  # warm it up
    return load(running.url, clients, session.seconds, session.folder, **options)


@contextmanager
def _serving(session: Session, system: str, model: str) -> Iterator[Running]:
    probe = body(model, 1)
    python = session.pythons.get(system)
    if python is None:
        raise NotServing("it is not installed")
    if system == "mlnb":
        # once before, as a version is compared with the original once; then from nothing
        with endpoint(session.project, model, "bench", probe):
            pass
        serving: AbstractContextManager[Running] = endpoint(session.project, model, "bench", probe)
    else:
        mine = session.folder / f"{system}-{model}"
        mine.mkdir(exist_ok=True)
        file = session.models[model] if system == "mlflow" else dump(model, session.folder)
        serving = peer(system, python, file, mine, probe)
    with serving as running:
        yield running


def _log(session: Session) -> None:
    """Measure with and without the prediction log, in turn."""
    model, probe = "logistic", body("logistic", 1)
    with (
        endpoint(session.project, model, "kept", probe) as kept,
        endpoint(session.project, model, "none", probe, log=False) as none,
    ):
        sides = {"kept": kept, "none": none}
        for number in range(2 * max(3, session.rounds)):
            name = ("kept", "none", "none", "kept")[number % 4]
            _keep(session, f"log/{name}/64 clients", _load(session, sides[name], model, 64, 1))


def _workers(session: Session) -> None:
    """Measure the memory of one worker and of four, after each has answered."""
    model, probe = "boosting", body("boosting", 1)
    for workers in (1, 4):
        with endpoint(session.project, model, "bench", probe, workers=workers) as running:
            _load(session, running, model, 64, 1)
            session.figures[f"memory/mlnb/{workers}"] = {"memory": memory(running.pids)}
