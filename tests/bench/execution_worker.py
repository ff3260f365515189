"""Executes notebooks with one system, in a process of its own, and says how long each took.

Started by ``execution_report.py`` as ``python execution_worker.py SYSTEM FOLDER``; answers one
JSON line per request on standard input. Imports are paid before the first request.
"""

import asyncio
import contextlib
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

Execute = Callable[[str, str], Any]


def papermill(source: str, output: str) -> None:
    """Execute by papermill's API."""
    import papermill as library

    logging.getLogger("papermill").setLevel(logging.ERROR)
    library.execute_notebook(source, output, progress_bar=False)


def papermill_mlnb(source: str, output: str) -> None:
    """Execute by papermill's API with mlnb as its engine."""
    import papermill as library

    logging.getLogger("papermill").setLevel(logging.ERROR)
    library.execute_notebook(source, output, engine_name="mlnb", progress_bar=False)


def nbclient(source: str, output: str) -> None:
    """Execute by nbclient's API."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(source, as_version=4)
    NotebookClient(notebook, resources={"metadata": {"path": "."}}).execute()
    nbformat.write(notebook, output)


def ploomber(source: str, output: str) -> None:
    """Execute by ploomber-engine's API, in this process as it does."""
    from ploomber_engine import execute_notebook

    with contextlib.redirect_stdout(sys.stderr):
        execute_notebook(source, output_path=output, progress_bar=False)


def inprocess(source: str, output: str) -> None:
    """Execute by mlnb, in a forked process."""
    from mlnb.execution import execute

    assert execute(Path(source), Path(output)).how == "fork"


def kernel(source: str, output: str) -> None:
    """Execute by mlnb, in a forked ipykernel."""
    from mlnb.execution.executor import NotebookJob, attempt

    done = attempt(NotebookJob(notebook=Path(source), output=Path(output), runner="kernel"))
    assert done.error is None, done.error


SYSTEMS: dict[str, Execute] = {
    "papermill": papermill,
    "papermill-mlnb": papermill_mlnb,
    "nbclient": nbclient,
    "ploomber": ploomber,
    "inprocess": inprocess,
    "kernel": kernel,
}


async def ready(name: str, *, patient: bool = False) -> float:
    """Return the seconds from asking for a kernel until it has answered.

    Both kinds are asked by the same client. jupyter_client's own one (``patient``) waits until
    nothing has come for 0.2 s, whichever kernel it is.
    """
    from jupyter_client.manager import AsyncKernelManager

    from mlnb.execution.prompt import PromptClient

    manager: Any = AsyncKernelManager()
    if not patient:
        manager.client_factory = PromptClient
    if name == "mlnb":
        manager.kernel_spec.metadata = {
            "kernel_provisioner": {"provisioner_name": "mlnb-warm", "config": {}}
        }
    begun = time.perf_counter()
    await manager.start_kernel(stdout=2, stderr=2)
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=60)
    taken = time.perf_counter() - begun
    client.stop_channels()
    await manager.shutdown_kernel()
    return taken


def answer(execute: Execute, request: dict[str, Any]) -> dict[str, Any]:
    """Do one request: execute the sources, so many at a time."""
    if request.get("ready"):
        patient = request.get("patient", False)
        return {"seconds": asyncio.run(ready(request["ready"], patient=patient))}
    sources, workers = request["sources"], request.get("workers", 1)
    outputs = [f"out-{number}.ipynb" for number in range(len(sources))]
    begun = time.perf_counter()
    if workers == 1:
        for source, output in zip(sources, outputs, strict=True):
            execute(source, output)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(execute, sources, outputs))
    return {"seconds": time.perf_counter() - begun}


def main(system: str, folder: str) -> None:
    """Answer requests until standard input ends."""
    os.chdir(folder)
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    execute = SYSTEMS[system]
    for line in sys.stdin:
        try:
            reply = answer(execute, json.loads(line))
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {str(error)[:300]}"}
        replies.write(json.dumps(reply) + "\n")
        replies.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
