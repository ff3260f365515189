"""What the machine of a benchmark is: figures mean nothing without it."""

import os
import platform
from pathlib import Path

import psutil


def describe(folder: Path) -> str:
    """Return processor, cores, memory, disk under a folder and system in one line."""
    memory = psutil.virtual_memory()
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory.total / 2**30:.0f} GB memory "
        f"({memory.available / 2**30:.0f} GB free), {_disk(folder)}, "
        f"{platform.system()} {platform.release()}"
    )


def load() -> str:
    """Return the load averages of 1, 5 and 15 minutes."""
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        for line in facts.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _disk(folder: Path) -> str:
    """Return file system and free space; the longest mount point above the folder is its disk."""
    above = [
        part
        for part in psutil.disk_partitions(all=True)
        if folder.resolve().is_relative_to(part.mountpoint)
    ]
    kind = max(above, key=lambda part: len(part.mountpoint)).fstype if above else "unknown"
    return f"{kind} disk with {psutil.disk_usage(str(folder)).free / 2**30:.0f} GB free"
