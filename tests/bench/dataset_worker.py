"""A process that holds one system and does what it is told, a JSON line at a time.

``python dataset_worker.py SYSTEM FOLDER MEMORY`` reads requests from standard input and answers
each on standard output. A process of its own per system means that a crash names the system, that
the systems share no memory pool or thread pool, and that "in a new kernel" is simply a new process.
What the system prints goes to standard error.
"""

import gc
import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import dataset_frame
import dataset_peers
import numpy as np
import pandas as pd
from dataset_losses import losses


def main(system: str, folder: Path, memory: int) -> None:
    """Answer requests until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        worker = Worker(system, folder, memory)
    except Exception as error:  # whatever keeps a peer from starting is the answer
        _say(answers, {"error": _reason(error)})
        return
    _say(answers, {"ready": worker.system.name})
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(worker, request.pop("do"))(**request)
        except Exception as error:  # what a peer cannot do is reported, and the bench goes on
            traceback.print_exc()
            answer = {"error": _reason(error)}
        _say(answers, answer)


def _say(answers: TextIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:200]


def measure(work: Callable[[], Any], memory: int) -> tuple[dict[str, float], Any]:
    """Return wall and processor seconds of some work (of its child processes too), and its result.

    Everything that is no garbage yet is kept out of the collections that the work sets off.
    """
    gc.collect()
    _fetch_memory(memory)
    before, begun = _processor(), time.perf_counter()
    result = work()
    wall = time.perf_counter() - begun
    return {"wall": wall, "cpu": _processor() - before}, result


def _fetch_memory(size: int) -> None:
    """Write to so many bytes and give them back, so that they are this machine's for the work.

    A virtual machine may hand free memory back to its host, and getting it again takes milliseconds
    a page: whoever is measured first would pay for it.
    """
    np.ones(size // 8)


def _processor() -> float:
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    usages = [resource.getrusage(kind) for kind in kinds]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


class Worker:
    """What a request can ask for: its methods, by name."""

    def __init__(self, system: str, folder: Path, memory: int) -> None:
        self.kind, self.folder, self.memory = system, folder, memory
        self.system = dataset_peers.make(system, folder)
        self.frame: pd.DataFrame | None = None
        """What the last save saved."""

    def warm_up(self, *, diff: bool = False) -> dict[str, Any]:
        """Save and load (and compare) small tables beside the folder: then first use is over."""
        system = dataset_peers.make(self.kind, self.folder.with_name(f"{self.folder.name}-warm"))
        frame = dataset_frame.make(200)
        tokens = [system.save("first", frame, None), system.save("re-sort", frame[10:], None)]
        system.load(tokens[0])
        if diff:
            system.diff(*tokens)
        return {}

    def save(self, step: str, rows: int, given: str | None = None) -> dict[str, Any]:
        """Make the frame of a step, from the last one or from `given`, and time its save."""
        if given is not None:
            self.frame = pd.read_pickle(given)  # noqa: S301 — this run wrote it
        parent, frame = self.frame, dataset_frame.after(step, self.frame, rows)
        changed = _changed(step, parent, frame)
        times, token = measure(lambda: self.system.save(step, frame, changed), self.memory)
        self.frame = frame
        return times | {"token": token}

    def keep(self, path: str) -> dict[str, Any]:
        """Write the frame that was saved last to a file, for `save`'s `given` and for `check`."""
        assert self.frame is not None
        self.frame.to_pickle(path)
        return {}

    def load(self, token: str) -> dict[str, Any]:
        """Time the load of a version, and then of the same one again."""
        first, frame = measure(lambda: self.system.load(token), self.memory)
        del frame
        again, _ = measure(lambda: self.system.load(token), self.memory)
        return first | {"again": again["wall"]}

    def check(self, token: str, saved: str) -> dict[str, Any]:
        """Say how a loaded version differs from the frame that was saved."""
        frame = pd.read_pickle(saved)  # noqa: S301 — this run wrote it
        return {"losses": losses(frame, self.system.load(token), dataset_frame.KEY)}

    def save_version(self, step: str, rows: int, *, shuffled: bool) -> dict[str, Any]:
        """Save what a step saves at once, with its rows in order or shuffled."""
        frame = dataset_frame.version(dataset_frame.STEPS.index(step) + 1, rows)
        if shuffled:
            frame = frame.sample(frac=1, random_state=0)
        return {"token": self.system.save(step, frame, None)}

    def diff(self, before: str, after: str) -> dict[str, Any]:
        """Time the rows' difference of two versions, in the best way if there are several."""
        found = getattr(self.system, "ways", None)
        ways = found(before, after) if found else {"": lambda: self.system.diff(before, after)}
        taken = {way: measure(work, self.memory) for way, work in ways.items()}
        best = min(taken, key=lambda way: taken[way][0]["wall"])
        times, counts = taken[best]
        walls = {way: measured["wall"] for way, (measured, _) in taken.items()}
        return times | {"found": counts, "ways": walls}

    def storage(self) -> dict[str, Any]:
        """Count bytes."""
        return dict(self.system.storage())

    def small(self, versions: int, *, mixed: bool) -> dict[str, Any]:
        """Time save and load of 150 rows that change by a cell, version after version."""
        frame = dataset_frame.make(150) if mixed else dataset_frame.flowers()
        column = "score" if mixed else "sepal_length"
        walls = []
        for number in range(versions):
            frame = frame.copy()
            frame.loc[number % len(frame), column] = 100.0 + number

            def both(frame: pd.DataFrame = frame) -> pd.DataFrame:
                return self.system.load(self.system.save("first", frame, None))

            times, loaded = measure(both, self.memory)
            walls.append(times["wall"])
        return {"walls": walls, "losses": losses(frame, loaded, dataset_frame.KEY)}


def _changed(step: str, parent: pd.DataFrame | None, frame: pd.DataFrame) -> pd.DataFrame | None:
    """Return the rows that a step appended or edited, if it did only that."""
    if parent is None or list(parent.columns) != list(frame.columns):
        return None
    if step.startswith("append"):
        return frame.iloc[len(parent) :].reset_index(drop=True)
    if step.endswith("cells"):
        same = (parent == frame) | (parent.isna() & frame.isna())
        return frame[~same.fillna(False).all(axis=1)].reset_index(drop=True)
    return None


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
