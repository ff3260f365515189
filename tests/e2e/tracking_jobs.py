"""What the processes do that the tests of tracking kill: log without end, and deliver."""

import os
import time
from pathlib import Path
from typing import Any

import mlflow.store.tracking.sqlalchemy_store  # noqa: F401  (imported once, by the mother)

from mlnb import tracking
from mlnb.core import project as projects
from mlnb.tracking import delivery

A_CELL = 100
"""After so many points another cell begins, after five times as many another run."""
PACE = 0.0005
"""Between two points: what is logged has to be delivered and read back, too."""


def _say(said: str) -> Any:
    descriptor = os.open(said, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    return lambda *words: os.write(descriptor, f"{' '.join(map(str, words))}\n".encode())


def log(folder: str, said: str, only: int = 0) -> None:
    """Log one point after the other, and say each once it is acknowledged."""
    os.chdir(folder)
    say = _say(said)
    run = tracking.start("killed")
    number = 0
    while not only or number < only:
        if number % (5 * A_CELL) == 5 * A_CELL - 1:
            tracking.end()
            run = tracking.start("killed")
        if number % A_CELL == 0:
            run.mark_cell(number // A_CELL, f"step({number})")
            say(run.id, "cell", number // A_CELL)
        tracking.log(metrics={"m": number}, step=number % 3)
        if number % 50 == 0:
            tracking.log(text={f"t{number}": str(number)})
        say(run.id, "m", number)
        number += 1
        time.sleep(PACE)


def log_and_flush(folder: str, said: str) -> None:
    """Log some hundred points at a time and wait until the store has them."""
    os.chdir(folder)
    say = _say(said)
    run = tracking.start("flushed")
    number = 0
    while True:
        for _ in range(300):
            tracking.log(metrics={"m": number})
            say(run.id, "m", number)
            number += 1
        say(run.id, "flush", number)
        assert tracking.flush(60)
        say(run.id, "flushed", number)


def fork_and_log(folder: str, said: str) -> None:
    """Log in three processes to one run; each says its pid, and its points."""
    os.chdir(folder)
    run = tracking.start("forked")
    tracking.log(metrics={"before": 1})
    name = 0
    for child in (1, 2):
        if os.fork() == 0:
            name = child
            break
    say = _say(f"{said}-{name}")
    say("pid", "-", os.getpid())
    number = 0
    while True:
        tracking.log(metrics={f"m{name}": number})
        say(run.id, f"m{name}", number)
        number += 1
        time.sleep(PACE)


def log_while_the_clock_jumps(folder: str, said: str, jumps: list[float]) -> None:
    """Log equal values while the machine's clock is set back and forth, in this process."""
    os.chdir(folder)
    real, real_ns, off = time.time, time.time_ns, [0.0]
    time.time = lambda: real() + off[0]
    time.time_ns = lambda: real_ns() + int(off[0] * 10**9)
    say = _say(said)
    number = 0
    for jump in jumps:
        off[0] = jump
        with tracking.track("jumping") as run:
            for place in range(200):
                if place == 100:
                    off[0] = -jump
                tracking.log(metrics={"same": 1.0}, step=place % 2)
                tracking.log(metrics={"m": number})
                say(run.id, "m", number)
                number += 1


def deliver(folder: str) -> None:
    """Deliver what there is."""
    os.chdir(folder)
    while delivery.deliver(projects.current(Path(folder))) is None:
        pass
