"""How each record is laid out: modules per noun, registered on `render.view` and `row`.

They are imported when something is laid out, those of its own noun first: the others would make
every command wait for what only they need.
"""

import re
from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from typing import Any


def register_for(result: Any, is_registered: Callable[[type], bool]) -> None:
    """Import the modules that lay a result out.

    Parameters
    ----------
    result : Any
        What is to be laid out.
    is_registered : callable
        Tells whether somebody lays a type out.
    """
    kinds = {type(item) for item in result} if isinstance(result, list) else {type(result)}
    for kind in kinds - {str}:
        if not is_registered(kind):
            _import(_nouns(kind))
        if not is_registered(kind):
            _import(("",))


def _nouns(kind: type) -> tuple[str, ...]:
    """Return how the modules' names may begin: as the class's name does, or its package's."""
    word = re.match("[A-Z][a-z]*", kind.__name__)
    package = f"{kind.__module__}.".split(".")[1].removesuffix("s")
    return tuple(name for name in (word[0].lower() if word else "", package) if name)


def _import(prefixes: tuple[str, ...]) -> None:
    for module in iter_modules(__path__):
        if module.name.startswith(prefixes):
            import_module(f"{__name__}.{module.name}")
