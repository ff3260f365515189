"""A pre-started interpreter: imports everything, then waits to be told what to do.

python -m mlnb.execution.warm.worker DESCRIPTOR MODULES
"""

import importlib
import json
import os
import signal
import socket
import sys
from contextlib import suppress

from mlnb.execution.warm import becoming, building, ending, wire
from mlnb.execution.warm.nursery import Birth


def main(descriptor: int, modules: list[str]) -> None:
    """Wait for a request and become the child that it asks for."""
    sys.path[:] = [entry for entry in sys.path if entry not in ("", "/")]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # while it waits
    building.build()
    for module in modules:
        with suppress(Exception):  # the notebook will say so, if it wants this one
            importlib.import_module(module)
    with socket.socket(fileno=descriptor) as zygote:
        reader = wire.Reader(zygote)
        try:
            frames = reader.wait()
        except wire.Closed:
            return
        connection, *fds = reader.take_fds()
    becoming.default_signals({})
    birth = Birth(os.getpid(), "spawn", "", frames[0], fds, connection)
    ending.end(lambda: becoming.live(birth))


if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(sys.argv[2]))
