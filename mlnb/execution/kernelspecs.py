"""Whether a notebook needs a kernel of its own, or may run in-process."""

import os
import re
import sys
from functools import cache
from importlib import import_module
from pathlib import Path

from mlnb.execution.notebooks import Notebook, source_of

_NEEDS = re.compile(
    r"""^\s*(?:
        %matplotlib\s+(?P<backend>widget|ipympl|notebook|nbagg|qt\w*|tk|gtk\w*|wx|osx)\b
      | %(?P<magic>gui|qtconsole|connect_info|subshell)\b
      | (?:import|from)\s+(?P<module>ipympl|jupyter_rfb|debugpy)\b
    )""",
    re.MULTILINE | re.VERBOSE,
)


def needs_kernel(notebook: Notebook, kernel: str, language: str) -> str:
    """Say why a notebook cannot run in-process; ``""`` when it can."""
    if not language.startswith(("python", "ipython")):
        return f"it is written in {language}"
    if not is_own(kernel):
        return f"its kernel {kernel!r} is not this interpreter's ipykernel"
    for cell in notebook.cells:
        if cell["cell_type"] == "code" and (found := _NEEDS.search(source_of(cell))):
            what = next(value for value in found.groupdict().values() if value)
            return f"it uses {what}, which talks to a front-end or a debugger"
    return ""


@cache
def is_own(kernel: str) -> bool:
    """Tell whether a kernelspec starts ipykernel in this interpreter, with nothing special."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    # Jupyter asks IPython.paths: the package first, so that threads do not meet in its middle.
    import_module("IPython")
    try:
        spec = KernelSpecManager().get_kernel_spec(kernel)
    except NoSuchKernel:
        return False
    if not spec.argv or spec.env:
        return False
    program, *arguments = spec.argv
    if "ipykernel_launcher" not in arguments or set(arguments) - _USUAL:
        return False
    return program in ("python", "python3", _version()) or _same(program)


_USUAL = {"-m", "ipykernel_launcher", "-f", "{connection_file}", "-Xfrozen_modules=off"}


def _version() -> str:
    return f"python{sys.version_info[0]}.{sys.version_info[1]}"


def _same(program: str) -> bool:
    """Tell whether a path is this interpreter, in this environment: links are not followed."""
    return os.path.abspath(program) == os.path.abspath(sys.executable) or (  # noqa: PTH100
        Path(program).parent == Path(sys.executable).parent
        and Path(program).resolve() == Path(sys.executable).resolve()
    )
