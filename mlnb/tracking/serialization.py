"""Models as files: skops format, written with an explicit list of types, loaded against it.

Nothing here unpickles. skops rebuilds an object only from types it was told to trust; the list is
kept in the registry, not beside the model, so that changing the model's files cannot extend it.
"""

import shutil
import warnings
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlnb.core.errors import UnsupportedData, UntrustedModel
from mlnb.core.extras import require
from mlnb.core.hashing import digest_folder
from mlnb.core.records import Column

TRUSTED_ROOTS = frozenset({"numpy", "scipy", "sklearn"})
"""Libraries whose types a model may contain without being asked."""
EXAMPLE_ROWS = 5

_ARROW = {
    "boolean": "bool",
    "integer": "int32",
    "long": "int64",
    "float": "float",
    "double": "double",
    "string": "string",
    "binary": "binary",
    "datetime": "timestamp[us]",
}


def read_file(path: Path, allowed: Sequence[str]) -> Any:
    """Read a model from a ``.skops`` file of the user's own.

    Raises
    ------
    UnsupportedData
        If it is no such file, or contains a type that is not allowed.
    """
    if path.suffix != ".skops" or not path.is_file():
        raise UnsupportedData(
            f"{str(path)!r} is no model file.", "Write one with skops.io.dump(model, 'x.skops')."
        )
    skops = require("skops.io", "serving")
    try:
        found = list(skops.get_untrusted_types(file=path))
    except Exception as error:  # whatever a damaged archive makes the reader raise
        raise UnsupportedData(f"{str(path)!r} cannot be read: {error}") from error
    _refuse(found, allowed)
    return skops.load(path, trusted=found)


def trusted_types(model: Any, allowed: Sequence[str]) -> list[str]:
    """Return the types in a model that skops has to be told to trust.

    Raises
    ------
    UnsupportedData
        If it is no scikit-learn model, or contains a type that is not allowed.
    """
    require("sklearn", "serving")
    from sklearn.base import BaseEstimator

    if not isinstance(model, BaseEstimator) or not hasattr(model, "predict"):
        raise UnsupportedData(
            f"A {type(model).__name__} cannot be registered.",
            "Pass a fitted scikit-learn estimator or pipeline that predicts.",
        )
    skops = require("skops.io", "serving")
    try:
        found = list(skops.get_untrusted_types(data=skops.dumps(model)))
    except Exception as error:  # skops raises whatever the object's own state raises
        raise UnsupportedData(
            f"The model cannot be stored safely: {error}",
            "Replace lambdas and functions of the notebook by estimators or library functions.",
        ) from error
    _refuse(found, allowed)
    return found


def _refuse(types: Iterable[str], allowed: Sequence[str]) -> None:
    refused = [
        name
        for name in types
        if name.partition(".")[0] not in TRUSTED_ROOTS and name not in allowed
    ]
    if refused:
        raise UnsupportedData(
            f"The model contains types that are not trusted: {', '.join(refused)}.",
            f"If they are yours, pass trusted={refused!r}.",
        )


def signature_of(model: Any, example: Any, predictions: Any) -> Any:
    """Return MLflow's signature of a model from example inputs (and outputs)."""
    from mlflow.models import infer_signature

    if predictions is None:
        predictions = model.predict(example)
    with warnings.catch_warnings():
        # It advises floats for integer columns; a column that has no gaps is stored as it is.
        warnings.filterwarnings("ignore", message="Hint: Inferred schema contains integer")
        return infer_signature(example, predictions)


def columns(signature: Any) -> list[Column]:
    """Return a signature's inputs with Arrow types."""
    found = []
    for item in signature.inputs.inputs if signature is not None and signature.inputs else []:
        name = getattr(item.type, "name", str(item.type)).lower()
        found.append(Column(name=str(item.name), type=_ARROW.get(name, name)))
    return found


def save(
    model: Any, run_id: str, trusted: list[str], signature: Any, example: Any
) -> tuple[str, str, str]:
    """Log a model to a run of MLflow's current store.

    Returns
    -------
    uri, model_id : str
        MLflow's names of the logged model.
    digest : str
        Of its files, as the store gives them back.
    """
    import mlflow
    from mlflow.models import Model

    packages = ("mlflow", "scikit-learn", "skops", "numpy", "pandas")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Hint: Inferred schema contains integer")
        made = Model.log(
            artifact_path=None,
            name="model",
            flavor=mlflow.sklearn,
            run_id=run_id,
            sk_model=model,
            serialization_format="skops",
            skops_trusted_types=trusted,
            signature=signature,
            input_example=None if example is None else example.head(EXAMPLE_ROWS),
            # Given, because MLflow would start another interpreter for ten seconds to find them.
            pip_requirements=[f"{package}=={version(package)}" for package in packages],
        )
    # By its place, not as models:/…, for which MLflow adds a file of its own to the download.
    with TemporaryDirectory(prefix="mlnb-") as folder:
        digest = digest_folder(copy(made.artifact_path, Path(folder)))
    return made.model_uri, made.model_id, digest


def local_folder(uri: str) -> Path | None:
    """Return the store's own folder of a model's files, or None when the store is elsewhere."""
    folder = Path(uri.removeprefix("file://"))
    return folder if folder.is_dir() else None


def copy(uri: str, target: Path) -> Path:
    """Copy a model's files below a folder and return where they are."""
    from mlflow.artifacts import download_artifacts

    origin = local_folder(uri)
    if origin is not None:
        return Path(shutil.copytree(origin, target / "model"))
    return Path(download_artifacts(artifact_uri=uri, dst_path=str(target)))


def load(folder: Path, ref: str, trusted: Sequence[str]) -> Any:
    """Load a model from verified files.

    Raises
    ------
    UntrustedModel
        If it is not in skops format, or contains types the registry does not list.
    """
    import yaml

    described = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
    flavor = described.get("flavors", {}).get("sklearn", {})
    if flavor.get("serialization_format") != "skops":
        raise UntrustedModel(
            ref,
            "it is stored as a pickle, which can run any code when it is loaded",
            "Register it with mlnb.models.register.",
        )
    skops = require("skops.io", "serving")
    file = folder / str(flavor.get("pickled_model", "model.skops"))
    unknown = [name for name in skops.get_untrusted_types(file=file) if name not in trusted]
    if unknown:
        raise UntrustedModel(
            ref, f"it contains types it was not registered with: {', '.join(unknown)}"
        )
    return skops.load(file, trusted=list(trusted))
