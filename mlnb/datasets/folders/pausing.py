"""Pause the garbage collector while many rows are made at once."""

import gc
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def uncollected(work: Callable[P, R]) -> Callable[P, R]:
    """Let a function that makes tens of thousands of tuples, and no cycles, run undisturbed.

    The collector would walk through all of them several times to find that none can go.
    """

    @wraps(work)
    def paused(*arguments: P.args, **options: P.kwargs) -> R:
        if not gc.isenabled():
            return work(*arguments, **options)
        gc.disable()
        try:
            return work(*arguments, **options)
        finally:
            gc.enable()

    return paused
