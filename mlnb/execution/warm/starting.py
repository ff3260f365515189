"""Start a zygote: once, however many ask for it at the same time."""

import _socket as socket
import fcntl
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from mlnb.execution.warm import client, places
from mlnb.execution.warm.options import Options


def start(
    key: str, specification: dict[str, Any], env: dict[str, str], options: Options
) -> socket.socket:
    """Start a zygote, unless somebody else has meanwhile, and return a connection to it.

    Raises
    ------
    WarmUnavailable
        If it does not come up.
    """
    path = places.socket_path(key)
    with Path(places.lock_path(key)).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let go of when the file is closed
        if connection := client.reach(path):
            return connection
        complaint = _launch(key, specification, env, options)
        if connection := client.reach(path):
            return connection
    raise client.WarmUnavailable(f"the zygote did not start: {complaint}")


def _launch(key: str, specification: dict[str, Any], env: dict[str, str], options: Options) -> str:
    given = {name: env[name] for name in places.HARMLESS if name in env}
    given["MLNB_RUNTIME_DIR"] = places.folder()
    told = {"key": key, "idle": options.idle, "pool": options.pool, **specification}
    with Path(places.log_path(key)).open("ab") as log:
        log.truncate(0)
        try:
            # It forks once more and the first process ends: it is nobody's child, so that no
            # zombie is left to whoever happened to start it.
            process = subprocess.Popen(  # noqa: S603  (the interpreter of the kernel)
                [
                    specification["interpreter"],
                    "-Xfrozen_modules=off",  # a debugger needs the files
                    "-m",
                    "mlnb.execution.warm.zygote",
                ],
                env=given | specification["env"],
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        except OSError as error:
            return str(error)
    try:
        said, _ = process.communicate(json.dumps(told).encode(), timeout=client.START_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return f"it was not ready after {client.START_SECONDS:.0f} s"
    if said.strip() == b"ready":
        return "it ended at once"
    return _last_line(key) or f"exit code {process.returncode}"


def _last_line(key: str) -> str:
    with Path(places.log_path(key)).open("rb") as log:
        log.seek(max(0, os.fstat(log.fileno()).st_size - 4096))
        lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
