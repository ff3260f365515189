"""Models as files: skops format, written with an explicit list of types, loaded against it.

Nothing here unpickles. skops rebuilds an object only from types it was told to trust; the list is
kept in the registry, not beside the model, so that changing the model's files cannot extend it.
"""

import shutil
import warnings
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlnb.core.errors import UnsupportedData, UntrustedModel
from mlnb.core.extras import require
from mlnb.core.hashing import digest_folder
from mlnb.core.records import Column
from mlnb.tracking import auditing, pickled, requirements

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
    if path.is_file() and pickled.is_pickle(path):
        names = ", ".join(pickled.called(path)[:5])
        raise UnsupportedData(
            f"{path.name!r} is a pickle, which can run any code when it is loaded"
            + (f": it names {names}." if names else "."),
            "Load it where you trust it, and register the model, not the file.",
        )
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


def packed(model: Any, allowed: Sequence[str]) -> tuple[bytes, list[str]]:
    """Return a model in skops format, and the types in it that skops has to be told to trust.

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
        content = skops.dumps(model)
        found = list(skops.get_untrusted_types(data=content))
    except Exception as error:  # skops raises whatever the object's own state raises
        raise UnsupportedData(
            f"The model cannot be stored safely: {error}",
            "Replace lambdas and functions of the notebook by estimators or library functions.",
        ) from error
    _refuse(found, allowed)
    return content, found


def _refuse(types: Iterable[str], allowed: Sequence[str]) -> None:
    refused = auditing.untrusted(types, allowed)
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
    content: bytes, run_id: str, trusted: list[str], signature: Any, example: Any
) -> tuple[str, str, str]:
    """Log a model in skops format to a run of MLflow's current store.

    Returns
    -------
    uri, model_id : str
        MLflow's names of the logged model.
    digest : str
        Of its files, as the store gives them back.
    """
    from mlflow.models import Model

    made = Model.log(
        artifact_path=None,
        name="model",
        flavor=_Skops,
        flavor_name="sklearn",
        run_id=run_id,
        content=content,
        serialization_format="skops",
        trusted=trusted,
        signature=signature,
        example=None if example is None else example.head(EXAMPLE_ROWS),
        validate_serving_input=False,  # the signature was made from it
    )
    return made.model_uri, made.model_id, digest(made.artifact_path)


def digest(place: str) -> str:
    """Return the digest of a logged model's files, as the store gives them back.

    Parameters
    ----------
    place : str
        Where they are: not as ``models:/…``, for which MLflow adds a file of its own.
    """
    origin = local_folder(place)
    if origin is not None:
        return digest_folder(origin)
    with TemporaryDirectory(prefix="mlnb-") as folder:
        return digest_folder(copy(place, Path(folder)))


class _Skops:
    """Writes what ``mlflow.sklearn`` writes of a model, without what it does besides.

    `mlflow.sklearn.save_model` dumps the model once more, loads it back, and looks for what it
    needs in another process; here it is dumped already, and its types are known.
    """

    @staticmethod
    def save_model(
        path: str,
        mlflow_model: Any,
        content: bytes,
        trusted: list[str],
        signature: Any,
        example: Any,
        **_options: Any,
    ) -> None:
        """Write a model's folder."""
        import sklearn
        from mlflow import pyfunc
        from mlflow.models.utils import _save_example

        folder = Path(path)
        folder.mkdir(parents=True)
        (folder / "model.skops").write_bytes(content)
        if signature is not None:
            mlflow_model.signature = signature
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Hint: Inferred schema contains integer")
            _save_example(mlflow_model, example, path)
        pyfunc.add_to_model(
            mlflow_model,
            loader_module="mlflow.sklearn",
            model_path="model.skops",
            conda_env="conda.yaml",
            python_env="python_env.yaml",
            predict_fn="predict",
        )
        mlflow_model.add_flavor(
            "sklearn",
            pickled_model="model.skops",
            sklearn_version=sklearn.__version__,
            serialization_format="skops",
            code=None,
            skops_trusted_types=trusted,
        )
        mlflow_model.model_size_bytes = sum(file.stat().st_size for file in folder.iterdir())
        mlflow_model.save(str(folder / "MLmodel"))
        for name, text in _environment(tuple(requirements.of_skops(content))).items():
            (folder / name).write_text(text, encoding="utf-8")


@lru_cache(maxsize=16)
def _environment(packages: tuple[str, ...]) -> dict[str, str]:
    """Return the files by which MLflow and its servers build an environment."""
    import yaml
    from mlflow.utils import environment

    mlflow: Any = environment  # it leaves these functions untyped
    conda = mlflow._mlflow_conda_env(additional_pip_deps=list(packages), install_mlflow=False)
    return {
        "requirements.txt": "\n".join(packages),
        "conda.yaml": yaml.safe_dump(conda, default_flow_style=False),
        "python_env.yaml": yaml.safe_dump(
            mlflow._PythonEnv.current().to_dict(), default_flow_style=False, sort_keys=False
        ),
    }


def local_folder(uri: str) -> Path | None:
    """Return the store's own folder of a model's files, or None when the store is elsewhere."""
    folder = Path(uri.removeprefix("file://"))
    return folder if folder.is_dir() else None


def copy(uri: str, target: Path) -> Path:
    """Copy a model's files below a folder and return where they are."""
    origin = local_folder(uri)
    if origin is not None:
        return Path(shutil.copytree(origin, target / "model"))
    from mlflow.artifacts import download_artifacts  # imported only now: it takes a second

    return Path(download_artifacts(artifact_uri=uri, dst_path=str(target)))


def load(folder: Path, ref: str, trusted: Sequence[str]) -> Any:
    """Load a model from verified files.

    Raises
    ------
    UntrustedModel
        If it holds a pickle or code, or types that neither the registry lists nor somebody
        approved.
    """
    auditing.check(folder, ref, trusted)
    skops = require("skops.io", "serving")
    file = auditing.model_file(folder)
    unknown = [name for name in skops.get_untrusted_types(file=file) if name not in trusted]
    if unknown:
        raise UntrustedModel(
            ref, f"it contains types it was not registered with: {', '.join(unknown)}"
        )
    return skops.load(file, trusted=list(trusted))
