"""The settings that warm kernels need, read without the whole table of settings.

The hot path must not import pydantic; what is read here is checked by `mlnb.core.settings` as
soon as anything else of mlnb runs.
"""

from __future__ import annotations

import os
import sys

from mlnb.execution.warm import packing, places

TYPE_CHECKING = False  # to import typing would take longer than all else
if TYPE_CHECKING:
    from typing import Any, Self

PRELOAD = "numpy, pandas, sklearn, matplotlib.pyplot, mlflow"
MODES = ("auto", "fork", "pool", "off")


class Options(tuple["Any", ...]):
    """How warm kernels are to be had.

    ``preload``: names of modules to import ahead, in this order. ``mode``: ``"fork"``, ``"pool"``
    or ``"off"``. ``idle``: seconds that a zygote without children stays. ``pool``: kernels that a
    pool keeps started. (A named tuple by hand: `collections` alone takes a millisecond.)
    """

    __slots__ = ()

    def __new__(cls, preload: tuple[str, ...], mode: str, idle: float, pool: int) -> Self:
        """Make it."""
        return tuple.__new__(cls, (preload, mode, idle, pool))

    @property
    def preload(self) -> tuple[str, ...]:
        """Names of modules."""
        value: tuple[str, ...] = self[0]
        return value

    @property
    def mode(self) -> str:
        """``"fork"``, ``"pool"`` or ``"off"``."""
        value: str = self[1]
        return value

    @property
    def idle(self) -> float:
        """Seconds."""
        value: float = self[2]
        return value

    @property
    def pool(self) -> int:
        """How many."""
        value: int = self[3]
        return value

    def _replace(self, **changes: Any) -> Self:
        given = {"preload": self[0], "mode": self[1], "idle": self[2], "pool": self[3]}
        return type(self)(**{**given, **changes})


def names(text: str) -> tuple[str, ...]:
    """Split a list of modules at commas and white space, each name once."""
    return tuple(dict.fromkeys(text.replace(",", " ").split()))


def options(start: str = "") -> Options:
    """Return the options of the project around a folder (by default the working directory)."""
    table = _table(start or os.environ.get("MLNB_PROJECT") or os.getcwd())

    def value(name: str, default: str) -> str:
        return os.environ.get(f"MLNB_{name.upper()}") or str(table.get(name, default))

    mode = value("warm_kernels", "auto")
    return Options(
        preload=names(value("preload", PRELOAD)),
        mode=resolve(mode if mode in MODES else "auto"),
        idle=float(value("warm_idle", "900")),
        pool=int(value("warm_pool", "2")),
    )


def resolve(mode: str) -> str:
    """Say what ``"auto"`` means on this system.

    Forking without an exec is unsafe on macOS, where system libraries start threads of their own,
    and is not to be had on Windows, where there is no pool either.
    """
    if sys.platform == "win32":
        return "off"
    if mode == "auto":
        return "fork" if sys.platform.startswith("linux") else "pool"
    return mode


def _table(start: str) -> dict[str, object]:
    folder = os.path.abspath(start)
    while True:
        file = os.path.join(folder, "mlnb.toml")
        if os.path.isfile(file):
            return _read(file)
        above = os.path.dirname(folder)
        if above == folder or os.path.exists(os.path.join(folder, ".git")):
            return {}
        folder = above


_READ = ("preload", "warm_kernels", "warm_idle", "warm_pool")


def _read(file: str) -> dict[str, object]:
    """Return the entries of a project file, as they were noted when it was last parsed."""
    state = os.stat(file)
    stamp = [file, state.st_mtime_ns, state.st_size, state.st_ino]
    note = ""
    try:
        note = places.settings_path(file)
        with open(note, encoding="utf-8") as stream:
            noted = packing.loads(stream.read())
        if noted["stamp"] == stamp:
            return dict(noted["table"])
    except (OSError, ValueError):
        pass  # a note that cannot be read or written is only missed
    table = _parsed(file)
    try:
        draft = f"{note}.{os.getpid()}"
        with open(draft, "w", encoding="utf-8") as stream:
            stream.write(packing.dumps({"stamp": stamp, "table": table}))
        os.replace(draft, note)
    except OSError:
        pass
    return table


def _parsed(file: str) -> dict[str, object]:
    import tomllib  # with typing and more: as long as the rest of the client

    try:
        with open(file, "rb") as stream:
            table = tomllib.load(stream)
    except (OSError, tomllib.TOMLDecodeError):
        return {}  # said by the table of settings
    return {name: str(table[name]) for name in _READ if name in table}
