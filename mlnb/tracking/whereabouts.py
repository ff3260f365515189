"""Which notebook a kernel runs: asked of who knows, and never guessed.

In this order: mlnb's own runner (``MLNB_NOTEBOOK``), the Jupyter server whose session the kernel
is (which also knows of a notebook that was renamed), the name the server gave the kernel
(``JPY_SESSION_NAME``), Visual Studio Code, papermill when it tells its kernel, and the command
line of the program that started the kernel: papermill, ``jupyter nbconvert --execute``, ``jupyter
execute``. A kernel that a program started through their Python functions says nothing; nor does
IPython in a terminal. Then the notebook is unknown.
"""

import json
import os
import re
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

SECONDS = 2.0
"""How long a server may take to answer."""

_KERNEL = re.compile(r"kernel-(.+)\.json")
_LOCAL = ("localhost", "127.0.0.1", "::1")


def told() -> str:
    """Return what the environment and the notebook's variables say; ``""`` if they do not.

    Takes some microseconds; the path may be one that the notebook no longer has.
    """
    if named := os.environ.get("MLNB_NOTEBOOK"):
        return named
    session = os.environ.get("JPY_SESSION_NAME", "")
    if session.endswith(".ipynb") and not _is_inherited(os.getpid(), session):
        return session.removeprefix("RTC:")
    names = vars(sys.modules["__main__"]) if "__main__" in sys.modules else {}
    for name in ("__vsc_ipynb_file__", "PAPERMILL_INPUT_PATH"):
        value = names.get(name)
        if isinstance(value, str) and value.endswith(".ipynb") and "://" not in value:
            return value
    return ""


def looked_up(source: str = "") -> str:
    """Return the notebook's path, also if others have to be asked; ``""`` when nobody knows.

    Parameters
    ----------
    source : str
        A cell of it: tells notebooks apart where a program runs several.
    """
    if named := os.environ.get("MLNB_NOTEBOOK"):
        return named
    connection = _connection_file()
    if connection is None:
        return told()
    return _by_server(connection) or told() or _by_command_line(source)


@lru_cache(maxsize=4)
def _is_inherited(_process: int, session: str) -> bool:
    """Tell whether the server gave the name to a kernel that (indirectly) started this process."""
    import psutil

    try:
        return psutil.Process(os.getppid()).environ().get("JPY_SESSION_NAME") == session
    except (psutil.Error, OSError):
        return os.environ.get("JPY_PARENT_PID") != str(os.getppid())


def _connection_file() -> Path | None:
    """Return the file that names this kernel; None outside a kernel."""
    module: Any = sys.modules.get("ipykernel.kernelapp")
    if module is None or not module.IPKernelApp.initialized():
        return None
    file = str(module.IPKernelApp.instance().connection_file)
    return Path(file) if file else None


# -- the server ----------------------------------------------------------------------------------


def _by_server(connection: Path) -> str:
    """Return the path of the session that this kernel belongs to, from the server that has it."""
    match = _KERNEL.fullmatch(connection.name)
    if match is None:
        return ""
    for server in _servers(connection.parent):
        for session in _sessions(server):
            path = str(session.get("path", "")).removeprefix("RTC:")
            if session.get("kernel", {}).get("id") == match[1] and path.endswith(".ipynb"):
                return str(Path(server.get("root_dir", "")) / path)
    return ""


def _servers(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the servers that run on this machine, this kernel's parent first."""
    import psutil

    found = []
    for file in folder.glob("jpserver-*.json"):
        try:
            found.append(json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            continue
    parent = os.getppid()
    for server in sorted(found, key=lambda item: item.get("pid") != parent):
        if psutil.pid_exists(int(server.get("pid", 0))):
            yield server


def _sessions(server: dict[str, Any]) -> list[dict[str, Any]]:
    from urllib.parse import urlsplit
    from urllib.request import ProxyHandler, Request, build_opener

    url = str(server.get("url", ""))
    if urlsplit(url).scheme != "http" or urlsplit(url).hostname not in (
        *_LOCAL,
        server.get("hostname"),
    ):
        return []  # its token is for this machine only
    token = server.get("token") or os.environ.get("JUPYTERHUB_API_TOKEN", "")
    headers = {"Authorization": f"token {token}"} if token else {}
    request = Request(f"{url.rstrip('/')}/api/sessions", headers=headers)  # noqa: S310  (http)
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=SECONDS) as answer:
            found = json.load(answer)
    except (OSError, ValueError):
        return []
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


# -- the program that started the kernel ---------------------------------------------------------

_WITH_TWO = frozenset(["-p", "--parameters", "-r", "--parameters_raw"])
_WITH_ONE = re.compile(
    r"-[fybkl]|--parameters_(?:file|yaml|base64)|--engine|--kernel|--language|--cwd|--log-level"
    r"|--autosave-cell-every|--(?:start|execution)-timeout|--std(?:out|err)-file"
)


def _by_command_line(source: str) -> str:
    """Return the notebook that papermill, nbconvert or nbclient was told to execute."""
    import psutil

    try:
        parent = psutil.Process(os.getppid())
        words, folder = parent.cmdline(), Path(parent.cwd())
    except (psutil.Error, OSError):
        return ""
    found = [path for name in notebooks_of(words) for path in _matching(folder, name)]
    if len(found) > 1:
        found = [path for path in found if source and _has_cell(path, source)]
    return str(found[0]) if len(found) == 1 else ""


def _matching(folder: Path, name: str) -> list[Path]:
    """Return the files of a name, or of a pattern, which nbconvert resolves itself."""
    if "*" in name and not Path(name).is_absolute():
        return sorted(folder.glob(name))
    return [folder / name] if (folder / name).is_file() else []


def notebooks_of(words: list[str]) -> list[str]:
    """Return the notebooks that a command line executes; none if it is no program known for it."""
    program, rest = _program(words)
    if program == "papermill":
        positional = list(_papermill_positional(rest))
        return positional[:1] if positional and positional[0].endswith(".ipynb") else []
    if program == "nbconvert" and "--execute" not in rest:
        return []
    if program in ("nbconvert", "execute"):
        before = ["", *rest]
        return [
            word
            for previous, word in zip(before, rest, strict=False)
            if word.endswith(".ipynb") and not word.startswith("-") and previous != "--output"
        ]
    return []


def _program(words: list[str]) -> tuple[str, list[str]]:
    """Return which program a command line calls, and its arguments."""
    for position, word in enumerate(words[:4]):
        name = Path(word).name.removesuffix(".exe").removeprefix("jupyter-")
        if name in ("papermill", "nbconvert", "execute"):
            return name, words[position + 1 :]
    return "", []


def _papermill_positional(words: list[str]) -> Iterator[str]:
    position = 0
    while position < len(words):
        word = words[position]
        if word in _WITH_TWO:
            position += 3
        elif _WITH_ONE.fullmatch(word):
            position += 2
        else:
            if word == "-" or not word.startswith("-"):
                yield word
            position += 1


def _has_cell(path: Path, source: str) -> bool:
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return any("".join(cell["source"]).strip() == source.strip() for cell in cells)
    except (OSError, ValueError, KeyError, TypeError):
        return False
