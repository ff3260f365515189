"""The machine that a run was made on."""

import os
import platform
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def tags() -> dict[str, str]:
    """Return processor, number of processors and memory as tags."""
    import psutil

    found = {"mlnb.cpu": _processor(), "mlnb.cpu_count": str(_available())}
    found["mlnb.ram_gb"] = f"{psutil.virtual_memory().total / 1024**3:.1f}"
    return {name: value for name, value in found.items() if value}


def _available() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    """Return the processor's model; ``""`` when the system does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model", "cpu model"):
            return value.strip()
    return platform.processor() or platform.machine()
