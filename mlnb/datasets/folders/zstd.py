"""Zstandard, one call at a time; compressors are kept per thread."""

import threading
from typing import Any

from zstandard import ZstdCompressor, ZstdDecompressor, ZstdError, frame_content_size

_kept = threading.local()


def compress(data: Any, *, level: int = 3) -> bytes:
    """Return bytes as one frame that says its content's size."""
    name = f"level_{level}"
    compressor = getattr(_kept, name, None)
    if compressor is None:
        compressor = ZstdCompressor(level=level)
        setattr(_kept, name, compressor)
    packed: bytes = compressor.compress(data)
    return packed


def decompress(data: Any, *, size: int | None = None, limit: int | None = None) -> bytes:
    """Return a frame's content.

    Parameters
    ----------
    data : bytes-like
        One frame as `compress` makes it.
    size, limit : int, optional
        The content's exact, and its largest allowed size in bytes: a hostile frame of a few bytes
        could ask for all memory.

    Raises
    ------
    ValueError
        If it is no such frame.
    """
    try:
        found = frame_content_size(data)
        if found < 0 or (size is not None and found != size) or (limit or found) < found:
            raise ValueError("it is not of the size it should be")
        content: bytes = _decompressor().decompress(data)
    except ZstdError as error:
        raise ValueError(str(error)) from None
    return content


def _decompressor() -> ZstdDecompressor:
    if not hasattr(_kept, "decompressor"):
        _kept.decompressor = ZstdDecompressor()
    kept: ZstdDecompressor = _kept.decompressor
    return kept
