"""The ``mlnb`` program run by a warm process, so that it starts in milliseconds.

Imported before anything else of the program; standard library only.
"""

from __future__ import annotations

import os
import sys

from mlnb.execution.warm import client, options

TYPE_CHECKING = False  # to import typing would take longer than all else
if TYPE_CHECKING:
    import signal
    from collections.abc import Sequence
else:
    import _signal as signal  # `signal` itself imports enum

_QUICK = (("notebook", "run"), ("notebook", "test"))
"""The verbs that are worth it."""


def run(arguments: Sequence[str]) -> int | None:
    """Run the program in a child of a zygote; None when it has to run here.

    The child has this process's working directory, environment and streams, is interrupted when
    this process is, and does not outlive it.
    """
    if tuple(arguments[:2]) not in _QUICK or {"-h", "--help", "-"} & set(arguments):
        return None  # `-` reads standard input, which the child has none of
    reading, writing = os.pipe()
    try:
        child = client.fork(
            "run",
            {"program": list(arguments)},
            argv=sys.argv,
            stdout=1,
            stderr=2,
            fds=(writing,),
            options=options.options(),
        )
    except (client.WarmUnavailable, OSError):
        return None
    finally:
        os.close(writing)
    with child:
        _pass_on(child)
        if told := os.read(reading, 16):
            return int(told)
        code = child.wait()
    sys.stderr.write(f"mlnb: {child.reason}\n")
    return 128 - code if code < 0 else code


def _pass_on(child: client.Child) -> None:
    """Send the child the signals that this process gets."""

    def pass_on(number: int, _frame: object) -> None:
        child.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
