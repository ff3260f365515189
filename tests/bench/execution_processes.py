"""The processes of the execution benchmark: workers, children looked at, kernels shut down."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

_WORKER = Path(__file__).with_name("execution_worker.py")


class WorkerFailed(Exception):
    """A system could not do what it was asked; the text says why."""


class Worker:
    """A system in a process of its own, asked for one thing after the other."""

    def __init__(self, python: str, system: str, folder: Path) -> None:
        self._log = (folder / f"{system}.log").open("wb")
        self._process = subprocess.Popen(
            [python, str(_WORKER), system, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def ask(self, **request: Any) -> float:
        """Ask, and return the seconds that it took."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise WorkerFailed(f"its process ended with {self._process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerFailed(answer["error"])
        return float(answer["seconds"])

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._log.close()


def children_memory(folder: Path) -> int:
    """Return the bytes that a child alone has (USS), while a cell of it runs."""
    import psutil

    from mlnb.execution import execute

    seen = folder / "uss"
    source = folder / "uss.ipynb"
    cell = (
        "import psutil\n"
        f"open({str(seen)!r}, 'w').write(str(psutil.Process().memory_full_info().uss))"
    )
    body = json.loads((folder / "empty.ipynb").read_text(encoding="utf-8"))
    made = {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None}
    body["cells"] = [{**made, "source": cell}]
    source.write_text(json.dumps(body), encoding="utf-8")
    assert psutil  # the cell needs it
    found = []
    for _ in range(3):
        assert execute(source, folder / "out.ipynb").how == "fork"
        found.append(int(seen.read_text(encoding="utf-8")))
    return min(found)


def shutdowns(folder: Path, count: int) -> float:
    """Return the seconds of the longest of many shutdowns of warm kernels."""
    from jupyter_client.manager import KernelManager

    os.chdir(folder)
    longest = 0.0
    for _ in range(count):
        manager: Any = KernelManager()
        manager.kernel_spec.metadata = {
            "kernel_provisioner": {"provisioner_name": "mlnb-warm", "config": {}}
        }
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
            manager.start_kernel(stdout=nowhere, stderr=nowhere)
        client = manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        client.stop_channels()
        begun = time.perf_counter()
        manager.shutdown_kernel()
        longest = max(longest, time.perf_counter() - begun)
    return longest
