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
    names = [module.name for module in iter_modules(__path__)]
    for kind in kinds - {str}:
        for chosen in _guesses(kind, names):
            if is_registered(kind):
                break
            for name in chosen:
                import_module(f"{__name__}.{name}")


def _guesses(kind: type, names: list[str]) -> list[list[str]]:
    """Return the noun's own module, all of the noun, and all there are.

    The noun is what the class's name begins with, or its package.
    """
    word = re.match("[A-Z][a-z]*", kind.__name__)
    package = f"{kind.__module__}.".split(".")[1].removesuffix("s")
    nouns = tuple(noun for noun in (word[0].lower() if word else "", package) if noun)
    return [
        [name for name in names if name in nouns],
        [name for name in names if nouns and name.startswith(nouns)],
        names,
    ]
