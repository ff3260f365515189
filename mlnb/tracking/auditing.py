"""Whether a model's files may be loaded: looked at as bytes, before anything is built from them.

Refused are pickles (whatever they hold), code that MLflow would import on loading, types that
nobody approved, and requirements that are no plain release of a package. Each reason names what
it found, so that whoever trusts it can say so, or register the model another way.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mlnb.core.errors import UntrustedModel
from mlnb.tracking import examining, pickled

TRUSTED_ROOTS = frozenset({"numpy", "scipy", "sklearn"})
"""Libraries whose classes a model may contain without being asked."""
_UNSAFE = frozenset(
    {"testing", "f2py", "distutils", "ctypeslib", "conftest", "tests", "externals", "datasets"}
    | {"io", "npyio", "_npyio_impl", "_datasource", "weave", "memmap", "_pytesttester"}
)
"""Modules of theirs that read, write, compile or run something."""
_NUMERIC = frozenset(
    {"abs", "absolute", "around", "asarray", "clip", "diff", "max", "mean", "median", "min"}
    | {"nan_to_num", "nanmax", "nanmean", "nanmedian", "nanmin", "prod", "ravel", "round", "sum"}
    | {"dtype", "ndarray", "matrix", "array", "float32", "float64", "int32", "int64"}
)
"""NumPy's lowercase names that only compute."""
_COMPUTING = (
    "sklearn.metrics.",
    "sklearn.feature_selection.",
    "scipy._lib.array_api_compat.",
    "scipy.special.",
    "scipy.stats.",
    "numpy.dtypes.",
    "numpy.random.",
)
"""Packages all of whose functions only compute."""
_PINNED = re.compile(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?==\d+(?:\.\d+)*", re.ASCII)
"""A requirement that needs no reading: a package of a release."""
_SIZE = 1024 * 1024
"""Bytes that a description or a list of requirements may have."""


def trusted_by_default(name: str) -> bool:
    """Tell whether a type may be in a model without being approved.

    Parameters
    ----------
    name : str
        ``module.Class`` or ``module.function``. It is judged by its name: it is not imported.
    """
    root, *rest = name.split(".")
    if root not in TRUSTED_ROOTS or not rest or _UNSAFE & set(rest):
        return False
    if rest[-1].lstrip("_")[:1].isupper():
        return True  # a class: skops builds it without calling it
    return name.startswith(_COMPUTING) or (root == "numpy" and rest[-1] in _NUMERIC)


def untrusted(types: Iterable[str], approved: Iterable[str]) -> list[str]:
    """Return the types that are neither trusted by default nor approved."""
    known = frozenset(approved)
    return [name for name in types if name not in known and not trusted_by_default(name)]


def check(folder: Path, model: str, approved: Sequence[str]) -> None:
    """Look at a model's files before they are loaded.

    Parameters
    ----------
    folder : Path
        The files.
    model : str
        ``name@number``, for the message.
    approved : list of str
        Types that somebody approved for this model.

    Raises
    ------
    UntrustedModel
        Naming everything that is wrong.
    """
    found, fix = reasons(folder, approved), "Register it with mlnb.models.register."
    if not found:
        return
    types = untrusted(types_in(folder), approved) if len(found) == 1 else []
    if types and found[0].startswith("it contains types"):
        name = model.partition("@")[0]
        fix = f"If they are yours: mlnb model approve {name} {' '.join(types)} -m WHY"
    raise UntrustedModel(model, "; ".join(found), fix)


def reasons(folder: Path, approved: Sequence[str]) -> list[str]:
    """Return why a model's files are not to be loaded; an empty list when they may be."""
    described = _description(folder)
    if described is None:
        return ["it has no readable MLmodel file"]
    found = [*_code(described), *_format(folder, described), *_pickles(folder)]
    if not found:
        file = model_file(folder)
        types = untrusted(types_in(folder), approved)
        if file is not None and types:
            found.append(f"it contains types that nobody approved: {', '.join(types)}")
    return found + requirement_reasons(folder)


def model_file(folder: Path) -> Path | None:
    """Return the ``.skops`` file that MLmodel names, or None when there is none inside."""
    flavor = _flavor(_description(folder) or {})
    file = folder / str(flavor.get("pickled_model", "model.skops"))
    inside = file.resolve().is_relative_to(folder.resolve())
    return file if inside and file.is_file() and not file.is_symlink() else None


def types_in(folder: Path) -> list[str]:
    """Return the types in a model that skops asks about; empty when it is no skops file."""
    file = model_file(folder)
    return [] if file is None else examining.examined(file).types


def _description(folder: Path) -> dict[str, Any] | None:
    import yaml

    file = folder / "MLmodel"
    if not file.is_file() or file.stat().st_size > _SIZE:
        return None
    try:
        described = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        return None
    return described if isinstance(described, dict) else None


def _flavor(described: dict[str, Any], name: str = "sklearn") -> dict[str, Any]:
    flavors = described.get("flavors")
    flavor = flavors.get(name) if isinstance(flavors, dict) else None
    return flavor if isinstance(flavor, dict) else {}


def _code(described: dict[str, Any]) -> list[str]:
    """Return what of MLmodel has code imported or run on loading."""
    function = _flavor(described, "python_function")
    found = []
    loader = function.get("loader_module", "mlflow.sklearn")
    if loader != "mlflow.sklearn":
        found.append(f"MLmodel has it loaded by the module {loader!r}, which is code of its own")
    for key in ("code", "python_model", "model_code_path", "artifacts"):
        for flavor in (function, _flavor(described)):
            if flavor.get(key) and f"{key!r}" not in " ".join(found):
                found.append(f"MLmodel brings code or objects of its own ({key!r}: {flavor[key]})")
    return found


def _format(folder: Path, described: dict[str, Any]) -> list[str]:
    flavor = _flavor(described)
    if flavor.get("serialization_format") != "skops":
        return ["it is stored as a pickle, which can run any code when it is loaded"]
    file = model_file(folder)
    if file is None:
        return ["MLmodel names a model file that is not among its files"]
    said = examining.examined(file).damage
    return [f"its file is no readable skops archive ({said})"] if said else []


def _pickles(folder: Path) -> list[str]:
    """Return what the pickles among the files would call."""
    found = []
    for file in sorted(item for item in folder.rglob("*") if item.is_file()):
        if file.suffix == ".skops" or not pickled.is_pickle(file):
            continue
        names = pickled.called(file)
        listed = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
        calls = f" that names {listed}" if names else ""
        found.append(f"{file.relative_to(folder).as_posix()} is a pickle{calls}")
    return found


def requirement_reasons(folder: Path) -> list[str]:
    """Return why a model's requirements are not to be installed."""
    file = folder / "requirements.txt"
    if not file.exists():
        return []
    if not file.is_file() or file.is_symlink() or file.stat().st_size > _SIZE:
        return ["its requirements.txt is no ordinary file"]
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    bad = [line for line in lines if not plain_requirement(line)]
    return [f"its requirements.txt has {line.strip()[:100]!r}, no plain release" for line in bad]


def plain_requirement(line: str) -> bool:
    """Tell whether a line asks for a release of a package by name, from the index in use."""
    text = line.partition(" #")[0].strip()
    if not text or text.startswith("#") or _PINNED.fullmatch(text):
        return True
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(text).url is None
    except InvalidRequirement:  # an option, a path, an address
        return False
