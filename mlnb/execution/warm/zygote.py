"""The zygote: one process, one thread, one loop.

    python -m mlnb.execution.warm.zygote  < specification in JSON

It says ``ready`` on its standard output as soon as it can fork; modules are imported ahead one by
one while nobody asks for anything. It ends when it has had no child for a while, when it no longer
fits what lies on the disk and its last child has ended, or when told to.
"""

import json
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from mlnb.execution.warm import becoming, ending, places, preloading, stamps
from mlnb.execution.warm.loop import Zygote


def _listen(key: str) -> socket.socket:
    """Listen where only this user can come, under the final name from the first moment on."""
    path = places.socket_path(key)
    draft = f"{path}.{os.getpid()}"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listener.bind(draft)
    finally:
        os.umask(mask)
    listener.listen(128)
    os.replace(draft, path)
    return listener


def _prepare(mode: str) -> None:
    """Import what every child needs, and build what can be built ahead."""
    if mode == "pool":
        return  # its workers do
    from mlnb.execution.warm import building

    building.build()


def main() -> NoReturn:
    """Be a zygote; in a child, be that."""
    told = json.load(sys.stdin)
    if os.fork():  # nobody's child from here on
        os._exit(0)
    os.setsid()
    sys.path[:] = [entry for entry in sys.path if entry not in ("", "/")]
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    usual = {number: signal.getsignal(number) for number in signal.valid_signals()}
    key = told["key"]
    _prepare(told["mode"])
    preloader = preloading.Preloader(
        told["preload"] if told["mode"] == "fork" else [],
        Path(places.verdicts_path(key)),
        stamps.environment(),
    )
    listener = _listen(key)
    zygote = Zygote(told, listener, preloader)
    _announce()
    birth = zygote.serve()
    if birth is None:
        with suppress(OSError):
            _remove_own_socket(key, listener)
        sys.stderr.flush()
        os._exit(0)
    kept = {
        int(number): signal.getsignal(number)
        for number, handler in usual.items()
        if signal.getsignal(number) is not handler and number != signal.SIGCHLD
    }
    becoming.default_signals(kept)
    ending.end(lambda: becoming.live(birth))


def _announce() -> None:
    """Say that one can ask now, and let go of the streams of whoever started this."""
    os.write(1, b"ready\n")
    nothing = os.open(os.devnull, os.O_RDWR)
    for target in (0, 1):
        os.dup2(nothing, target)
    os.close(nothing)


def _remove_own_socket(key: str, listener: socket.socket) -> None:
    if listener.fileno() >= 0:  # else it has retired, and another may listen there
        Path(places.socket_path(key)).unlink()


if __name__ == "__main__":
    main()
