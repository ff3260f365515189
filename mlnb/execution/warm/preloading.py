"""Import modules ahead of time, if a fork can follow.

Each is first imported in a forked child that is thrown away. A module is refused when its import
leaves threads that do not end at a fork (their locks would stay locked for ever in a child), opens
a socket, a database or a file for writing (children would share it), or does not end well.
"""

import ctypes
import importlib
import importlib.util
import json
import os
import random
import signal
import sys
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from mlnb.execution.warm import deferring

PATIENCE = 120
"""Seconds that the import of a module may take."""
RULES = 2
"""Verdicts that were found by other rules than these are not believed."""

DEEPER = {
    "sklearn": (
        "sklearn.compose",
        "sklearn.datasets",
        "sklearn.ensemble",
        "sklearn.impute",
        "sklearn.linear_model",
        "sklearn.metrics",
        "sklearn.model_selection",
        "sklearn.pipeline",
        "sklearn.preprocessing",
    ),
    "mlflow": ("mlflow.sklearn", "mlflow.tracking"),
}
"""What notebooks import of a package that does not import it itself."""

# jemalloc keeps a thread that gives memory back. It survives forks (it has handlers for them),
# but cannot be told from a harmful one, so that it is switched off during the imports.
_GOOD = "good"
_QUIET = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}

_CACHED = {"uuid": ("_last_timestamp",), "tempfile": ("_name_sequence", "tempdir")}
"""What modules remember that is of one process."""

_unseeded: "weakref.WeakSet[random.Random]" = weakref.WeakSet()


def threads() -> int:
    """Return how many threads this process has, Python's and others."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        import threading

        return threading.active_count()


def lasting_threads() -> int:
    """Return how many threads there are that do not end at a fork.

    OpenBLAS starts threads when it is loaded, ends them before a fork, and starts others when it
    next needs some.
    """
    if threads() == 1:
        return 0
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return threads() - 1


class Probe:
    """The import of a module in a child that is thrown away.

    Attributes
    ----------
    fd : int
        Becomes readable when the child has come to a verdict.
    """

    def __init__(self, module: str) -> None:
        self.module = module
        self.fd, write = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self.fd)
            _tell_verdict(module, write)
        os.close(write)

    def verdict(self) -> str:
        """Wait for why the module may not be imported ahead; nothing when it may."""
        with os.fdopen(self.fd, "rb") as stream:
            said = stream.read().decode(errors="replace")
        os.waitpid(self._pid, 0)
        if said == _GOOD:
            return ""
        return said or f"its import crashed, or took more than {PATIENCE} s"

    def close(self) -> None:
        """Give up."""
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        self.verdict()


def _tell_verdict(module: str, write: int) -> NoReturn:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(PATIENCE)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 2)  # what it prints was printed by no import that counts
    said = "its import ended the process"
    try:
        said = _try(module) or _GOOD
    except Exception as error:
        said = f"its import failed: {type(error).__name__}: {error}"
    finally:
        with suppress(OSError):
            os.write(write, said[:2000].encode(errors="replace"))
        os._exit(0)


def _try(module: str) -> str:
    before = _open_files()
    with deferring.deferred():
        importlib.import_module(module)
    if count := lasting_threads():
        names = ", ".join(sorted(thread_names()))
        return f"it starts {count} thread{'s' if count > 1 else ''} when imported ({names})"
    opened = sorted(_open_files() - before)
    return f"it opens {opened[0]} when imported" if opened else ""


def thread_names() -> set[str]:
    """Return what the system calls the threads of this process, without the first."""
    names = set()
    for task in Path("/proc/self/task").iterdir():
        if task.name != str(os.getpid()):
            with suppress(OSError):
                names.add((task / "comm").read_text(encoding="utf-8", errors="replace").strip())
    return names


def _open_files() -> set[str]:
    """Return what is open that two processes must not share."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            target = os.readlink(f"/proc/self/fd/{name}")
            if target.startswith("socket:"):
                found.add(f"a socket ({target[7:]})")
            elif "[eventpoll]" in target:
                found.add("an event loop")
            elif target.startswith("/") and not target.startswith(("/dev/", "/proc/")):
                writes = os.fstat(int(name)).st_mode and _writes(int(name))
                database = target.endswith((".db", ".sqlite", ".sqlite3"))
                if writes or database:
                    found.add(f"a file ({Path(target).name})")
    return found


