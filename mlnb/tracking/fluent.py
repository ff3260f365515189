"""MLflow's own functions follow our run: ``mlflow.log_metric`` and autologging write into it.

Opening a run does not import MLflow. From the moment the notebook does, our run stands on MLflow's
stack of active runs; it is looked for in the store when one of MLflow's functions asks for its id.
"""

import atexit
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from threading import get_ident
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mlnb.tracking import store

if TYPE_CHECKING:
    from mlnb.tracking.recording import Run

_open: "list[Run]" = []
_followers: dict[str, Any] = {}  # by our run's id: what stands for it on MLflow's stack


def follow(run: "Run") -> None:
    """Make a run MLflow's active one, now or as soon as MLflow is imported."""
    _open.append(run)
    store.quiet()
    if "mlflow" in sys.modules:
        _push()
    elif not any(isinstance(finder, _Watch) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Watch())


def leave(run: "Run", status: str) -> str:
    """End what MLflow opened inside a run, and take the run off MLflow's stack.

    Returns
    -------
    str
        The status that the user gave the run through MLflow, if any.
    """
    if run in _open:
        _open.remove(run)
    follower = _followers.pop(run.id, None)
    return follower.leave(status) if follower is not None else ""


def catch_up() -> None:
    """Follow now if another thread has imported MLflow: its stack is each thread's own."""
    if len(_followers) < len(_open) and "mlflow" in sys.modules:
        _push()


def _push() -> None:
    """Put this thread's open runs on MLflow's stack, unless they are or were there."""
    import mlflow  # noqa: F401  (waits, if another thread is importing it)

    from mlnb.tracking import autologging, mlflow_door
    from mlnb.tracking.following import Follower

    mlflow_door.install(lambda: bool(_open))
    autologging.install(lambda: any(run.project.settings.capture_models for run in _open))
    if not _followers:
        atexit.unregister(_withdraw)
        atexit.register(_withdraw)  # before MLflow's own handler, which was registered earlier
    for run in _open:
        if run.id not in _followers and run.thread == get_ident():
            _followers[run.id] = Follower(run)


def _withdraw() -> None:
    """Take our runs off MLflow's stack: its handler would call them finished."""
    for follower in _followers.values():
        follower.withdraw()


class _Watch(MetaPathFinder):
    """Notices the import of MLflow; then it takes itself out of the way."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find MLflow where it is, with a loader that tells us."""
        if fullname != "mlflow":
            return None
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        found = importlib.util.find_spec(fullname)
        if found is not None and found.loader is not None:
            found.loader = _Telling(found.loader)
        return found


class _Telling(Loader):
    """Loads as another loader does, and then tells us."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Create the module as the other does."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Execute the module as the other does; our runs are then MLflow's."""
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        _push()
