"""What a user does with zygotes: install the kernelspec, start one, look, stop them."""

import json
import os
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from mlnb.core.errors import BadInput
from mlnb.core.records import Record
from mlnb.execution.warm import client, options, places

KERNEL = "mlnb-warm"
_STOP_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Zygote(Record):
    """A parent of warm kernels, and what it has imported."""

    pid: int
    key: str
    mode: str
    interpreter: str
    imported: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    """Modules still to be imported."""
    refused: dict[str, str] = field(default_factory=dict)
    """Modules that may not be imported ahead, and why."""
    missing: list[str] = field(default_factory=list)
    """Modules that are not installed."""
    children: list[int] = field(default_factory=list)
    """Process numbers of the kernels that run."""
    born: int = 0
    ready: int = 0
    """Started kernels that wait, in a pool."""
    stale: str = ""
    """Why it will be replaced."""
    idle: float = 0.0


@dataclass(frozen=True, kw_only=True)
class InstalledKernel(Record):
    """A kernelspec that was written."""

    name: str
    display_name: str
    folder: str


def start(*, wait: bool = True) -> Zygote:
    """Start the zygote of this interpreter and project, unless it runs.

    Parameters
    ----------
    wait : bool
        Whether to wait until all modules are imported.

    Raises
    ------
    BadInput
        If warm kernels are not to be had.
    """
    chosen = options.options()
    answer: dict[str, object] = {"stale": ""}
    while "pid" not in answer:  # one that is stale makes room for another
        try:
            connection = client.connect(sys.executable, dict(os.environ), chosen)
        except client.WarmUnavailable as error:
            raise BadInput(
                f"There are no warm kernels here: {error}.", "See the setting `warm_kernels`."
            ) from None
        answer = client.ask(connection, {"op": "warm" if wait else "status"})
    return _of(answer)


def status() -> Zygote:
    """Return the zygote of this interpreter and project; it is not started.

    Raises
    ------
    BadInput
        If there is none.
    """
    try:
        connection = client.connect(
            sys.executable, dict(os.environ), options.options(), start=False
        )
    except client.WarmUnavailable as error:
        raise BadInput(
            f"There are no warm kernels here: {error}.", "Start one: mlnb kernel start"
        ) from None
    return _of(client.ask(connection, {"op": "status"}))


def zygotes() -> list[Zygote]:
    """Return all of this user's zygotes."""
    found = []
    for path in sorted(Path(places.folder()).glob("*.sock")):
        with suppress(OSError):
            if connection := client.reach(str(path)):
                answer = client.ask(connection, {"op": "status"})
                if answer:
                    found.append(_of(answer))
    return found


def stop() -> list[Zygote]:
    """Stop all of this user's zygotes and their kernels; returns those that ran."""
    found = zygotes()
    for zygote in found:
        with suppress(OSError):
            if connection := client.reach(places.socket_path(zygote.key)):
                client.ask(connection, {"op": "stop"})
    end = time.monotonic() + _STOP_SECONDS
    while any(_runs(zygote.pid) for zygote in found) and time.monotonic() < end:
        time.sleep(0.02)
    return found


def install(
    *,
    name: str = KERNEL,
    display_name: str = "",
    user: bool = False,
    prefix: str = "",
    preload: str = "",
    memory: int = 0,
    cpu: float = 0,
) -> InstalledKernel:
    """Write a kernelspec whose kernels come from a zygote.

    Parameters
    ----------
    name, display_name : str
        What tools call it, and what they show.
    user : bool
        For this user, in every environment; else for this environment only.
    prefix : str
        Another environment to write it into.
    preload : str
        Modules to import ahead; the setting `preload` when empty.
    memory, cpu
        Limits of each kernel, in bytes and seconds; 0 means none.

    Raises
    ------
    BadInput
        If the name is none that Jupyter takes, or the folder cannot be written.
    """
    from ipykernel.kernelspec import get_kernel_dict
    from jupyter_client.kernelspec import KernelSpecManager

    specification = get_kernel_dict()
    specification["display_name"] = display_name or f"Python {sys.version_info[0]} (mlnb, warm)"
    config = {"preload": preload, "memory": memory, "cpu": cpu}
    specification["metadata"]["kernel_provisioner"] = {
        "provisioner_name": KERNEL,
        "config": {key: value for key, value in config.items() if value},
    }
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "spec")
        folder.mkdir()
        (folder / "kernel.json").write_text(json.dumps(specification, indent=1), encoding="utf-8")
        _copy_logos(folder)
        try:
            target = KernelSpecManager().install_kernel_spec(
                str(folder),
                kernel_name=name,
                user=user,
                prefix=prefix or (None if user else sys.prefix),
            )
        except (ValueError, OSError) as error:
            raise BadInput(f"The kernelspec {name!r} cannot be installed: {error}.") from None
    return InstalledKernel(
        name=name, display_name=specification["display_name"], folder=str(target)
    )


def _copy_logos(folder: Path) -> None:
    import ipykernel

    for logo in Path(ipykernel.__file__).parent.glob("resources/logo*"):
        shutil.copy(logo, folder)


def _of(answer: dict[str, object]) -> Zygote:
    known = {key: value for key, value in answer.items() if key != "threads"}
    return Zygote.from_dict({"format": 1, **known})


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
