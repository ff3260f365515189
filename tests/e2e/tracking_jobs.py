"""What the processes do that `test_tracking_faults` kills: log without end, and deliver."""

import os
from pathlib import Path

import mlflow.store.tracking.sqlalchemy_store  # noqa: F401  (imported once, by the mother)

from mlnb import tracking
from mlnb.core import project as projects
from mlnb.tracking import delivery


def log(folder: str, said: str) -> None:
    """Log one metric after the other, and say each number once it is acknowledged."""
    os.chdir(folder)
    descriptor = os.open(said, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    run = tracking.start("killed")
    number = 0
    while True:
        if number % 500 == 499:  # a new run now and then
            tracking.end()
            run = tracking.start("killed")
        tracking.log(metrics={"m": number})
        if number % 50 == 0:
            tracking.log(text={f"t{number}": str(number)})
        os.write(descriptor, f"{run.id} {number}\n".encode())
        number += 1


def deliver(folder: str) -> None:
    """Deliver what there is."""
    os.chdir(folder)
    while delivery.deliver(projects.current(Path(folder))) is None:
        pass
