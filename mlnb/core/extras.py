"""Imports of optional libraries, with one clear error when the extra is not installed."""

from importlib import import_module
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
