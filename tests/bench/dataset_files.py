"""A folder of 20,000 small files, and one large file, beside DVC.

Like with like: a goal compares a function of `mlnb.datasets` in a process that runs already, as a
notebook's kernel does, with the same of DVC's own Python API (``Repo.add`` and ``Repo.commit``,
``checkout``, ``push``), on equal copies of the folder, one right after the other. The commands
``mlnb dataset …`` and ``dvc …`` as whole processes stand beside it in the note. The first save is
that of whole processes.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
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
    kernel: subprocess.Popen[str] | None = None
    """The process that runs already."""

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

    def ask(self, what: str, code: str) -> None:
        """Run a statement in the running process and note how long it took."""
        assert self.kernel is not None
        assert self.kernel.stdin is not None
        assert self.kernel.stdout is not None
        self.kernel.stdin.write(f"{code}\n")
        self.kernel.stdin.flush()
        answer = self.kernel.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.name}: {code} failed")
        self.seconds.setdefault(f"{what}, running", []).append(json.loads(answer))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Have a process that runs already."""
        python = Path(self.program[0]).with_name("python")
        self.kernel = subprocess.Popen(
            [str(python) if python.exists() else sys.executable, "-c", _KERNELS[self.name]],
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield
        finally:
            self.kernel.communicate(timeout=60)

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
    sides = [side for side in (ours, theirs) if side]
    _measure_first(sides)
    for number in range(rounds):
        for side in sides:
            _measure_processes(side, count, 2 * number)
    with ExitStack() as stack:
        for side in sides:
            stack.enter_context(side.running())
            side.ask("warm", _SAVE[side.name])
        for number in range(rounds):
            for side in sides:
                _measure_running(side, count, rounds + number)
    add = "DVC add + commit"
    yield _whole(group, "first save", "first", 1 / 3, ours, theirs, add)
    yield _ratio(group, "1 % changed, save", "changed", 0.1, ours, theirs, add)
    yield _ratio(group, "nothing changed, save", "same", 0.1, ours, theirs, add)
    yield _ratio(group, "checkout over 1 % changed", "restore", 1, ours, theirs, "DVC checkout")
    yield _ratio(group, "push of 1 % changed", "push", 0.1, ours, theirs, "DVC push")
    for side in sides:
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


def _measure_first(sides: Sequence[Side], times: int = 2) -> None:
    """Save everything, from nothing, and push it."""
    for _ in range(times):
        for side in sides:
            for kept in (".mlnb", ".dvc/cache", ".dvc/tmp", "data.dvc"):
                path = side.folder / kept
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            os.sync()  # what was written before is not to be waited for
            if side.name == _PEER:
                side.run("first", ("add", "--quiet", "data"), ("commit", "--quiet"))
            else:
                side.run("first", ("dataset", "save", "data", "photos"))
    for side in sides:
        if side.name == _PEER:
            side.do("push", "--quiet")
        else:
            side.do("dataset", "push", "photos", "--to", str(side.folder / "remote"))


def _measure_processes(side: Side, count: int, number: int) -> None:
    """Save nothing new, edit and save, push, go back one version and forth, by commands."""
    if side.name == _PEER:
        save: tuple[tuple[str, ...], ...] = (("add", "--quiet", "data"), ("commit", "--quiet"))
        push: tuple[str, ...] = ("push", "--quiet")
    else:
        save = (("dataset", "save", "data", "photos"),)
        push = ("dataset", "push", "photos", "--to", str(side.folder / "remote"))
    before = _version(side)
    side.run("same", *save)
    _edit(side.data, count, number)
    side.run("changed", *save)
    after = _version(side)
    assert before != after
    side.run("push", push)
    for version in (before, after):
        if side.name == _PEER:
            _pointer(side).write_text(version, encoding="utf-8")
            side.run("restore", ("checkout", "--quiet", "data.dvc"))
        else:
            side.run("restore", ("dataset", "checkout", version, "data"))


def _measure_running(side: Side, count: int, number: int) -> None:
    """Do the same by functions, in a process that runs already."""
    before = _version(side)
    side.ask("same", _SAVE[side.name])
    _edit(side.data, count, 1_000 + number)
    side.ask("changed", _SAVE[side.name])
    after = _version(side)
    assert before != after
    peer = side.name == _PEER
    remote = str(side.folder / "remote")
    side.ask("push", "repo.push()" if peer else f"datasets.push('photos', {remote!r})")
    assert peer or _version(side, "remote") == _version(side)
    for version in (before, after):
        if peer:
            _pointer(side).write_text(version, encoding="utf-8")
        code = "repo.checkout('data.dvc')" if peer else f"datasets.checkout({version!r}, 'data')"
        side.ask("restore", code)


def _version(side: Side, store: str = ".mlnb/store") -> str:
    """Return what names the newest version."""
    if side.name == _PEER:
        return _pointer(side).read_text(encoding="utf-8")
    log = side.folder / store / "logs" / "datasets" / "photos" / "versions"
    return f"photos@{max(int(file.stem) for file in log.iterdir())}"


def _pointer(side: Side) -> Path:
    return side.folder / "data.dvc"


_SAVE = {
    "mlnb": "datasets.save('data', 'photos')",
    _PEER: "repo.add('data'); repo.commit(force=True)",
}
_LOOP = """
import contextlib, json, sys, time
for line in sys.stdin:
    begun = time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):
        exec(line)
    print(json.dumps(time.perf_counter() - begun), flush=True)
"""
_KERNELS = {
    "mlnb": f"from mlnb import datasets{_LOOP}",
    _PEER: f"from dvc.repo import Repo; repo = Repo('.'){_LOOP}",
}


def _whole(
    group: str, what: str, key: str, limit: float, ours: Side, theirs: Side | None, peer: str
) -> Goal:
    mine = ours.best(key)
    other = theirs.best(key) if theirs else float("nan")
    return Goal(
        group=group,
        what=what,
        measured=mine / other,
        limit=round(limit, 3),
        unit=f"× {peer}",
        note=f"whole processes: mlnb {mine:.2f} s, {peer} {other:.2f} s",
    )


def _ratio(
    group: str, what: str, key: str, limit: float, ours: Side, theirs: Side | None, peer: str
) -> Goal:
    mine = ours.best(f"{key}, running")
    other = theirs.best(f"{key}, running") if theirs else float("nan")
    whole = _whole(group, what, key, limit, ours, theirs, peer)
    return Goal(
        group=group,
        what=what,
        measured=mine / other,
        limit=limit,
        unit=f"× {peer}",
        note=f"in a running process: mlnb {mine:.3f} s, {peer} {other:.2f} s; "
        f"{whole.note}, ratio {whole.measured:.2f}",
    )


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
