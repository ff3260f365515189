"""What is built once, before anything is forked: ipykernel's first half, and the runner's."""

import traceback
from importlib import import_module

from mlnb.execution import inprocess
from mlnb.execution.warm import kernel

USED_BY_EVERY_KERNEL = (
    "IPython.core.completer",
    "IPython.core.logger",
    "IPython.extensions.storemagic",
    "ipykernel.debugger",
    "ipykernel.displayhook",
    "ipykernel.eventloops",
    "ipykernel.iostream",
    "psutil",
    "sqlite3",
    "tornado.platform.asyncio",
    "zmq.asyncio",
)
"""What a kernel imports while it starts or ends: pages of memory that each would have itself."""


def build() -> None:
    """Import ipykernel and IPython and build their shells, starting no thread."""
    for name in USED_BY_EVERY_KERNEL:
        import_module(name)
    kernel.prepare()
    kernel.note_modules()
    try:
        inprocess.prepare()
    except Exception:  # kernels can do without; a child that cannot will say so itself
        traceback.print_exc()
