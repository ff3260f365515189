"""Warm kernels: as cold ones in what they show, whatever was imported ahead, and by the hundred.

``REPEATS`` says how many kernels are started in a row (30).
"""

import base64
import contextlib
import gc
import json
import os
import queue
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mlnb.execution.warm import client, managing, preloading
from mlnb.execution.warm.options import Options

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

REPEATS = int(os.environ.get("REPEATS", "30"))
OPTIONS = Options(
    preload=("numpy", "pandas", "sklearn", "matplotlib.pyplot", "pyarrow.parquet", "mlflow"),
    mode="fork",
    idle=120,
    pool=2,
)
CELLS = {
    "text": "print('out'); import sys; print('err', file=sys.stderr); 6 * 7",
    "frame": "import pandas as pd; pd.DataFrame({'a': [1, 2], 'b': ['x', None]})",
    "figure": "import matplotlib.pyplot as plt; plt.plot([1, 4, 2]); plt.title('t')",
    "display": "from IPython.display import HTML, display; display(HTML('<b>x</b>')); "
    "display('y', display_id='d')",
    "update": "from IPython.display import update_display; update_display('z', display_id='d')",
    "error": "def f(n):\n    return 1 / n\nf(0)",
    "magic": "%config InlineBackend.figure_format\n!echo shell",
    "history": "print(In[1][:5], _i[:3], Out)",
    "who": "%who",
    "module": "class A: pass\nimport pickle; len(pickle.dumps(A())) > 0, A.__module__",
    "await": "import asyncio; await asyncio.sleep(0.01, 'done')",
    "fd": "import os, time; os.write(1, b'raw\\n'); n = os.system('echo child'); "
    "time.sleep(0.5); n",
    "backend": "import matplotlib; matplotlib.get_backend()",
    "seeded": "import random, numpy; random.seed(3); numpy.random.seed(3); "
    "(random.random(), float(numpy.random.rand()))",
    "path": "import os, sys; '' in sys.path, os.path.basename(os.getcwd()), __name__",
    "handlers": "import signal; signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGCHLD)",
    "threads": "import threading; threading.current_thread() is threading.main_thread()",
    "tb": "raise SystemExit(3)",
}
HAZARDS = {
    "BLAS": "import numpy; a = numpy.ones((800, 800)); assert (a @ a)[0, 0] == 800",
    "BLAS threads": "import threadpoolctl; info = threadpoolctl.threadpool_info(); "
    "assert all(i['num_threads'] == os.cpu_count() for i in info), info",
    "OpenMP": "from sklearn.ensemble import HistGradientBoostingClassifier as H; import numpy\n"
    "r = numpy.random.default_rng(0); x = r.random((3000, 8)); y = x[:, 0] > .5\n"
    "assert H(max_iter=20).fit(x, y).score(x, y) > .95",
    "joblib": "from joblib import Parallel, delayed\n"
    "assert Parallel(2)(delayed(abs)(-i) for i in range(8)) == list(range(8))",
    "pyarrow": "import pyarrow as pa, pyarrow.parquet as pq, io, pyarrow.compute as pc\n"
    "t = pa.table({'a': list(range(200000))}); b = io.BytesIO(); pq.write_table(t, b)\n"
    "assert pc.sum(pq.read_table(b, use_threads=True)['a']).as_py() == 19999900000",
    "polars": "import polars as pl; f = pl.DataFrame({'a': range(10**5)})\n"
    "assert f.lazy().group_by(pl.col('a') % 7).agg(pl.len()).collect().height == 7",
    "mlflow": "import mlflow; mlflow.set_tracking_uri('sqlite:///m.db')\n"
    "with mlflow.start_run() as r: mlflow.log_metric('m', 1)\n"
    "assert mlflow.get_run(r.info.run_id).data.metrics == {'m': 1}",
    "mlflow with polars": "import sys, mlflow; assert 'polars' not in sys.modules\n"
    "import polars as pl; f = pl.DataFrame({'a': range(10**5)})\n"
    "assert mlflow.data.from_polars(f).profile['num_rows'] == 10**5\n"
    "f.write_parquet('f.parquet'); lazy = pl.scan_parquet('f.parquet').sort('a', descending=True)\n"
    "assert lazy.collect(engine='streaming')['a'][0] == 10**5 - 1",
    "asyncio": "import asyncio, socket\nasync def serve():\n"
    "    s = await asyncio.start_server(lambda r, w: w.close(), '127.0.0.1', 0)\n"
    "    r, w = await asyncio.open_connection(*s.sockets[0].getsockname())\n"
    "    assert await r.read() == b''; w.close(); s.close()\nawait serve()",
    "sqlite": "import sqlite3; c = sqlite3.connect('x.db'); c.execute('create table t (a)'); "
    "c.execute('insert into t values (1)'); c.commit()",
    "multiprocessing": "import multiprocessing as mp\n"
    "with mp.get_context('fork').Pool(2) as p: assert p.map(abs, [-1, 2]) == [1, 2]",
    "signals": "import signal, os; got = []\n"
    "signal.signal(signal.SIGUSR1, lambda *_: got.append(1))"
    "\nos.kill(os.getpid(), signal.SIGUSR1); assert got",
    "tracking": "%load_ext mlnb\n%track start warm\n"
    "import mlnb\nmlnb.log(metrics={'loss': 0.5})\n"
    "%track stop\nmlnb.tracking.flush()\nfrom mlnb.tracking import runs\n"
    "assert len(runs.list_runs()) == 1",
}


