"""What a checkpoint does among the variables: called in the process that has them.

Arguments and results are JSON types, for the process may be a kernel that is only talked to.
"""

import os
import re
import sys
import types
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from mlnb.core import lineage, project, redaction
from mlnb.core.project import Project
from mlnb.execution.checkpoints.records import KeptVariables
from mlnb.execution.parameters import secret
from mlnb.execution.parameters.secret import Secret
from mlnb.execution.steps import modules, pickling
from mlnb.execution.steps.contents import global_names
from mlnb.execution.steps.records import DatasetRead
from mlnb.execution.steps.signing import Signer

_OF_THE_SHELL = re.compile(
    r"_+|_i+|_i?\d+|_oh|_dh|_ih|_sh|In|Out|__\w+__|get_ipython|exit|quit|open"
)
_PANDAS = (
    *(f"display.{name}" for name in ("max_rows", "min_rows", "max_columns", "width", "precision")),
    *(f"display.{name}" for name in ("max_colwidth", "float_format", "expand_frame_repr")),
)
_edges: list[lineage.Edge] = []
_environment: dict[str, str] = {}
_listening = False


def begin() -> None:
    """Take note that the notebook begins: what changes from now on belongs to it."""
    global _listening
    _edges.clear()
    _environment.clear()
    _environment.update(os.environ)
    if not _listening:
        lineage.listen(lambda edge, _value: _edges.append(edge))
        _listening = True


def look() -> None:
    """Note which project modules the last cell has imported, and how they are on disk."""
    modules.look(project.current().root)


def save(key: str, names: list[str]) -> dict[str, Any]:
    """Store the variables.

    Parameters
    ----------
    key : str
        Of the checkpoint; the signature is for it only.
    names : list of str
        Which variables besides modules, functions and classes; all when empty.

    Returns
    -------
    dict
        A `KeptVariables`.
    """
    here, shell = project.current(), _shell()
    namespace = shell.user_ns
    values = {
        name: value
        for name, value in namespace.items()
        if not _is_the_shells(shell, name) and (not names or name in names or _is_code(value))
    }
    missing = {name: "there is no such variable" for name in names if name not in namespace}
    values, secrets = _without_secrets(values)
    environment, hidden = _changed_environment()
    everything = {
        **{f"variable {name}": value for name, value in values.items()},
        **{f"out {count}": value for count, value in shell.user_ns.get("_oh", {}).items()},
        **{f"state {name}": value for name, value in _state(here, environment).items()},
    }
    data, refused = pickling.dump(everything, namespace, secrets=secret.held())
    missing |= {
        name.removeprefix("variable "): why
        for name, why in refused.items()
        if name.startswith("variable ")
    }
    missing |= {f"os.environ[{name!r}]": "its name says that it is a secret" for name in hidden}
    digest = here.store.put(data)
    return KeptVariables(
        pickle=digest,
        signature=Signer(here).sign(digest, key),
        names=sorted(name for name in values if name not in missing),
        missing=missing,
        secrets=secrets,
        modules=modules.ProjectModules(here.root).imported(),
        datasets=_datasets(),
        count=shell.execution_count,
        bytes=len(data),
    ).to_dict()


def restore(key: str, kept: dict[str, Any], needed: list[str]) -> str:
    """Bring stored variables back; returns why not, ``""`` when they are there.

    Parameters
    ----------
    key : str
        Of the checkpoint.
    kept : dict
        A `KeptVariables`.
    needed : list of str
        Names that the cells after the checkpoint read.
    """
    here, shell = project.current(), _shell()
    stored = KeptVariables.from_dict(kept)
    if not Signer(here).is_ours(stored.pickle, key, stored.signature):
        return "it was stored with another key, so that it is not safe to load"
    _prepare_path(here)
    loaded = pickling.load(here.store.get(stored.pickle), shell.user_ns)
    variables = {
        name.removeprefix("variable "): value
        for name, value in loaded.items()
        if name.startswith("variable ")
    }
    for name in stored.secrets:
        if secret.variable(name) in os.environ:
            variables[name] = Secret.from_environment(name)
        elif name in needed:
            return f"the secret {name!r} is not in the environment"
    if lost := _lost(needed, variables, set(stored.missing)):
        return f"{lost!r}, which a cell below uses, could not be stored: {stored.missing[lost]}"
    shell.user_ns.update(variables)
    results = {
        int(name.removeprefix("out ")): value
        for name, value in loaded.items()
        if name.startswith("out ")
    }
    _set_results(shell, dict(sorted(results.items())))
    _set_state(shell, here, {k.removeprefix("state "): v for k, v in loaded.items()})
    shell.execution_count = stored.count
    for read in stored.datasets:
        lineage.record_input("dataset", f"{read.name}@{read.number}")
    return ""


def _shell() -> Any:
    from IPython import get_ipython

    shell: Any = get_ipython()
    return shell


def _is_the_shells(shell: Any, name: str) -> bool:
    if _OF_THE_SHELL.fullmatch(name):
        return True
    hidden = shell.user_ns_hidden
    return name in hidden and hidden[name] is shell.user_ns[name]


def _is_code(value: Any) -> bool:
    return isinstance(value, types.ModuleType | types.FunctionType | type)


