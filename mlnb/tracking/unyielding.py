"""Calls to the system that keep the interpreter's lock.

Python gives its lock away at each call to the system. Whoever waits for it runs first then: after
a cell has begun that is the kernel's thread that sends its messages, and the cell waits some
tenths of a millisecond for it. The calls here take microseconds, and keep the lock.
"""

import ctypes
import os
from errno import EINTR

_STAT_BYTES = 512
"""More than any system's ``struct stat``."""

_library = ctypes.PyDLL(None, use_errno=True)
_library.write.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t)
_library.write.restype = ctypes.c_ssize_t
_library.pread.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_long)
_library.pread.restype = ctypes.c_ssize_t
_library.getcwd.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_library.getcwd.restype = ctypes.c_void_p
_stat = getattr(_library, "stat", None)  # C libraries of before 2021 have it under other names
if _stat is not None:
    _stat.argtypes = (ctypes.c_char_p, ctypes.c_void_p)
_PATH_BYTES = 4096


def write(descriptor: int, data: bytes) -> int:
    """Write as `os.write` does.

    Raises
    ------
    OSError
        If the system refuses.
    """
    length = int(_library.write(descriptor, data, len(data)))
    if length >= 0:
        return length
    if (code := ctypes.get_errno()) == EINTR:
        return os.write(descriptor, data)
    raise OSError(code, os.strerror(code))


def head(descriptor: int, length: int) -> bytes:
    """Return what an open file begins with; empty if it cannot be read."""
    found = ctypes.create_string_buffer(length)
    read = int(_library.pread(descriptor, found, length, 0))
    return found.raw[: max(0, read)]


def stamp(path: str) -> bytes | None:
    """Return what differs when a file has been changed; None if there is no such file."""
    if _stat is None:
        try:
            return repr(os.stat(path)).encode()  # noqa: PTH116  (of a text)
        except OSError:
            return None
    found = ctypes.create_string_buffer(_STAT_BYTES)
    return found.raw if _stat(os.fsencode(path), found) == 0 else None


def working_folder() -> bytes:
    """Return the working directory; empty if it is gone."""
    found = ctypes.create_string_buffer(_PATH_BYTES)
    return found.value if _library.getcwd(found, _PATH_BYTES) else b""
