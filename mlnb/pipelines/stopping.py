"""Ctrl-C and SIGTERM while a pipeline runs."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def stop_on_signals(stop: threading.Event) -> Iterator[None]:
    """Set an event instead of raising where the main thread happens to be.

    The steps see it, interrupt their kernels and end; the run is then closed as any other, so
    nothing is torn. Without effect outside the main thread, where no signal arrives.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    wanted = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP"):
        wanted.append(signal.SIGHUP)
    before: dict[signal.Signals, Any] = {}

    def handle(_number: int, _frame: Any) -> None:
        stop.set()

    for number in wanted:
        if signal.getsignal(number) not in (signal.SIG_IGN, None):  # nohup stays nohup
            before[number] = signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
