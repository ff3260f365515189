"""What a running step is given (``mlnb.inputs``), and how code that is no notebook runs as one.

This is imported in users' kernels; it needs the standard library only.
"""

import inspect
import json
import os
import runpy
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

VARIABLE = "MLNB_INPUTS"
"""Names the file with what a step is given."""
PARAMETERS = "MLNB_PARAMS"
"""The parameters of a script, as JSON."""


class Inputs(Mapping[str, Any]):
    """What the running step has been given: values of the steps it needs, and its inputs.

    ``mlnb.inputs["split"]["train"]`` is what the step ``split`` glued as ``train`` (of a step with
    a matrix, a list); ``mlnb.inputs["dataset:flights"]`` the version that the declared input
    means, as ``flights@3``; ``mlnb.inputs["data/raw.csv"]`` the path of a declared file, and
    ``mlnb.inputs["parts/*.csv"]`` a list of paths. Only what the step declares is there: the steps
    in its ``needs``, the data in its ``inputs``. Outside a pipeline it is empty.
    """

    def __init__(self) -> None:
        self._from = ""
        self._values: dict[str, Any] = {}

    def _read(self) -> dict[str, Any]:
        place = os.environ.get(VARIABLE, "")
        if place != self._from:
            self._values = _values_in(Path(place)) if place else {}
            self._from = place
        return self._values

    def __getitem__(self, name: str) -> Any:
        values = self._read()
        if name not in values:
            known = ", ".join(values) or "nothing"
            raise KeyError(f"this step is given no {name!r} (it is given {known})")
        return values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def __repr__(self) -> str:
        return f"Inputs({self._read()!r})"


inputs = Inputs()


def _values_in(file: Path) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    folder = file.parent / said["folder"]
    files = {
        name: [folder / path for path in found] if isinstance(found, list) else folder / found
        for name, found in said["files"].items()
    }
    return {**said["values"], **said["datasets"], **files}


def run_script(script: str, **parameters: Any) -> None:
    """Run a Python file as ``python script.py --name value …`` does.

    Parameters
    ----------
    script : str
        Relative to the working directory.
    **parameters
        Its arguments; those that are no text are written as JSON. ``MLNB_PARAMS`` has all of
        them.
    """
    os.environ[PARAMETERS] = json.dumps(parameters)
    arguments = [
        part
        for name, value in parameters.items()
        for part in (f"--{name}", value if isinstance(value, str) else json.dumps(value))
    ]
    before = sys.argv, sys.path[:]
    sys.argv = [script, *arguments]
    sys.path.insert(0, str(Path(script).parent.absolute()))
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        sys.argv, sys.path[:] = before


def run_function(function: str, *places: str, **parameters: Any) -> None:
    """Call a function of a module and glue each of the values it returns.

    Parameters
    ----------
    function : str
        ``package.module:name``.
    *places : str
        Folders, relative to the working directory, in which modules are looked for first.
    **parameters
        What it is called with; a parameter that has the name of one of the step's secrets, and is
        not given, gets that one.

    Raises
    ------
    TypeError
        If it returns anything but a dictionary or None.
    """
    from mlnb.execution.scraps import glue

    sys.path[:0] = [str(Path(place).absolute()) for place in places]
    module, _, name = function.partition(":")
    target = getattr(import_module(module), name)
    made = target(**_with_secrets(target, parameters))
    if made is None:
        return
    if not isinstance(made, Mapping):
        raise TypeError(
            f"{function} returned {type(made).__name__}; a step's function returns a dictionary "
            f"of values, or nothing"
        )
    for key, value in made.items():
        glue(str(key), value)


def _with_secrets(target: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    from mlnb.execution.parameters.secret import Secret, variable

    try:
        names = list(inspect.signature(target).parameters)
    except (TypeError, ValueError):  # built in
        return parameters
    held = {name for name in names if variable(name) in os.environ and name not in parameters}
    return {**parameters, **{name: Secret.from_environment(name) for name in held}}
