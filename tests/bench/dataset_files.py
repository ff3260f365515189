"""A folder of 20,000 small files, and one large file, beside DVC.

Like with like: a goal compares ``mlnb dataset …`` as a whole process with ``dvc …`` as a whole
process, on equal copies of the folder, one right after the other. The same in a running process
(`datasets.save` beside ``Repo.add`` and ``Repo.commit``) is told as a remark.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dataset_peers import bytes_under
from goals import Bench, Goal

_SEED = 20_26
_PEER = "DVC"
_MINUTES = 15
"""After which a command is taken to hang."""


@dataclass
class Side:
    """One system with its copy of the folder."""

    name: str
    program: list[str]
    folder: Path
    """Where commands run; the data is in ``data`` below it."""
    seconds: dict[str, list[float]] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """Return the folder that is versioned."""
        return self.folder / "data"

    def run(self, what: str, *commands: Sequence[str]) -> None:
        """Run commands and note how long they took together."""
        begun = time.perf_counter()
        for command in commands:
            self.do(*command)
        self.seconds.setdefault(what, []).append(time.perf_counter() - begun)

    def do(self, *command: str) -> str:
        """Run a command; return what it printed."""
        done = subprocess.run(
            [*self.program, *command],
            cwd=self.folder,
            env={**os.environ, "DVC_NO_ANALYTICS": "1"},
            capture_output=True,
            text=True,
            timeout=60 * _MINUTES,
        )
        if done.returncode != 0:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise RuntimeError(f"{self.name} {command[0]}: {' '.join(last) or done.returncode}")
        return done.stdout

    def best(self, what: str) -> float:
        """Return the shortest time of something."""
        return min(self.seconds.get(what, [float("nan")]))


def goals(bench: Bench) -> Iterator[Goal]:
    """Yield the goals of files."""
    ours, theirs = _sides(bench)
    count, rounds = (4_000, 2) if bench.quick else (20_000, 3)
    group = f"files, {count:,} of 5–50 KB"
    _make(ours.data, count)
    if theirs:
        shutil.copytree(ours.data, theirs.data)
    for side in filter(None, (ours, theirs)):
        _measure_first(side)
    for number in range(rounds):
        for side in filter(None, (ours, theirs)):
            _measure_round(side, count, number)
    yield _ratio(group, "first save", "first", 1 / 3, ours, theirs, "dvc add + commit")
    yield _ratio(group, "1 % changed, save", "changed", 0.1, ours, theirs, "dvc add + commit")
    yield _ratio(group, "nothing changed, save", "same", 0.1, ours, theirs, "dvc add + commit")
    yield _ratio(group, "checkout over 1 % changed", "restore", 1, ours, theirs, "dvc checkout")
    yield _ratio(group, "push of 1 % changed", "push", 0.1, ours, theirs, "dvc push")
    bench.remarks.append(_in_process(ours, theirs, count))
    for side in filter(None, (ours, theirs)):
        shutil.rmtree(side.folder)
    yield _large(bench)


def _sides(bench: Bench) -> tuple[Side, Side | None]:
    mlnb = [sys.executable, "-m", "mlnb"]
    ours = Side("mlnb", mlnb, bench.folder / "files" / "mlnb")
    ours.folder.mkdir(parents=True)
    (ours.folder / "mlnb.toml").write_text('name = "bench"\n', encoding="utf-8")
    if bench.peers and "dvc" not in bench.peers:
        return ours, None
    beside = Path(sys.executable).with_name("dvc")
    found = str(beside) if beside.exists() else shutil.which("dvc")
    if found is None:
        bench.leave_out(_PEER, "the program dvc is not installed")
        return ours, None
    theirs = Side(_PEER, [found], bench.folder / "files" / "dvc")
    theirs.folder.mkdir(parents=True)
    theirs.do("init", "--no-scm", "--quiet")
    for key in ("analytics", "check_update"):
        theirs.do("config", f"core.{key}", "false")
    theirs.do("remote", "add", "--default", "--quiet", "there", str(theirs.folder / "remote"))
    return ours, theirs


# -- what is measured ----------------------------------------------------------------------------


def _measure_first(side: Side) -> None:
    if side.name == _PEER:
        side.run("first", ("add", "--quiet", "data"), ("commit", "--quiet"))
        side.run("push all", ("push", "--quiet"))
    else:
        side.run("first", ("dataset", "save", "data", "photos"))
        side.run("push all", ("dataset", "push", "photos", "--to", str(side.folder / "remote")))


def _measure_round(side: Side, count: int, number: int) -> None:
    """Save nothing new, edit and save, push, go back one version, and come again."""
    pointer = side.folder / "data.dvc"
    if side.name == _PEER:
        before = pointer.read_text(encoding="utf-8")
        add = (("add", "--quiet", "data"), ("commit", "--quiet"))
        side.run("same", *add)
        _edit(side.data, count, number)
        side.run("changed", *add)
        side.run("push", ("push", "--quiet"))
        after = pointer.read_text(encoding="utf-8")
        for text in (before, after):
            pointer.write_text(text, encoding="utf-8")
            side.run("restore", ("checkout", "--quiet", "data.dvc"))
    else:
        save = ("dataset", "save", "data", "photos")
        side.run("same", save)
        _edit(side.data, count, number)
        side.run("changed", save)
        side.run("push", ("dataset", "push", "photos", "--to", str(side.folder / "remote")))
        for version in (f"photos@{number + 1}", f"photos@{number + 2}"):
            side.run("restore", ("dataset", "checkout", version, "data"))


def _ratio(
    group: str, what: str, key: str, limit: float, ours: Side, theirs: Side | None, unit: str
) -> Goal:
    mine = ours.best(key)
    peer = theirs.best(key) if theirs else float("nan")
    return Goal(
        group=group,
        what=what,
        measured=mine / peer,
        limit=round(limit, 3),
        unit=f"× {unit}",
        note=f"whole processes: mlnb {mine:.2f} s, {unit} {peer:.2f} s"
        + ("" if theirs else "; not measured, for there is no DVC"),
    )


_OUR_CODE = """
import json, time
from mlnb import datasets
def save(): datasets.save("data", "photos")
"""
_THEIR_CODE = """
import json, time
from dvc.repo import Repo
repo = Repo(".")
def save(): repo.add("data"); repo.commit(force=True)
"""
_TIMING = """
save()
times = []
for _ in range(3):
    begun = time.perf_counter(); save(); times.append(time.perf_counter() - begun)
