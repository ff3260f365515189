"""Zygotes of the tests' own, and kernels that are spoken to directly."""

import contextlib
import os
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlnb.execution.warm import client
from mlnb.execution.warm.options import Options

PRELOAD = ("numpy", "pandas", "matplotlib.pyplot")


class Kernel:
    """A warm kernel and a client of it."""

    def __init__(self, folder: Path, options: Options, **asked: Any) -> None:
        from jupyter_client.blocking.client import BlockingKernelClient
        from jupyter_client.connect import write_connection_file

        file, _ = write_connection_file(
            str(folder / f"kernel-{time.monotonic_ns()}.json"), key=b"secret"
        )
        asked.setdefault("stderr", 2)
        self.child = client.fork(
            "kernel", {"connection_file": file}, options=options, cwd=str(folder), **asked
        )
        assert self.child.wait_ready(30), self.child.reason
        self.client = BlockingKernelClient(connection_file=file)
        self.client.load_connection_file()
        self.client.start_channels()
        self.client.wait_for_ready(30)

    def run(self, code: str, timeout: float = 30) -> str:
        """Run a cell and return its text; an error is its name and message."""
        outputs: list[dict[str, Any]] = []
        reply = self.client.execute_interactive(
            textwrap.dedent(code), timeout=timeout, output_hook=outputs.append, allow_stdin=False
        )
        said = []
        for message in outputs:
            content = message["content"]
            if message["msg_type"] == "stream":
                said.append(content["text"])
            elif message["msg_type"] in ("execute_result", "display_data"):
                said.append(content["data"].get("text/plain", ""))
        if reply["content"]["status"] == "error":
            said.append(f"{reply['content']['ename']}: {reply['content']['evalue']}")
        return "".join(said).strip()

    def send(self, code: str) -> None:
        """Run a cell and do not wait."""
        self.client.execute(textwrap.dedent(code), allow_stdin=False)

    def close(self) -> None:
        """Shut it down."""
        with contextlib.suppress(TimeoutError, ValueError):  # let go of before
            if self.child.poll() is None:
                self.client.shutdown()
                self.child.wait(10)
        self.client.stop_channels()
        self.child.close()


Starter = Callable[..., Kernel]


@pytest.fixture
def options() -> Options:
    return Options(preload=PRELOAD, mode="fork", idle=60, pool=1)


@pytest.fixture
def kernel(tmp_path: Path, options: Options) -> Iterator[Starter]:
    """Start kernels; they are shut down afterwards."""
    started: list[Kernel] = []

    def start(**asked: Any) -> Kernel:
        chosen = asked.pop("options", options)
        if chosen.mode == "fork":
            warm(chosen)
        started.append(Kernel(tmp_path, chosen, **asked))
        return started[-1]

    yield start
    for one in started:
        one.close()


def warm(options: Options, env: dict[str, str] | None = None) -> dict[str, Any]:
    """Wait until a zygote has imported everything and return its status."""
    connection = client.connect(sys.executable, dict(os.environ) if env is None else env, options)
    answer = client.ask(connection, {"op": "warm"})
    return answer if "pid" in answer else warm(options, env)
