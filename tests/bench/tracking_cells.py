"""What ``%%track`` adds to a cell: two real kernels, one of which tracks every cell.

Plain cells run in a kernel of their own, so that what tracking does in the background (threads of
the kernel, the shipper) counts as tracking's. Both run blocks of cells in turn, so that what else
the machine does falls on both. A cell's time is that of the kernel's ``do_execute``: all between
the request and the reply, without the messages.

On a small machine one plain cell in a hundred takes milliseconds longer than the others, so the
difference of two 99th percentiles says little. What tracking adds to the slowest cells is told by
``own``: the time from the beginning to the end of what mlnb runs in a cell (the call in its first
line, the shell's events before and after it), with all waiting for other threads and for the disk
in it. ``added_p99`` is its 99th percentile, with what the median cell takes longer elsewhere.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BLOCK = 50
PAUSE_SECONDS = 0.01
"""Between two cells, as when all of a notebook's cells are run."""
SETTLE_SECONDS = 2.0
"""From ``%load_ext mlnb`` to the first tracked cell, as when somebody types it."""
_TIMER = """
%load_ext mlnb
def _watch():
    from time import perf_counter
    shell = get_ipython()
    kernel, events = shell.kernel, shell.events
    execute, trigger, track = kernel.do_execute, events.trigger, shell.track_cell
    times, own = [], []
    def timed(function):
        def call(*args, **options):
            begun = perf_counter()
            try:
                return function(*args, **options)
            finally:
                own.append(perf_counter() - begun)
        return call
    async def do_execute(*args, **options):
        own.clear()
        begun = perf_counter()
        try:
            return await execute(*args, **options)
        finally:
            times.append((perf_counter() - begun, sum(own)))
    kernel.do_execute = do_execute
    events.trigger, shell.track_cell = timed(trigger), timed(track)
    return times
_times = _watch()
"""


class _Kernel:
    """A kernel that times its cells."""

    def __init__(self, client: Any, cell: str) -> None:
        self._client = client
        self._cell = cell
        self._run(_TIMER)
        for _ in range(20):
            self._run("pass")
        self._read()

    def cells(self, count: int, *, pause: float = PAUSE_SECONDS) -> list[tuple[float, float]]:
        """Run some cells, and return the seconds that each took, all and in mlnb's own code."""
        for _ in range(count):
            time.sleep(pause)
            self._run(self._cell)
        return self._read()[-count:]  # the first is the last reading's own

    def _read(self) -> list[tuple[float, float]]:
        asked = {"times": "__import__('json').dumps([_times[:], _times.clear()][0])"}
        reply = self._run("", asked)
        text = reply["user_expressions"]["times"]["data"]["text/plain"]
        return [(all_of_it, own) for all_of_it, own in json.loads(text.strip("'"))]

    def _run(self, code: str, asked: dict[str, str] | None = None) -> dict[str, Any]:
        request = self._client.execute(code, user_expressions=asked or {}, store_history=bool(code))
        while True:
            reply = self._client.get_shell_msg(timeout=60)
            if reply["parent_header"].get("msg_id") == request:
                break
        if reply["content"]["status"] != "ok":
            raise RuntimeError("\n".join(reply["content"].get("traceback", [])))
        content: dict[str, Any] = reply["content"]
        return content


@contextmanager
def _kernel(folder: Path, cell: str) -> Iterator[_Kernel]:
    from jupyter_client.manager import KernelManager

    manager = KernelManager()
    manager.kernel_spec.argv[0] = sys.executable
    manager.start_kernel(cwd=str(folder))
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield _Kernel(client, cell)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def measure(count: int = 300, cell: str = "%%track empty") -> dict[str, float]:
    """Run tracked and plain cells in kernels; all figures are milliseconds.

    Parameters
    ----------
    count : int
        How many of each, after the first tracked one.
    cell : str
        The tracked cell.

    Returns
    -------
    dict
        ``plain_p50``, ``plain_p99``, ``tracked_p50``, ``tracked_p99``, ``first`` (the first
        tracked cell of the kernel), ``own_p50`` and ``own_p99`` (beyond the events of a median
        plain cell), and what tracking adds: ``added_p50`` (the difference of the medians),
        ``added_p99`` (see above) and ``added_first``. ``over_p99`` and ``noise_p99`` are the 99th
        percentiles of tracked and of plain cells beyond the median plain cell: what is the same
        in both is the machine's.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "mlnb.toml").write_text('name = "bench"\n', encoding="utf-8")
        with _kernel(folder, "pass") as plain, _kernel(folder, cell) as tracked:
            time.sleep(SETTLE_SECONDS)
            ((first, _),) = tracked.cells(1)
            theirs: list[tuple[float, float]] = []
            ours: list[tuple[float, float]] = []
            while len(ours) < count:
                block = min(BLOCK, count - len(ours))
                theirs += plain.cells(block)
                ours += tracked.cells(block)
    return _figures(theirs, ours, first)


def _figures(
    theirs: list[tuple[float, float]], ours: list[tuple[float, float]], first: float
) -> dict[str, float]:
    plain, tracked = ([whole for whole, _ in cells] for cells in (theirs, ours))
    events = statistics.median(own for _, own in theirs)
    parts = {"plain": plain, "tracked": tracked, "own": [own - events for _, own in ours]}
    found = {"first": first, "added_first": first - statistics.median(plain)}
    for name, part in (("p50", 0.5), ("p99", 0.99)):
        for kind, times in parts.items():
            found[f"{kind}_{name}"] = sorted(times)[int(part * (len(times) - 1))]
    found["added_p50"] = found["tracked_p50"] - found["plain_p50"]
    found["added_p99"] = found["own_p99"] + max(0.0, found["added_p50"] - found["own_p50"])
    found["over_p99"] = found["tracked_p99"] - found["plain_p50"]
    found["noise_p99"] = found["plain_p99"] - found["plain_p50"]
    return {name: round(1000 * value, 4) for name, value in found.items()}


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 300), indent=1))