@pytest.fixture(scope="module")
def runtime() -> Iterator[str]:
    folder = tempfile.mkdtemp(prefix="mlnb-test-")
    yield folder
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLNB_RUNTIME_DIR", folder)
        managing.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def loops_of_threads() -> Iterator[None]:
    """Let go of the event loops that jupyter_client makes in threads and does not close."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(autouse=True)
def own_zygote(runtime: str, own_variables: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLNB_RUNTIME_DIR", runtime)
    monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)  # changes how kernels capture
    status = _ask("warm")
    assert status["imported"] == preloading.deepened(list(OPTIONS.preload)), status


def _ask(operation: str) -> dict[str, Any]:
    env = {key: value for key, value in os.environ.items() if key != "PYTEST_CURRENT_TEST"}
    answer = client.ask(client.connect(sys.executable, env, OPTIONS), {"op": operation})
    return answer if "pid" in answer else _ask(operation)


class Kernel:
    """A kernel, warm or cold, spoken to directly."""

    def __init__(self, folder: Path, *, warm: bool = True) -> None:
        from jupyter_client.blocking.client import BlockingKernelClient
        from jupyter_client.connect import write_connection_file

        env = {key: value for key, value in os.environ.items() if key != "PYTEST_CURRENT_TEST"}
        begin = time.perf_counter()
        self.file, _ = write_connection_file(
            str(folder / f"k{time.monotonic_ns()}.json"), key=b"secret"
        )
        self.process: client.Child | subprocess.Popen[bytes]
        if warm:
            self.process = client.fork(
                "kernel", {"connection_file": self.file}, options=OPTIONS, cwd=str(folder), env=env
            )
            assert self.process.wait_ready(30), self.process.reason
        else:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ipykernel_launcher", "-f", self.file],
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
            )
        self.client = BlockingKernelClient(connection_file=self.file)
        self.client.load_connection_file()
        self.client.start_channels()
        self.client.kernel_info(reply=True, timeout=60)
        self.seconds = time.perf_counter() - begin
        self._hear()

    def _hear(self) -> None:
        """Wait until what the kernel shows arrives: its first messages may come too early."""
        for _ in range(100):
            self.client.kernel_info(reply=True, timeout=60)
            with contextlib.suppress(queue.Empty):
                while True:
                    message = self.client.get_iopub_msg(timeout=0.1)
                    if message["content"].get("execution_state") == "idle":
                        return
        raise AssertionError("nothing arrives of what the kernel shows")

    def run(self, code: str, timeout: float = 60) -> list[Any]:
        """Run a cell; what it shows, in one form for every kernel."""
        seen: list[Any] = []
        reply = self.client.execute_interactive(
            code, timeout=timeout, output_hook=seen.append, allow_stdin=False
        )
        outputs: list[Any] = []
        for message in seen:
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                if outputs and outputs[-1][:2] == ["stream", content["name"]]:
                    outputs[-1][2] += content["text"]
                else:
                    outputs.append(["stream", content["name"], content["text"]])
            elif kind == "error":
                trace = "\n".join(content["traceback"])
                outputs.append([kind, content["ename"], content["evalue"], trace])
            elif kind not in ("status", "execute_input"):
                outputs.append([kind, content["data"], content["metadata"]])
        return [reply["content"]["status"], sorted(outputs, key=lambda one: str(one[:2]))]

    def abandon(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait(10)
        self.client.stop_channels()
        self.client.context.destroy(linger=0)

    def close(self) -> float:
        """Shut it down; returns the seconds that it took."""
        begin = time.perf_counter()
        self.client.shutdown()
        code = self.process.wait(10)
        seconds = time.perf_counter() - begin
        assert code == 0
        self.client.stop_channels()
        self.client.context.destroy(linger=0)
        Path(self.file).unlink(missing_ok=True)
        if isinstance(self.process, client.Child):
            self.process.close()
        return seconds


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    made.mkdir()
    return made


def test_a_warm_kernel_shows_what_a_cold_one_shows(folder: Path) -> None:
    warm, cold = Kernel(folder), Kernel(folder, warm=False)
    for name, code in CELLS.items():
        ours, theirs = warm.run(code), cold.run(code)
        assert _plain(ours) == _plain(theirs), name
    warm.close()
    cold.close()


def _plain(result: Any) -> str:
    """Drop what differs from one cold kernel to the next: addresses and process numbers."""
    import re

    text = json.dumps(result, default=lambda data: base64.b64encode(data).decode())
    text = re.sub(r"0x[0-9a-f]+", "0x…", text)
    return re.sub(r"ipykernel_\d+", "ipykernel_…", text)


@pytest.mark.parametrize("name", HAZARDS)
def test_what_a_fork_could_break_works_in_a_child(name: str, folder: Path) -> None:
    kernel = Kernel(folder)
    status, outputs = kernel.run("import os\n" + HAZARDS[name], timeout=60)
    assert status == "ok", outputs
    # not shut down: ipykernel waits ten seconds for joblib's processes, in a cold kernel as well
    kernel.abandon()


def test_kernels_by_the_hundred_leave_nothing_behind(folder: Path) -> None:
    first = Kernel(folder)
    expected = _plain(first.run(CELLS["frame"]))
    first.close()
    zygote = _ask("status")["pid"]
    before, memory = _open(zygote), _own(zygote)
    ready, ends, dirty, draws = [], [], [], set()
    for number in range(REPEATS):
        kernel = Kernel(folder)
        ready.append(kernel.seconds)
        kernel.run("1")
        dirty.append(_private(kernel.process.pid))
        assert _plain(kernel.run(CELLS["frame"])) == expected
        draws.add(str(kernel.run("import random; random.random()")))
        ends.append(kernel.close())
        if number == REPEATS // 3:  # what the first ones left for the next to use is no leak
            before, memory = _open(zygote), _own(zygote)
    assert len(draws) == REPEATS
    assert _until(lambda: _open(zygote) <= before)
    grown = _own(zygote) - memory
    print(
        f"\n{REPEATS} kernels: ready {statistics.median(ready) * 1e3:.0f} ms, "
        f"shut down {statistics.median(ends) * 1e3:.0f} ms (most {max(ends) * 1e3:.0f} ms), "
        f"{statistics.median(dirty) / 2**20:.1f} MiB of their own; the zygote: "
        f"{before} descriptors before and after, {grown / 2**10:+.0f} KiB"
    )
    assert max(ends) < 1
    assert grown < 2 * 2**20
    assert statistics.median(dirty) < 20 * 2**20
    assert _until(lambda: _ask("status")["children"] == [])
    assert _ask("status")["born"] >= REPEATS


def test_eight_at_once(folder: Path) -> None:
    Kernel(folder).close()
    zygote = _ask("status")["pid"]
    before = _open(zygote)

    def one(_number: int) -> str:
        kernel = Kernel(folder)
        result = _plain(kernel.run(CELLS["frame"])), str(kernel.run("import uuid; uuid.uuid4()"))
        kernel.close()
        return result

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(one, range(max(16, REPEATS // 4))))
    assert len({frame for frame, _ in results}) == 1
    assert len({drawn for _, drawn in results}) == len(results)
    assert _until(lambda: _open(zygote) <= before)


def test_a_warm_kernel_is_ready_long_before_a_cold_one(folder: Path) -> None:
    warm, cold = [], []
    for _ in range(5):
        for times, is_warm in ((warm, True), (cold, False)):
            kernel = Kernel(folder, warm=is_warm)
            times.append(kernel.seconds)
            kernel.close()
    print(
        f"\nready after: warm {statistics.median(warm) * 1e3:.0f} ms, "
        f"cold {statistics.median(cold) * 1e3:.0f} ms"
    )
    assert statistics.median(cold) > 4 * statistics.median(warm)


def _open(pid: int) -> int:
    """Count the descriptors of a zygote whose spare children are all there: each holds one."""
    until = time.monotonic() + 10
    while _ask("status")["ready"] < 2 and time.monotonic() < until:
        time.sleep(0.01)
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _until(holds: Callable[[], bool], seconds: float = 10) -> bool:
    """Wait until something holds: an end is noticed a moment after it."""
    until = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < until:
        time.sleep(0.05)
    return held


def _own(pid: int) -> int:
    """Return the bytes of memory without a file, shared with children or not, in use or swapped.

    What is private changes with how many children there are, and what these have written to.
    """
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    parts = [line.split() for line in lines if line.startswith(("Anonymous:", "Swap:"))]
    return sum(int(part[1]) * 1024 for part in parts)


def _private(pid: int) -> int:
    """Return the bytes that a process shares with no other."""
    with contextlib.suppress(FileNotFoundError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Private_Dirty:"):
                return int(line.split()[1]) * 1024
    return 0
