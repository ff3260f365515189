"""MLflow without polars: what of MLflow's modules would start polars' threads is put off.

Importing polars starts a thread that deletes what polars has written beside memory; in a forked
child it would be missing, its work undone and waited for at the end. MLflow imports polars for one
function, ``mlflow.data.from_polars``. While modules are imported ahead, its module cannot be
found, which MLflow takes for a polars that is not installed; in a child the function is there
again, and imports polars when it is first looked at.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.util import find_spec
from typing import Any

MODULE = "mlflow.data.polars_dataset"
_NAME = "from_polars"


class _Absent(MetaPathFinder):
    """Finds that one module is not there."""

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        """Fail for that module, and leave all others to those who find them."""
        if name == MODULE:
            raise ModuleNotFoundError("not while modules are imported ahead", name=name)


@contextmanager
def deferred() -> Iterator[None]:
    """Have that module not be found, if polars has not been imported anyway."""
    if "polars" in sys.modules:
        yield
        return
    absent = _Absent()
    sys.meta_path.insert(0, absent)
    try:
        yield
    finally:
        sys.meta_path.remove(absent)


class _Constructors(dict[str, Callable[..., Any]]):
    """MLflow's registry of constructors, complete as soon as somebody looks."""

    whole = False

    def complete(self) -> None:
        """Import what was put off, once."""
        if not self.whole:
            self.whole = True
            data: Any = sys.modules["mlflow.data"]
            data.__dict__.pop("__getattr__", None)
            data.__dict__.pop("__dir__", None)
            with suppress(ImportError):  # as MLflow does
                function = getattr(import_module(MODULE), _NAME)
                self[_NAME] = function
                setattr(data, _NAME, function)

    def __iter__(self) -> Iterator[str]:
        self.complete()
        return super().__iter__()

    def __len__(self) -> int:
        self.complete()
        return super().__len__()

    def __contains__(self, name: object) -> bool:
        self.complete()
        return super().__contains__(name)

    def __getitem__(self, name: str) -> Callable[..., Any]:
        self.complete()
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Look one up."""
        self.complete()
        return super().get(name, default)

    def keys(self) -> Any:
        """Return all names."""
        self.complete()
        return super().keys()

    def values(self) -> Any:
        """Return all constructors."""
        self.complete()
        return super().values()

    def items(self) -> Any:
        """Return both."""
        self.complete()
        return super().items()


def restore() -> None:
    """In the parent, once all is imported: let children find what was put off."""
    data: Any = sys.modules.get("mlflow.data")
    offered = getattr(data, "__all__", None)
    if not isinstance(offered, list) or _NAME in offered or find_spec("polars") is None:
        return
    registry: Any = sys.modules.get("mlflow.data.dataset_registry")
    registered: Any = getattr(registry, "_dataset_registry", None)
    constructors = _Constructors(getattr(registered, "constructors", {}))
    if hasattr(registered, "constructors"):  # another MLflow may keep them elsewhere
        registered.constructors = constructors
    offered.append(_NAME)

    def getattribute(name: str) -> Any:
        if name in (_NAME, MODULE.rpartition(".")[2]):
            constructors.complete()
            if name in data.__dict__:
                return data.__dict__[name]
        raise AttributeError(f"module 'mlflow.data' has no attribute {name!r}")

    def names() -> list[str]:
        constructors.complete()
        return sorted(data.__dict__)

    data.__getattr__ = getattribute
    data.__dir__ = names
