"""What is built once, before anything is forked: ipykernel's first half, and the runner's."""

import traceback

from mlnb.execution import inprocess
from mlnb.execution.warm import kernel


def build() -> None:
    """Import ipykernel and IPython and build their shells, starting no thread."""
    import ipykernel.debugger
    import ipykernel.displayhook
    import ipykernel.eventloops
    import ipykernel.iostream
    import psutil  # noqa: F401  (ipykernel imports it at its first shutdown)
    import zmq.asyncio
    from IPython.core.completer import Completer  # noqa: F401

    kernel.prepare()
    try:
        inprocess.prepare()
    except Exception:  # kernels can do without; a child that cannot will say so itself
        traceback.print_exc()
