"""Load on a server by wrk, and what its processes weigh."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
_LUA = """
wrk.method = "POST"
local file = io.open(os.getenv("LOAD_BODY")); wrk.body = file:read("*a"); file:close()
for name, value in string.gmatch(os.getenv("LOAD_HEADERS"), "([^\\n:]+): ([^\\n]+)") do
  wrk.headers[name] = value
end
"""


class LoadFailed(Exception):
    """The server did not answer as it should; the text says how."""


@dataclass(frozen=True)
class Load:
    """What one setting gave."""

    rate: float
    """Answers a second."""
    p50: float
    p99: float
    """Seconds."""


def available() -> bool:
    """Tell whether wrk is there."""
    return shutil.which("wrk") is not None


def load(
    url: str,
    clients: int,
    seconds: float,
    folder: Path,
    *,
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> Load:
    """Ask again and again with some clients at a time, from one thread."""
    command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds:g}s", "--latency", "--timeout", "20s"]
    environment = {"PATH": "/usr/bin:/bin:/usr/local/bin"}
    if body is not None:
        (folder / "load.lua").write_text(_LUA)
        (folder / "load.json").write_text(json.dumps(body))
        given = {"Content-Type": "application/json", **(headers or {})}
        environment |= {
            "LOAD_BODY": str(folder / "load.json"),
            "LOAD_HEADERS": "\n".join(f"{name}: {value}" for name, value in given.items()),
        }
        command += ["-s", str(folder / "load.lua")]
    done = subprocess.run(
        [*command, url], capture_output=True, text=True, timeout=seconds + 60, env=environment
    )
    return _read(done.stdout + done.stderr)


def _read(text: str) -> Load:
    if wrong := re.search(r"Non-2xx or 3xx responses: (\d+)", text):
        raise LoadFailed(f"{wrong[1]} answers were errors")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    half, late = (re.search(rf"{share}%\s+([\d.]+)(us|ms|s|m)\b", text) for share in (50, 99))
    if rate is None or half is None or late is None or not float(rate[1]):
        raise LoadFailed(f"wrk said: {text.strip()[-200:]}")
    times = [float(found[1]) * _UNITS[found[2]] for found in (half, late)]
    return Load(float(rate[1]), *times)


def memory(pids: list[int]) -> float:
    """Return the MiB that processes and all their children have, what they share counted once."""
    total, seen = 0, set()
    for pid in pids:
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            if process.pid not in seen:
                seen.add(process.pid)
                total += process.memory_full_info().pss
    return total / 2**20
