"""The packages a model needs, found in this process.

MLflow starts another interpreter, loads the model there and lists whatever got imported: seconds,
and a list with packages that only happened to be imported. A model in skops format names every
type it is made of, so the packages are those of the types' modules, and those that load it.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from io import BytesIO
from typing import Any
from zipfile import ZipFile

LOADERS = ("mlflow", "scikit-learn", "skops", "numpy", "scipy", "pandas")
"""What loads and calls any model of scikit-learn."""
_KNOWN = {"sklearn": "scikit-learn", "numpy": "numpy", "scipy": "scipy", "pandas": "pandas"}


def of_skops(content: bytes) -> list[str]:
    """Return the requirements of a model in skops format, pinned to what is installed here.

    Parameters
    ----------
    content : bytes
        Of the file.
    """
    with ZipFile(BytesIO(content)) as archive:
        schema = json.loads(archive.read("schema.json"))
    return pinned(_modules(schema))


def of_object(model: Any) -> list[str]:
    """Return the requirements of a fitted model: of all objects that it is made of."""
    return pinned(_modules_within(model))


def pinned(modules: Iterable[str]) -> list[str]:
    """Return the packages of modules and of the `LOADERS`, ``name==version``, the loaders first.

    Modules of the standard library, of the notebook and of no installed package have none.
    """
    names = list(LOADERS)
    for root in sorted({module.partition(".")[0] for module in modules}):
        if root in sys.stdlib_module_names or root in ("__main__", "builtins"):
            continue
        for name in [_KNOWN[root]] if root in _KNOWN else _packages().get(root, []):
            if name not in names:
                names.append(name)
    found = []
    for name in names:
        try:
            found.append(f"{name}=={version(name).partition('+')[0]}")
        except PackageNotFoundError:  # MLflow without its extras does not need it
            continue
    return found


@lru_cache(maxsize=1)
def _packages() -> dict[str, list[str]]:
    """Return the packages of each module; looked up once, only for other libraries' types."""
    return {module: sorted(set(names)) for module, names in packages_distributions().items()}


def _modules(schema: Any) -> Iterator[str]:
    """Yield the modules that a skops schema names, at whatever depth."""
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            module = node.get("__module__")
            if isinstance(module, str):
                yield module
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _modules_within(model: Any, most: int = 100_000) -> set[str]:
    """Return the modules of the types of an object and of all that it holds."""
    found: set[str] = set()
    seen: set[int] = set()
    waiting = [model]
    while waiting and len(seen) < most:
        item = waiting.pop()
        if id(item) in seen or item is None or isinstance(item, str | bytes | int | float):
            continue
        seen.add(id(item))
        if callable(item) and hasattr(item, "__module__"):
            found.add(str(item.__module__))
        found.update(base.__module__ for base in type(item).__mro__)
        if isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, list | tuple | set | frozenset):
            waiting.extend(item)
        waiting.extend(getattr(item, "__dict__", {}).values())
    return found
