"""Where zygotes live, and what tells one from another. Standard library only, and quick."""

from __future__ import annotations

import os
import stat

try:
    from _blake2 import blake2b  # hashlib would load OpenSSL first, which takes 2 ms
except ImportError:
    from hashlib import blake2b

TYPE_CHECKING = False  # to import typing would take longer than all else
if TYPE_CHECKING:
    from typing import Any

MATTERS = (
    "PYTHON",
    "OMP_",
    "GOMP_",
    "KMP_",
    "OPENBLAS_",
    "GOTO_",
    "MKL_",
    "BLIS_",
    "VECLIB_",
    "NUMEXPR_",
    "NUMBA_",
    "CUDA_",
    "TORCH_",
    "PYTORCH_",
    "TF_",
    "XLA_",
    "POLARS_",
    "ARROW_",
    "LD_",
    "DYLD_",
    "MALLOC_",
    "LC_",
    "IPYTHON",
    "MPL",
    "SKLEARN_",
    "SCIPY_",
    "NPY_",
    "NUMPY_",
    "PANDAS_",
    "PYDEVD_",
    "JE_ARROW_",
)
"""Beginnings of the names of variables that libraries read while they are imported."""
MATTER_TOO = frozenset(
    {
        "HOME",
        "LANG",
        "LANGUAGE",
        "TZ",
        "VIRTUAL_ENV",
        "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME",
        "XDG_DATA_HOME",
        "JUPYTER_CONFIG_DIR",
        "JUPYTER_CONFIG_PATH",
        "JUPYTER_DATA_DIR",
        "JUPYTER_PATH",
        "JUPYTER_PLATFORM_DIRS",
    }
)
HARMLESS = ("PATH", "USER", "LOGNAME", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables that a zygote gets, too; the others may be secrets and are for children only."""


def matters(name: str) -> bool:
    """Tell whether a library may read an environment variable while it is imported."""
    return name in MATTER_TOO or name.startswith(MATTERS)


def relevant(env: dict[str, str]) -> dict[str, str]:
    """Return the part of an environment that makes a difference to what is imported ahead."""
    return {name: value for name, value in sorted(env.items()) if matters(name)}


def specification(
    interpreter: str, env: dict[str, str], preload: tuple[str, ...], mode: str
) -> dict[str, Any]:
    """Return all that tells one zygote from another."""
    return {
        "interpreter": interpreter,
        "env": relevant(env),
        "preload": list(preload),
        "mode": mode,
    }


def key_of(specification: dict[str, Any]) -> str:
    """Return the name of the zygote that a specification asks for."""
    text = repr(
        [
            # `python` and `python3` of one environment are one interpreter
            os.path.dirname(specification["interpreter"]),
            os.path.realpath(specification["interpreter"]),
            sorted(specification["env"].items()),
            specification["preload"],
            specification["mode"],
        ]
    )
    return blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


class UnsafeFolder(OSError):
    """The folder of the sockets belongs to somebody else, or others can enter it."""


def folder() -> str:
    """Return the folder of this user's sockets, made if need be; only its owner can enter it.

    ``$MLNB_RUNTIME_DIR``, else ``$XDG_RUNTIME_DIR/mlnb``, else ``mlnb-UID`` in ``/tmp``: the path
    of a Unix socket may have no more than 107 bytes.

    Raises
    ------
    UnsafeFolder
        If it is somebody else's, or a link.
    """
    if chosen := os.environ.get("MLNB_RUNTIME_DIR"):
        path = chosen
    elif (runtime := os.environ.get("XDG_RUNTIME_DIR")) and os.path.isdir(runtime):
        path = os.path.join(runtime, "mlnb")
    else:
        path = f"/tmp/mlnb-{os.getuid()}"  # noqa: S108  (checked below)
    try:  # noqa: SIM105  (`contextlib` imports collections)
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    state = os.lstat(path)
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.getuid():
        raise UnsafeFolder(f"{path} is not a folder of this user")
    if state.st_mode & 0o077:
        os.chmod(path, 0o700)
    return path


def socket_path(key: str) -> str:
    """Return the address of a zygote."""
    return os.path.join(folder(), f"{key}.sock")


def lock_path(key: str) -> str:
    """Return the file that is locked while a zygote is being started."""
    return os.path.join(folder(), f"{key}.lock")


def log_path(key: str) -> str:
    """Return the file that a zygote writes its complaints to."""
    return os.path.join(folder(), f"{key}.log")


def settings_path(file: str) -> str:
    """Return the file that keeps what a project file says about warm kernels."""
    name = blake2b(os.fsencode(file), digest_size=8).hexdigest()
    return os.path.join(folder(), f"{name}.settings")


def verdicts_path(key: str) -> str:
    """Return the file that keeps which modules may be imported ahead."""
    return os.path.join(folder(), f"{key}.verdicts")
