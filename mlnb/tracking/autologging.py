"""Models that MLflow logs in a run, by autologging or by hand, without its slow parts.

MLflow finds the packages of a scikit-learn model by loading it in another process: seconds in the
middle of a cell. While a run of ours is open they are found here. Autologging would also pickle
the model; it is asked to use the skops format where that holds the model, so that
`mlnb.models.register` takes the model as it was logged and logs it no second time.
"""

import functools
import importlib.util
import json
import re
import sys
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any
from weakref import ref

from mlnb.core.errors import MlnbError
from mlnb.tracking import requirements, serialization

_VARYING = re.compile(r'[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|"(?:__id__|file)": "?[^,"}]+"?')
"""Names of files and addresses of objects in a skops schema: other ones each time."""


@dataclass(frozen=True)
class Logged:
    """A model that autologging has logged."""

    model: "ref[Any]"
    run: str
    uri: str
    model_id: str
    place: str
    content: bytes


_logged: dict[int, Logged] = {}
_is_open: Callable[[], bool] = bool


def install(is_open: Callable[[], bool]) -> None:
    """Take MLflow's slow parts over in this process, once MLflow is imported.

    Parameters
    ----------
    is_open : callable
        Tells whether a run that wants this is open; else MLflow does as ever.
    """
    global _is_open
    _is_open = is_open
    import mlflow.models

    if hasattr(mlflow.models.infer_pip_requirements, "_mlnb"):
        return
    mlflow.models.infer_pip_requirements = _found_here(mlflow.models.infer_pip_requirements)
    if "mlflow.sklearn" in sys.modules:
        _watch_sklearn(sys.modules["mlflow.sklearn"])
    else:
        sys.meta_path.insert(0, _Watch())


def _watch_sklearn(sklearn: Any) -> None:
    sklearn.log_model = _as_skops(sklearn.log_model, sklearn)


class _Watch(MetaPathFinder):
    """Notices when MLflow loads its scikit-learn part; then it takes itself out of the way."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the module where it is, with a loader that tells us."""
        if fullname != "mlflow.sklearn":
            return None
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        found = importlib.util.find_spec(fullname)
        if found is not None and found.loader is not None:
            execute = found.loader.exec_module

            def executed(module: ModuleType) -> None:
                execute(module)
                _watch_sklearn(module)

            found.loader.exec_module = executed  # type: ignore[method-assign]  # of this import
        return found


def _found_here(original: Any) -> Any:
    @functools.wraps(original)
    def infer(model_uri: Any, flavor: str, *args: Any, **kwargs: Any) -> Any:
        file = Path(str(model_uri))
        if flavor == "sklearn" and _is_open() and file.is_file() and not _is_uv():
            with suppress(OSError, ValueError, KeyError):  # then MLflow looks itself
                return sorted(requirements.of_file(file))
        return original(model_uri, flavor, *args, **kwargs)

    infer._mlnb = True  # type: ignore[attr-defined]  # marks that it is ours
    return infer


def _is_uv() -> bool:
    """Tell whether MLflow takes the packages from a project of uv, which is fast."""
    return Path("uv.lock").exists() and Path("pyproject.toml").exists()


def _as_skops(original: Any, sklearn: Any) -> Any:
    @functools.wraps(original)
    def log_model(sk_model: Any, *args: Any, **kwargs: Any) -> Any:
        if not _is_open() or not sklearn._SklearnTrainingSession.is_active():
            return original(sk_model, *args, **kwargs)
        try:
            serialization.packed(sk_model, ())
        except MlnbError:  # skops cannot hold it, or would have to trust types of other libraries
            return original(sk_model, *args, **kwargs)
        sk_model._mlflow_run_id = _active_run()  # as MLflow does a moment later
        content, types = serialization.packed(sk_model, ())
        kwargs |= {"serialization_format": "skops", "skops_trusted_types": types}
        made = original(sk_model, *args, **kwargs)
        with suppress(Exception):  # it cannot be referred to weakly: it is logged again
            _logged[id(sk_model)] = Logged(
                ref(sk_model),
                made.run_id,
                made.model_uri,
                made.model_id,
                made.artifact_path,
                content,
            )
        return made

    log_model._mlnb = True  # type: ignore[attr-defined]  # marks that it is ours
    return log_model


def _active_run() -> str:
    import mlflow

    active = mlflow.active_run()
    return str(active.info.run_id) if active is not None else ""


def logged(model: Any, run: str, content: bytes) -> Logged | None:
    """Return what autologging has logged of a model in a run, if it has not changed since.

    Parameters
    ----------
    model : estimator
        The object.
    run : str
        The run's id in the store.
    content : bytes
        The model as it is now, in skops format.
    """
    found = _logged.get(id(model))
    if found is None or found.model() is not model or found.run != run:
        return None
    return found if _parts(found.content) == _parts(content) else None


def _parts(content: bytes) -> tuple[str, list[int]]:
    """Return what tells two models in skops format apart: names of files are made up each time."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        schema = json.loads(archive.read("schema.json"))
        others = [item.CRC for item in archive.infolist() if item.filename != "schema.json"]
    return _VARYING.sub("", json.dumps(schema, sort_keys=True)), sorted(others)
