"""How much of a cell's outputs is kept, in-process and in a kernel alike."""

from collections.abc import Mapping
from typing import Any

FLOOD = 4
"""A cell that writes this many times its limit is stopped."""


def cut_off(limit: int) -> str:
    """Return the mark that stands where outputs were cut off."""
    size = f"{limit / 2**20:g} MiB" if limit >= 2**20 else f"{limit} bytes"
    return (
        f"\n[mlnb: the outputs of this cell were cut off after {size}; see `cell_output_limit`]\n"
    )


def size_of(content: Mapping[str, Any]) -> int:
    """Return about how many bytes an output has, or a message that holds one."""
    if "text" in content:
        return len(content["text"])
    if "traceback" in content:
        return sum(map(len, content["traceback"]))
    return sum(
        len(value) if isinstance(value, str | bytes) else len(str(value))
        for value in content.get("data", {}).values()
    )
