"""The end of a process whose work is done."""

import atexit
import os
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn


def leave(
    work: Callable[[], int | None], last_word: Callable[[int, str], bytes], to: int
) -> NoReturn:
    """Do the work, then what an interpreter does at its end, and end with the work's status.

    Just before the process goes, the last word is written to a descriptor: who waits for it need
    not wait until the system has taken the memory of a large process back.
    """
    status, problem = 1, ""
    try:
        status = work() or 0
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException as error:
        problem = f"{type(error).__name__}: {error}"
        traceback.print_exc()
    with suppress(BaseException):
        threading._shutdown()  # type: ignore[attr-defined]  # joins what is no daemon
    with suppress(BaseException):
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        with suppress(Exception):
            stream.flush()  # type: ignore[union-attr]
    with suppress(OSError):
        os.write(to, last_word(status, problem))
    os._exit(status)
