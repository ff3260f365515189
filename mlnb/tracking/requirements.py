"""The packages a model needs, found in this process.

MLflow starts another interpreter, loads the model there and lists whatever got imported: seconds,
and a list with packages that only happened to be imported. A model in skops format names every
type it is made of, so the packages are those of the types' modules, and those that load it.
"""

import json
import pickletools
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from io import BytesIO
from pathlib import Path
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


def of_file(file: Path) -> list[str]:
    """Return the requirements of a model that was written as skops or pickle; nothing is loaded.

    Raises
    ------
    OSError, ValueError
        If it cannot be read.
    """
    content = file.read_bytes()
    return of_skops(content) if content.startswith(b"PK") else pinned(_modules_pickled(content))


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


def _modules_pickled(content: bytes) -> Iterator[str]:
    """Yield the modules that a pickle names: they are written out, and imported already."""
    for operation, argument, _position in pickletools.genops(content):
        if isinstance(argument, str):
            name = argument.partition(" ")[0] if operation.name == "GLOBAL" else argument
            if name in sys.modules:
                yield name
