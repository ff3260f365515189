"""The end of a child: all that a Python program does at its end, but the taking apart of modules.

An interpreter that ends visits every object it has, and so copies all the memory it shares with
the zygote, only to give it back. What can be seen from outside happens here too: threads are
waited for, exit handlers run, the notebook's objects go away, and what was written is flushed.
"""

import atexit
import gc
import io
import os
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn


def end(work: Callable[[], int]) -> NoReturn:
    """Do some work and end this process with the exit code that it returns."""
    os._exit(_last(_code_of(work)))


def _code_of(work: Callable[[], int]) -> int:
    try:
        return work()
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return error.code or 0
        print(error.code, file=sys.__stderr__)
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    return 1


def _last(code: int) -> int:
    with suppress(BaseException):  # what fails here has been said by whoever failed
        threading._shutdown()  # type: ignore[attr-defined]  # as the interpreter does
        atexit._run_exitfuncs()
    with suppress(BaseException):
        sys.modules["__main__"].__dict__.clear()
        gc.collect()
    for one in gc.get_objects():
        if isinstance(one, (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)):
            with suppress(Exception):
                if not one.closed:
                    one.flush()
    with suppress(Exception):
        sys.stderr.flush()
        sys.stdout.flush()
    return code
