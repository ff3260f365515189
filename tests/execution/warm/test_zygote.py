"""One zygote per environment: started once, replaced when stale, gone when idle."""

import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlnb.execution.warm import client, managing, options, places, wire
from mlnb.execution.warm.options import Options

Starter = Callable[..., Any]
BARE = Options(preload=(), mode="fork", idle=60, pool=1)


def _connect(options_: Options = BARE, env: dict[str, str] | None = None) -> socket.socket:
    return client.connect(sys.executable, dict(os.environ) if env is None else env, options_)


def _status(options_: Options = BARE, env: dict[str, str] | None = None) -> dict[str, Any]:
    answer = client.ask(_connect(options_, env), {"op": "warm"})
    return answer if "pid" in answer else _status(options_, env)


def _gone(pid: int, seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_clients_that_come_at_once_get_one_zygote() -> None:
    env = {**os.environ, "OMP_NUM_THREADS": "3"}
    code = (
        "import os, sys; from mlnb.execution.warm import client, options\n"
        "o = options.Options(preload=(), mode='fork', idle=60, pool=1)\n"
        "c = client.connect(sys.executable, dict(os.environ), o)\n"
        "print(client.ask(c, {'op': 'status'})['pid'])\n"
    )
    asking = [
        subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert len({process.communicate()[0].strip() for process in asking}) == 1


def test_only_its_owner_can_reach_it(runtime: Path) -> None:
    key = _status()["key"]
    assert stat.S_IMODE(Path(places.socket_path(key)).stat().st_mode) & 0o077 == 0
    assert stat.S_IMODE(runtime.stat().st_mode) == 0o700


def test_another_environment_is_another_zygote() -> None:
    assert _status()["pid"] != _status(env={**os.environ, "OMP_NUM_THREADS": "5"})["pid"]


def test_two_children_wait_soon_after_two_were_born(runtime: Path) -> None:
    """The program and the process with its cells: each takes one."""
    env = {**os.environ, "OMP_NUM_THREADS": "4"}
    _status(env=env)
    end = time.monotonic() + 20
    while _status(env=env)["ready"] < 2:
        assert time.monotonic() < end
        time.sleep(0.05)
    born = time.monotonic()
    for _ in range(2):
        client.fork("run", {"cells": []}, env=env, options=BARE, fds=(2,)).close()
    while _status(env=env)["ready"] < 2:
        assert time.monotonic() < end
        time.sleep(0.02)
    took = time.monotonic() - born
    assert took < 1.9, f"{took:.1f} s; the second was made only after a pause of two seconds"
    key = _status(env=env)["key"]
    assert "Traceback" not in Path(places.log_path(key)).read_text(), "no rehearsal failed"


def test_malformed_requests_harm_nobody() -> None:
    pid = _status()["pid"]
    for message in ({}, {"op": "nonsense"}, {"op": "fork"}, {"op": "fork", "kind": "run"}):
        connection = _connect()
        wire.send(connection, message)
        assert "error" in wire.Reader(connection).wait()[0]
        connection.close()
    connection = _connect()
    connection.sendall(b"\x00\x00\x00\x05hello")
    reader = wire.Reader(connection)
    assert "malformed" in reader.wait()[0]["error"]
    with pytest.raises(wire.Closed):
        reader.wait()
    connection.close()
    assert _status()["pid"] == pid


def test_a_crashed_zygote_is_started_again() -> None:
    pid = _status()["pid"]
    os.kill(pid, 9)
    assert _gone(pid)
    assert _status()["pid"] != pid


def test_a_zygote_without_kernels_retires() -> None:
    pid = _status(BARE._replace(idle=0.3), {**os.environ, "OMP_NUM_THREADS": "7"})["pid"]
    assert _gone(pid)


def test_a_module_that_changes_on_disk_makes_it_stale(
    tmp_path: Path, kernel: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "inplace.py"
    module.write_text("value = 1\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    chosen = BARE._replace(preload=("inplace",))
    status = _status(chosen)
    assert status["imported"] == ["inplace"]
    one = kernel(options=chosen)
    module.write_text("value = 22\n")
    other = kernel(options=chosen)
    assert other.run("import inplace; inplace.value") == "22"
    assert one.run("1 + 1") == "2"  # goes on, and its zygote with it
    one.close()
    assert _gone(status["pid"])


def test_the_verbs_start_show_and_stop_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlnb.core.errors import BadInput

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLNB_PRELOAD", "decimal, no_such_module")
    monkeypatch.setenv("OMP_NUM_THREADS", "11")
    with pytest.raises(BadInput, match="no zygote runs"):
        managing.status()
    started = managing.start()
    assert started.imported == ["decimal"]
    assert started.missing == ["no_such_module"]
    assert managing.status().pid == started.pid
    assert started.pid in {zygote.pid for zygote in managing.stop()}
    assert _gone(started.pid)
    assert managing.zygotes() == []
    monkeypatch.setenv("MLNB_WARM_KERNELS", "off")
    with pytest.raises(BadInput, match="switched off"):
        managing.start()


REFUSED = {
    "threaded": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), "
        "daemon=True, name='humming').start()",
        "it starts 1 thread",
    ),
    "connected": ("import socket\ns = socket.socket()", "it opens a socket"),
    "writing": ("f = open('/tmp/mlnb-test-writing', 'w')", "it opens a file"),
    "database": (
        "import sqlite3\nc = sqlite3.connect('/tmp/mlnb-test.db')\n"
        "c.execute('create table if not exists t (a)')",
        "it opens a file",
    ),
    "looping": ("import asyncio\nloop = asyncio.new_event_loop()", "it opens a"),
    "failing": ("1 / 0", "its import failed: ZeroDivisionError"),
    "leaving": ("import sys; sys.exit(1)", "its import ended the process"),
    "crashing": ("import os; os.abort()", "its import crashed"),
}


def test_modules_that_a_fork_cannot_follow_are_refused_by_name(
    tmp_path: Path, kernel: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, (source, _) in REFUSED.items():
        (tmp_path / f"{name}.py").write_text(source)
    (tmp_path / "innocent.py").write_text("import random\ndrawn = random.Random()\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    chosen = BARE._replace(preload=("innocent", *REFUSED))
    status = _status(chosen)
    assert status["imported"] == ["innocent"]
    assert status["threads"] == 1
    for name, (_, reason) in REFUSED.items():
        assert status["refused"][name].startswith(reason), name
    one = kernel(options=chosen)
    assert one.child.how == "fork"
    other = kernel(options=chosen)
    draw = "import innocent; innocent.drawn.random()"
    assert one.run(draw) != other.run(draw)  # a generator nobody seeded
    assert one.run("import threaded, threading; threading.active_count() > 0") == "True"


def test_a_pool_serves_the_same_interface(kernel: Starter, tmp_path: Path) -> None:
    chosen = BARE._replace(mode="pool", preload=("decimal",))
    one = kernel(options=chosen, env={**os.environ, "COLOUR": "green"})
    assert one.child.how == "spawn"
    assert (
        one.run(
            "import os, sys; print(os.getcwd(), os.environ['COLOUR'], 'decimal' in sys.modules,"
            " os.getpgrp() == os.getpid())"
        )
        == f"{tmp_path} green True True"
    )
    one.send("import os; os.kill(os.getpid(), 9)")
    assert one.child.wait(10) == -9
    assert one.child.reason == "it was killed by SIGKILL"
    other = kernel(options=chosen)
    assert other.run("import random; random.random()") != ""
    other.child.close()
    assert _gone(other.child.pid)
    status = client.ask(_connect(chosen), {"op": "status"})
    assert status["mode"] == "pool"
    pool_pid = status["pid"]
    client.ask(_connect(chosen), {"op": "stop"})
    assert _gone(pool_pid)


def test_with_a_thread_in_the_zygote_a_kernel_is_spawned_and_the_reason_said(
    tmp_path: Path, kernel: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    # what is refused is not imported; a thread that comes later is noticed at the fork
    (tmp_path / "later.py").write_text(
        "import gc, threading, time\n"
        "def late(phase, info):\n"
        "    gc.callbacks.remove(late)\n"
        "    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "gc.callbacks.append(late)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    one = kernel(options=BARE._replace(preload=("later",)))
    assert one.child.how == "spawn"
    assert one.child.why.startswith("the zygote has 1 more thread")
    assert one.run("1 + 1") == "2"


def test_nothing_is_started_when_it_is_off() -> None:
    with pytest.raises(client.WarmUnavailable, match="switched off"):
        client.fork("kernel", {}, options=BARE._replace(mode="off"))


def test_an_interpreter_that_is_not_there_is_said() -> None:
    with pytest.raises(client.WarmUnavailable, match="No such file"):
        client.fork("kernel", {}, options=BARE, interpreter="/no/such/python")


def test_modes_are_checked_by_the_table_of_settings() -> None:
    assert options.names("a, b  a\tc") == ("a", "b", "c")