def _writes(fd: int) -> bool:
    import fcntl

    return fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY


class Preloader:
    """Imports a list of modules one by one, refusing those that a fork could not follow.

    Parameters
    ----------
    modules : sequence of str
        Names, in the order to import them.
    verdicts : Path
        Keeps which were refused, so that a zygote started later need not try again.
    stamp : str
        What the verdicts depend on.
    """

    def __init__(self, modules: list[str], verdicts: Path, stamp: str) -> None:
        self.waiting = deepened(modules)
        self.imported: list[str] = []
        self.refused: dict[str, str] = {}
        self.missing: list[str] = []
        self._file = verdicts
        self._stamp = f"{RULES} {stamp}"
        self._known: dict[str, str] = _read(verdicts, self._stamp)

    def step(self) -> Probe | None:
        """Import the next module, or say what has to be found out before."""
        module = self.waiting[0]
        if not _there(module):
            self.missing.append(self.waiting.pop(0))
        elif module not in self._known:
            return Probe(module)
        elif reason := self._known[module]:
            self.refused[self.waiting.pop(0)] = reason
        else:
            # it could be imported a moment ago
            with suppress(Exception), deferring.deferred():
                importlib.import_module(module)
                self.imported.append(module)
            self.waiting.pop(0)
        return None

    def learn(self, probe: Probe) -> None:
        """Take note of a verdict."""
        self._known[probe.module] = probe.verdict()
        self._keep()

    def _keep(self) -> None:
        draft = self._file.with_suffix(f".{os.getpid()}")
        draft.write_text(
            json.dumps({"format": 1, "stamp": self._stamp, "modules": self._known}),
            encoding="utf-8",
        )
        draft.replace(self._file)


def deepened(modules: list[str]) -> list[str]:
    """Return a list of modules with what belongs to them (`DEEPER`), each name once."""
    whole = [name for module in modules for name in (module, *DEEPER.get(module, ()))]
    return list(dict.fromkeys(whole))


def _read(file: Path, stamp: str) -> dict[str, str]:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        return dict(kept["modules"]) if kept["stamp"] == stamp else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError, AttributeError):
        return False


def begin() -> Callable[[], None]:
    """Prepare this process for imports ahead; returns what undoes that."""
    chosen = {name: value for name, value in _QUIET.items() if name not in os.environ}
    os.environ.update(chosen)
    seed = random.Random.seed

    def noting(self: random.Random, a: Any = None, version: int = 2) -> None:
        if a is None:
            _unseeded.add(self)
        else:
            _unseeded.discard(self)
        seed(self, a, version)

    random.Random.seed = noting  # type: ignore[method-assign]

    def undo() -> None:
        random.Random.seed = seed  # type: ignore[method-assign]
        for name in chosen:
            os.environ.pop(name, None)

    return undo


def reseed() -> None:
    """Give every generator of random numbers that nobody seeded a seed of its own.

    OpenSSL notices a fork by itself, and so does whoever asks the system for random bytes.
    """
    random.seed()
    for generator in list(_unseeded):
        generator.seed()
    if (numpy := sys.modules.get("numpy")) and "numpy.random" in sys.modules:
        numpy.random.seed()
    if torch := sys.modules.get("torch"):
        torch.seed()
    for module, names in _CACHED.items():
        if known := sys.modules.get(module):
            for name in names:
                setattr(known, name, None)


def trim() -> None:
    """Give free memory back to the system, so that children share less of it."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
