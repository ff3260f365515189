"""What a process that only waits keeps in memory."""

import ctypes
import logging
from pathlib import Path

_DONTNEED = 4
"""``MADV_DONTNEED`` of Linux."""
_MAPS = Path("/proc/self/maps")
_logger = logging.getLogger("mlnb.serving")


def give_back_code() -> None:
    """Let go of the machine code of libraries that were only loaded to be forked with.

    It is read from their files again when it is run. A loader of a model in ONNX has 20 MiB of it
    and never computes. Only code is let go of: it is never written to, as tables of addresses are.
    """
    if not _MAPS.exists():
        return
    try:
        advise = ctypes.CDLL(None).madvise
        advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        for line in _MAPS.read_text(encoding="utf-8").splitlines():
            place, rights, _offset, _device, inode, *_ = line.split()
            if rights == "r-xp" and inode != "0":
                start, end = (int(number, 16) for number in place.split("-"))
                advise(start, end - start, _DONTNEED)
    except (OSError, ValueError, AttributeError) as error:
        _logger.warning("machine code stays in memory: %s", error)
