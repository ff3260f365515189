"""The settings that warm kernels need, read without the whole table of settings.

The hot path must not import pydantic; what is read here is checked by `mlnb.core.settings` as
soon as anything else of mlnb runs.
"""

import os
import sys
from typing import NamedTuple

PRELOAD = "numpy, pandas, sklearn, matplotlib.pyplot, mlflow"
MODES = ("auto", "fork", "pool", "off")


class Options(NamedTuple):
    """How warm kernels are to be had."""

    preload: tuple[str, ...]
    """Modules to import ahead, in this order."""
    mode: str
    """``"fork"``, ``"pool"`` or ``"off"``."""
    idle: float
    """Seconds that a zygote without children stays."""
    pool: int
    """Kernels that a pool keeps started."""


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
            import tomllib

            try:
                with open(file, "rb") as stream:
                    return tomllib.load(stream)
            except (OSError, tomllib.TOMLDecodeError):
                return {}  # said by the table of settings
        above = os.path.dirname(folder)
        if above == folder or os.path.exists(os.path.join(folder, ".git")):
            return {}
        folder = above
