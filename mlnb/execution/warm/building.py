"""What is built once, before anything is forked: ipykernel's first half, and the runner's."""

import traceback

from mlnb.execution import inprocess
from mlnb.execution.warm import kernel


def build() -> None:
    """Import ipykernel and IPython and build their shells, starting no thread.

    What is imported here by name, a kernel would import while it starts or ends: pages of memory
    that each child would have of its own.
    """
    import sqlite3

    import IPython.core.logger
    import IPython.extensions.storemagic
    import ipykernel.debugger
    import ipykernel.displayhook
    import ipykernel.eventloops
    import ipykernel.iostream
    import psutil
    import tornado.platform.asyncio
    import zmq.asyncio  # noqa: F401
    from IPython.core.completer import Completer  # noqa: F401

    kernel.prepare()
    try:
        inprocess.prepare()
    except Exception:  # kernels can do without; a child that cannot will say so itself
        traceback.print_exc()