def _without_secrets(values: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    secrets = sorted(name for name, value in values.items() if isinstance(value, Secret))
    return {name: value for name, value in values.items() if name not in secrets}, secrets


def _lost(needed: Iterable[str], variables: dict[str, Any], missing: set[str]) -> str:
    """Return a name that is needed, be it by a function that is, and not there."""
    waiting, done = list(needed), set()
    while waiting:
        name = waiting.pop()
        if name in done:
            continue
        done.add(name)
        if name in missing and name not in variables:
            return name
        value = variables.get(name)
        if isinstance(value, types.FunctionType) and value.__module__ == "__main__":
            waiting += global_names(value.__code__)
        elif isinstance(value, type) and value.__module__ == "__main__":
            methods = [m for m in vars(value).values() if isinstance(m, types.FunctionType)]
            waiting += [item for method in methods for item in global_names(method.__code__)]
    return ""


def _datasets() -> list[DatasetRead]:
    from mlnb.datasets import versions

    found = {}
    for edge in _edges:
        if edge.direction == "input" and edge.kind == "dataset":
            name, _, number = edge.ref.partition("@")
            with suppress(Exception):  # it was removed since
                newest = versions.find(name).number
                found[edge.ref] = DatasetRead(name=name, number=int(number), latest=newest)
    return list(found.values())


# -- what is no variable -------------------------------------------------------------------------


def _set_results(shell: Any, results: dict[int, Any]) -> None:
    """Let ``_``, ``_6`` and ``Out[6]`` mean what the cells before had displayed."""
    shell.user_ns.setdefault("_oh", {}).update(results)
    shell.user_ns.update({f"_{count}": value for count, value in results.items()})
    for name, value in zip(("_", "__", "___"), reversed(results.values()), strict=False):
        shell.push({name: value}, interactive=False)  # hidden, or IPython takes it for the user's
        setattr(shell.displayhook, name, value)


def _changed_environment() -> tuple[dict[str, str], list[str]]:
    """Return the variables of the environment that cells have set, and names of hidden ones."""
    changed = {k: v for k, v in os.environ.items() if _environment.get(k) != v}
    held = set(secret.held())
    hidden = sorted(k for k, v in changed.items() if redaction.looks_secret(k) or v in held)
    return {k: v for k, v in changed.items() if k not in hidden}, hidden


def _state(here: Project, environment: dict[str, str]) -> dict[str, Any]:
    """Return what cells change beside variables and what the cells below could depend on."""
    import random
    import warnings

    state: dict[str, Any] = {
        "random": random.getstate(),
        "folder": os.path.relpath(os.getcwd(), here.root),  # noqa: PTH109
        "path": [_relative(entry, here) for entry in sys.path],
        "environment": environment,
        "extensions": sorted(_shell().extension_manager.loaded),
        "warnings": list(warnings.filters),
    }
    if "numpy" in sys.modules:
        import numpy as np

        state["numpy"] = np.random.get_state()
        state["numpy_print"] = np.get_printoptions()
    if "pandas" in sys.modules:
        import pandas as pd

        state["pandas"] = {name: pd.get_option(name) for name in _PANDAS}
    if "matplotlib" in sys.modules:
        from matplotlib import rcParams

        state["matplotlib"] = {k: rcParams[k] for k in rcParams if not k.startswith("backend")}
    if "torch" in sys.modules:
        state["torch"] = sys.modules["torch"].get_rng_state().numpy()
    return state


def _set_state(shell: Any, here: Project, state: dict[str, Any]) -> None:
    import random
    import warnings

    if "folder" in state:
        os.chdir(here.root / state["folder"])
    os.environ.update(state.get("environment", {}))
    for name in state.get("extensions", []):
        if name not in shell.extension_manager.loaded:
            shell.extension_manager.load_extension(name)
    for entry in state.get("path", []):
        if (place := _absolute(entry, here)) not in sys.path:
            sys.path.append(place)
    if "warnings" in state:
        warnings.filters[:] = state["warnings"]  # type: ignore[index]  # it is a list
    if "pandas" in state:
        import pandas as pd

        for name, value in state["pandas"].items():
            pd.set_option(name, value)
    if "matplotlib" in state:
        from matplotlib import rcParams

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rcParams.update(state["matplotlib"])
    # last: importing and setting options may have used random numbers
    if "numpy" in state:
        import numpy as np

        np.set_printoptions(**state["numpy_print"])
        np.random.set_state(state["numpy"])
    if "torch" in state:
        torch: Any = import_module("torch")
        torch.set_rng_state(torch.from_numpy(state["torch"]))
    random.setstate(state["random"])


def _prepare_path(here: Project) -> None:
    """Let the project's modules be found, which the pickle imports."""
    for folder in (os.getcwd(), str(here.root)):  # noqa: PTH109
        if folder not in sys.path:
            sys.path.append(folder)


def _relative(entry: str, here: Project) -> str:
    path = Path(entry)
    return f"./{path.relative_to(here.root)}" if path.is_relative_to(here.root) else entry


def _absolute(entry: str, here: Project) -> str:
    return str(here.root / entry) if entry.startswith("./") else entry