print(json.dumps(min(times)))
"""


def _in_process(ours: Side, theirs: Side | None, count: int) -> str:
    """Return what saving again costs in a process that runs already."""
    told = []
    for side, code in ((ours, _OUR_CODE), (theirs, _THEIR_CODE)):
        if side is None:
            continue
        python = Path(side.program[0]).with_name("python")
        done = subprocess.run(
            [str(python) if side is theirs else sys.executable, "-c", code + _TIMING],
            cwd=side.folder,
            capture_output=True,
            text=True,
            timeout=60 * _MINUTES,
        )
        if done.returncode == 0:
            told.append(f"{side.name} {json.loads(done.stdout.splitlines()[-1]):.2f} s")
        else:
            told.append(f"{side.name} failed: {done.stderr.strip().splitlines()[-1:]}")
    return f"{count:,} files, nothing changed, saved again in a running process: {', '.join(told)}"


def _large(bench: Bench) -> Goal:
    """Insert 64 KB in the middle of a large file; say what the store grows by."""
    size = (256 if bench.quick else 1024) << 20
    folder = bench.folder / "files" / "large"
    ours = Side("mlnb", [sys.executable, "-m", "mlnb"], folder)
    ours.data.mkdir(parents=True)
    (folder / "mlnb.toml").write_text('name = "bench"\n', encoding="utf-8")
    file = ours.data / "model.bin"
    source = random.Random(_SEED)  # noqa: S311 (test data)
    with file.open("wb") as stream:
        for _ in range(size >> 24):
            stream.write(source.randbytes(1 << 24))
    ours.run("first", ("dataset", "save", "data", "model"))
    before = bytes_under(folder / ".mlnb")
    with file.open("r+b") as stream:
        stream.seek(size // 2)
        rest = stream.read()
        stream.seek(size // 2)
        stream.write(source.randbytes(64 << 10))
        stream.write(rest)
    ours.run("inserted", ("dataset", "save", "data", "model"))
    grown = bytes_under(folder / ".mlnb") - before
    shutil.rmtree(folder)
    return Goal(
        group=f"one file of {size / 2**30:g} GB",
        what="64 KB inserted, stored more",
        measured=100 * grown / size,
        limit=1,
        unit="% of the file",
        beside={_PEER: 100.0},
        note=f"{grown / 1e6:.2f} MB more; first save {ours.best('first'):.1f} s, "
        f"second {ours.best('inserted'):.1f} s; DVC keeps whole files",
    )


# -- the data ------------------------------------------------------------------------------------


def _make(folder: Path, count: int) -> None:
    """Write files: three of four like pictures (no compression helps), one of text."""
    source = random.Random(_SEED)  # noqa: S311 (test data)
    words = [source.randbytes(4).hex()[: source.randint(2, 8)] for _ in range(4_000)]
    for number in range(count):
        path = _path(folder, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_content(source, number, words))


def _edit(folder: Path, count: int, number: int) -> None:
    """Write every hundredth file anew."""
    source = random.Random(_SEED + 1 + number)  # noqa: S311 (test data)
    for chosen in source.sample(range(count), count // 100):
        _path(folder, chosen).write_bytes(_content(source, chosen, ["other", "words", "now"]))


def _path(folder: Path, number: int) -> Path:
    suffix = "txt" if number % 4 == 0 else "jpg"
    return folder / f"{number % 100:02d}" / f"item_{number:05d}.{suffix}"


def _content(source: random.Random, number: int, words: list[str]) -> bytes:
    size = source.randint(5_000, 50_000)
    if number % 4:
        return source.randbytes(size)
    return " ".join(source.choices(words, k=size // 4)).encode()[:size]
