"""The settings that warm kernels need, read without the whole table of settings.

The hot path must not import pydantic; what is read here is checked by `mlnb.core.settings` as
soon as anything else of mlnb runs.
"""

import json
import os
import sys
from collections import namedtuple
from contextlib import suppress

from mlnb.execution.warm import places

PRELOAD = "numpy, pandas, sklearn, matplotlib.pyplot, mlflow"
MODES = ("auto", "fork", "pool", "off")


Options = namedtuple("Options", ("preload", "mode", "idle", "pool"))
"""How warm kernels are to be had.

``preload``: names of modules to import ahead, in this order. ``mode``: ``"fork"``, ``"pool"`` or
``"off"``. ``idle``: seconds that a zygote without children stays. ``pool``: kernels that a pool
keeps started. (A `typing.NamedTuple` would make every start of the program wait for `typing`.)
"""


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
    with suppress(OSError, ValueError):  # a note that cannot be read or written is only missed
        note = places.settings_path(file)
        with open(note, encoding="utf-8") as stream:
            noted = json.load(stream)
        if noted["stamp"] == stamp:
            return dict(noted["table"])
    table = _parsed(file)
    with suppress(OSError):
        draft = f"{note}.{os.getpid()}"
        with open(draft, "w", encoding="utf-8") as stream:
            json.dump({"stamp": stamp, "table": table}, stream)
        os.replace(draft, note)
    return table


def _parsed(file: str) -> dict[str, object]:
    import tomllib  # with typing and more: as long as the rest of the client

    try:
        with open(file, "rb") as stream:
            table = tomllib.load(stream)
    except (OSError, tomllib.TOMLDecodeError):
        return {}  # said by the table of settings
    return {name: str(table[name]) for name in _READ if name in table}
