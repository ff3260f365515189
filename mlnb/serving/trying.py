"""A model's first answer, in a process that is thrown away."""

import contextlib
import importlib
import json
import logging
import os
import sys
from pathlib import Path

from mlnb.core.errors import MlnbError, PredictionFailed
from mlnb.serving.worker import EXAMPLE, Loaded, try_out

_logger = logging.getLogger("mlnb.serving.loader")


def tried(loaded: Loaded) -> None:
    """Let the model answer its example in a process that is thrown away.

    What computes may start threads (OpenMP's, say), and a process with such threads cannot be
    forked: its children would wait for threads that they do not have.

    Raises
    ------
    PredictionFailed
        If the model cannot answer.
    """
    receiving, sending = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.close(receiving)
            before = set(sys.modules)
            try_out(loaded.scorer, loaded.fields, Path(loaded.job.files) / EXAMPLE)
            found = {"merges": loaded.scorer.merges, "modules": sorted({*sys.modules} - before)}
            os.write(sending, json.dumps(found).encode())
        except BaseException as error:
            _logger.exception("the model failed on its own example")
            reason = error.message if isinstance(error, MlnbError) else repr(error)
            os.write(sending, json.dumps({"failed": reason}).encode())
        finally:
            logging.shutdown()
            os._exit(0)
    os.close(sending)
    with os.fdopen(receiving, "rb") as pipe:
        said = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    answer = json.loads(said) if said else {}
    if "merges" not in answer:
        ended = f"its process ended with code {code}"
        raise PredictionFailed(str(answer.get("failed") or ended).rstrip("."))
    loaded.scorer.merges = answer["merges"]
    for name in answer["modules"]:  # shared by the workers, then
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def threads_of_libraries() -> list[str]:
    """Return the names of this process's other threads, where the system tells."""
    names = []
    for task in Path("/proc/self/task").glob("*/comm"):
        if task.parent.name != str(os.getpid()):
            with contextlib.suppress(OSError):
                names.append(task.read_text(encoding="utf-8").strip())
    return sorted(names)
