"""Tables: six versions of one frame saved, saved again and loaded, by each system in turn."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import dataset_frame
from dataset_peers import LABELS, OURS, PLAIN
from goals import Bench, Goal
from timings import Timings
from workers import WorkerFailed, WorkerProcess, worker

_FLAT = "first"
"""The version that is stored whole; the others may be patches of another."""
_MEMORY = 512
"""Bytes for each row, some four times what a row takes as a frame."""
_MOST_MEMORY = 2 << 30
_KERNEL_STEPS = ("append 1 %", "0.1 % of cells", "column added")
_WARM_LIMITS = {
    "append 1 %": 0.3,
    "0.1 % of cells": 0.3,
    "column added": 0.3,
    "delete 1 %": 0.5,
    "re-sort": 1.0,
    "same again": 0.1,
}


class Tables:
    """The frame in one size: what was saved where, and how long everything took."""

    def __init__(self, bench: Bench, rows: int) -> None:
        self.bench, self.rows = bench, rows
        self.folder = bench.folder / f"{rows}"
        self.group = f"tables, {rows:,} rows"
        self.systems = [OURS, PLAIN, *bench.peers]
        self.rounds = 2 if bench.quick or rows > 2_000_000 else 3
        self.peer_rounds = 1 if bench.quick or rows > 2_000_000 else 2
        self.memory = min(rows * _MEMORY, _MOST_MEMORY)
        """Bytes that a process fetches before it measures."""
        self.times = Timings()
        self.tokens: dict[str, dict[str, str]] = {}
        """system → step → what the system calls that version."""
        self.first_bytes: dict[str, int] = {}
        self.bytes: dict[str, dict[str, int]] = {}

    # -- what the measurements need

    def prepare(self) -> None:
        """Write the frames that new processes start from."""
        with worker(PLAIN, self.folder / "prepared", memory=self.memory) as writer:
            for step in dataset_frame.STEPS:
                writer.ask("save", step=step, rows=self.rows)
                if step not in ("delete 1 %", "re-sort"):
                    writer.ask("keep", path=str(self.frame_after(step)))
        shutil.rmtree(self.folder / "prepared")
        os.sync()

    def frame_after(self, step: str) -> Path:
        """Return where `prepare` put what a step saves."""
        return self.folder / f"{step.replace(' ', '-')}.pickle"

    def store(self, system: str) -> Path:
        """Return the folder of a system's versions."""
        return self.folder / "stores" / system

    def _drop(self, system: str, why: WorkerFailed, doing: str) -> None:
        if system in (OURS, PLAIN):
            raise WorkerFailed(f"{LABELS[system]}, {doing}, {self.rows:,} rows: {why}") from None
        self.bench.leave_out(LABELS[system], f"{doing}, {self.rows:,} rows: {why}")
        self.systems.remove(system)

    # -- save, in the process that saved the version before

    def save_all(self, rounds: int) -> None:
        """Save all steps, each by every system in turn; the last round's stores stay."""
        for number in range(rounds):
            shutil.rmtree(self.folder / "stores", ignore_errors=True)
            asked = self.systems if number >= rounds - self.peer_rounds else [OURS, PLAIN]
            with ExitStack() as stack:
                self._save_round(list(asked), stack)

    def _save_round(self, asked: list[str], stack: ExitStack) -> None:
        running: dict[str, WorkerProcess] = {}
        for system in asked:
            try:
                running[system] = stack.enter_context(
                    worker(system, self.store(system), memory=self.memory)
                )
                running[system].ask("warm_up")
            except WorkerFailed as why:
                running.pop(system, None)
                self._drop(system, why, "starting")
        for step in dataset_frame.STEPS:
            for system in list(running):
                try:
                    answer = running[system].ask("save", step=step, rows=self.rows)
                    self.times.add("warm", step, system, answer)
                    self.tokens.setdefault(system, {})[step] = answer["token"]
                    if step == "first":
                        self.first_bytes[system] = running[system].ask("storage")["versions"]
                except WorkerFailed as why:
                    del running[system]
                    self._drop(system, why, step)
        for system, process in running.items():
            self.bytes[system] = process.ask("storage")

    def saves(self) -> Iterator[Goal]:
        """Yield the goals of saving in a warm kernel, and of storage."""
        for kind, limit in (("wall", 0.5), ("cpu", 0.9)):
            yield Goal(
                group=self.group,
                what=f"first save, {kind}",
                limit=limit,
                measured=self.times.ratio("warm", "first", OURS, kind),
                beside=self._beside("warm", "first", kind),
                note=self.times.words("warm", "first"),
            )
        for step, limit in _WARM_LIMITS.items():
            yield self._saved("warm", step, limit, f"{step}, warm kernel")
        yield self._storage()

    def _beside(self, phase: str, step: str, kind: str) -> dict[str, float | None]:
        others = [system for system in self.systems if system not in (OURS, PLAIN)]
        return {
            LABELS[system]: self.times.ratio(phase, step, system, kind)
            for system in others
            if self.times.has(phase, step, system)
        }

    def _saved(self, phase: str, step: str, limit: float, what: str) -> Goal:
        """Return the goal of an edited save: the worse of wall and processor time counts."""
        kind = max(("wall", "cpu"), key=lambda kind: self.times.ratio(phase, step, OURS, kind))
        return Goal(
            group=self.group,
            what=f"{what}, {kind}",
            limit=limit,
            measured=self.times.ratio(phase, step, OURS, kind),
            beside=self._beside(phase, step, kind),
            note=self.times.words(phase, step),
        )

    def _storage(self) -> Goal:
        plain = self.first_bytes[PLAIN]
        mine = self.bytes[OURS]["versions"]
        for system, found in self.bytes.items():
            if found.get("workspace"):
                self.bench.remarks.append(
                    f"{LABELS[system]}, {self.rows:,} rows: a workspace of "
                    f"{found['workspace'] / 1e6:.0f} MB is not counted as storage"
                )
        return Goal(
            group=self.group,
            what="storage after all versions",
            unit="× first plain Parquet",
            limit=1.25,
            measured=mine / plain,
            beside={
                LABELS[system]: found["versions"] / plain
                for system, found in self.bytes.items()
                if system != OURS
            },
            note=f"{mine / 1e6:.1f} MB; first version {self.first_bytes[OURS] / 1e6:.1f} MB "
            f"(after all ÷ our first {mine / self.first_bytes[OURS]:.2f}), as plain Parquet "
            f"{plain / 1e6:.1f} MB",
        )

    # -- save, each in a new process

    def kernels(self) -> Iterator[Goal]:
        """Yield the goals of saving an edited frame in a process that has just been started."""
        steps = ("first", *_KERNEL_STEPS, "same again")
        for number in range(self.rounds):
            shutil.rmtree(self.folder / "kernels", ignore_errors=True)
            asked = self.systems if number >= self.rounds - 1 else [OURS, PLAIN]
            for parent, step in zip((None, *steps), steps, strict=False):
                for system in list(asked):
                    try:
                        self._in_new_kernel(system, step, parent)
                    except WorkerFailed as why:
                        self._drop(system, why, f"{step} in a new kernel")
        for step in _KERNEL_STEPS:
            yield self._saved("new", step, 0.8, f"{step}, new kernel")
        self.bench.remarks.append(
            f"same again in a new kernel, {self.rows:,} rows, without a goal: "
            f"{self.times.words('new', 'same again')}"
        )

    def _in_new_kernel(self, system: str, step: str, parent: str | None) -> None:
        given = str(self.frame_after(parent)) if parent else None
        with worker(system, self.folder / "kernels" / system, memory=self.memory) as process:
            answer = process.ask("save", step=step, rows=self.rows, given=given)
        self.times.add("new", step, system, answer)

    # -- load

    def loads(self) -> Iterator[Goal]:
        """Yield the goals of loading; each version is loaded by a process that loaded nothing."""
        steps = dataset_frame.STEPS[:-1]
        newest = steps[-1]
        for number in range(self.rounds):
            for step in reversed(steps):  # the newest is what a file's peers have at hand
                shown = step in ("first", newest) and number >= self.rounds - self.peer_rounds
                for system in list(self.systems) if shown else [OURS, PLAIN]:
                    try:
                        self._load(system, step)
                    except WorkerFailed as why:
                        self._drop(system, why, f"load of {step}")
        yield self._loaded(_FLAT, 1.1, "oldest, which is flat")
        yield self._loaded("re-sort", 1.5, "newest, which is patched")
        patched = [step for step in steps if step not in (_FLAT, "re-sort")]
        slowest = max(patched, key=lambda step: self.times.ratio("load", step, OURS, "wall"))
        yield self._loaded(slowest, 1.5, "slowest of the others")
        yield self._exact()

    def _load(self, system: str, step: str) -> None:
        with worker(system, self.store(system), memory=self.memory) as process:
            process.ask("warm_up")
            answer = process.ask("load", token=self.tokens[system][step])
        self.times.add("load", step, system, answer)
        self.times.add("again", step, system, {"wall": answer["again"], "cpu": 0.0})

    def _loaded(self, step: str, limit: float, which: str) -> Goal:
        again = self.times.best("again", step, OURS, "wall")
        return Goal(
            group=self.group,
            what=f"load {which}: {step}",
            unit="× read_parquet",
            limit=limit,
            measured=self.times.ratio("load", step, OURS, "wall"),
            beside=self._beside("load", step, "wall"),
            note=f"{self.times.words('load', step)}; ours a second time {1000 * again:.0f} ms",
        )

    def _exact(self) -> Goal:
        """Load the newest version with every system and compare it with what was saved."""
        lost: dict[str, list[str]] = {}
        for system in list(self.systems):
            try:
                with worker(system, self.store(system), memory=self.memory) as process:
                    answer = process.ask(
                        "check",
                        token=self.tokens[system]["same again"],
                        saved=str(self.frame_after("same again")),
                    )
                lost[system] = answer["losses"]
            except WorkerFailed as why:
                self._drop(system, why, "check of the newest version")
        for system, what in lost.items():
            if system != OURS:
                words = ", ".join(what) or "nothing"
                self.bench.remarks.append(
                    f"{LABELS[system]}, {self.rows:,} rows, lost of the newest version: {words}"
                )
        return Goal(
            group=self.group,
            what="newest version loads back exactly",
            unit="things lost",
            limit=0,
            measured=float(len(lost[OURS])),
            beside={LABELS[s]: float(len(what)) for s, what in lost.items() if s != OURS},
            note=", ".join(lost[OURS]),
        )
