"""Imports of optional libraries, with one clear error when the extra is not installed."""

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from mlnb.core.errors import MissingExtra


def require(module: str, extra: str) -> ModuleType:
    """Import a module of an optional part.

    Raises
    ------
    MissingExtra
        Naming the extra to install.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name and module.split(".")[0] == error.name.split(".")[0]:
            raise MissingExtra(module, extra) from None
        raise


def installed(module: str, extra: str) -> None:
    """Look whether a top-level module is there, without importing it.

    Raises
    ------
    MissingExtra
        Naming the extra to install.
    """
    if sys.modules.get(module) is None and find_spec(module) is None:
        raise MissingExtra(module, extra)
