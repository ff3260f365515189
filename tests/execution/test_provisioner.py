"""Warm kernels through jupyter_client's own manager."""

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from mlnb.execution.provisioner import WarmProvisioner
from mlnb.execution.warm import managing

Starter = Callable[..., tuple[KernelManager, BlockingKernelClient]]


@pytest.fixture(scope="module")
def runtime() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="mlnb-test-", ignore_cleanup_errors=True) as folder:
        yield folder
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MLNB_RUNTIME_DIR", folder)
            managing.stop()


@pytest.fixture(autouse=True)
def installed(
    runtime: str, own_variables: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    monkeypatch.setenv("MLNB_RUNTIME_DIR", runtime)
    monkeypatch.setenv("MLNB_PRELOAD", "decimal")
    monkeypatch.chdir(tmp_path)
    made = managing.install(prefix=str(tmp_path / "prefix"))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "prefix" / "share" / "jupyter"))
    return Path(made.folder)


@pytest.fixture
def start() -> Iterator[Starter]:
    started: list[tuple[KernelManager, BlockingKernelClient]] = []

    def begin(**asked: Any) -> tuple[KernelManager, BlockingKernelClient]:
        manager = KernelManager(kernel_name="mlnb-warm")
        manager.start_kernel(**asked)
        client = manager.client()
        client.start_channels()
        client.wait_for_ready(30)
        started.append((manager, client))
        return manager, client

    yield begin
    for manager, client in started:
        client.stop_channels()
        if manager.has_kernel:
            manager.shutdown_kernel(now=True)


def _text(client: BlockingKernelClient, code: str) -> str:
    outputs: list[Any] = []
    reply = client.execute_interactive(
        code, timeout=20, output_hook=outputs.append, allow_stdin=False
    )
    if reply["content"]["status"] == "error":
        return str(reply["content"]["ename"])
    return "".join(one["content"]["text"] for one in outputs if one["msg_type"] == "stream").strip()


def _warm(manager: KernelManager) -> WarmProvisioner:
    provisioner = manager.provisioner
    assert isinstance(provisioner, WarmProvisioner)
    return provisioner


def test_a_kernel_comes_warm_and_keeps_the_managers_security(
    start: Starter, tmp_path: Path
) -> None:
    manager, client = start(cwd=str(tmp_path))
    assert _warm(manager).how == "fork"
    assert _text(client, "import os, sys; print(os.getcwd(), 'decimal' in sys.modules)") == (
        f"{tmp_path} True"
    )
    file = Path(manager.connection_file)
    assert file.stat().st_mode & 0o077 == 0
    stranger = BlockingKernelClient(connection_file=str(file))
    stranger.load_connection_file()
    stranger.session.key = b"wrong"
    stranger.start_channels()
    stranger.execute("open('hacked', 'w')")
    assert _text(client, "print(os.path.exists('hacked'))") == "False"
    stranger.stop_channels()


def test_a_kernel_over_sockets_in_a_folder(start: Starter, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="mlnb-") as folder:
        manager = KernelManager(
            kernel_name="mlnb-warm",
            transport="ipc",
            ip=str(Path(folder, "s")),
            connection_file=str(Path(folder, "k.json")),
        )
        manager.start_kernel()
        client = manager.client()
        client.start_channels()
        client.wait_for_ready(20)
        assert _text(client, "print(1)") == "1"
        client.stop_channels()
        manager.shutdown_kernel()


def test_restart_gives_a_fresh_kernel(start: Starter) -> None:
    manager, client = start()
    pid = _text(client, "x = 1; import os; print(os.getpid())")
    manager.restart_kernel()
    client.wait_for_ready(20)
    assert _text(client, "x") == "NameError"
    assert _text(client, "import os; print(os.getpid())") != pid
    assert manager.is_alive()


def test_interrupt_reaches_the_cell_and_its_processes(start: Starter) -> None:
    manager, client = start()
    client.execute("import subprocess, time; p = subprocess.Popen(['sleep', '60']); p.wait()")
    time.sleep(0.4)
    manager.interrupt_kernel()
    assert client.get_shell_msg(timeout=10)["content"].get("ename") == "KeyboardInterrupt"
    # 0 where the signal came just after Popen had learnt of the end, but not yet noted it
    said = _text(client, "print(p.wait())") or _text(client, "print(p.wait())")  # or it came late
    assert said in (str(-signal.SIGINT), "0")


def test_shutdown_is_quick_and_leaves_nothing(start: Starter) -> None:
    manager, _client = start()
    pid = _warm(manager).pid
    begin = time.monotonic()
    manager.shutdown_kernel()
    assert time.monotonic() - begin < 1
    assert not manager.has_kernel
    assert not Path(f"/proc/{pid}").exists()
    assert not Path(manager.connection_file).exists()


def test_a_dead_kernel_is_noticed_with_the_reason(start: Starter) -> None:
    manager, client = start()
    client.execute("import os; os.kill(os.getpid(), 9)")
    end = time.monotonic() + 5
    while manager.is_alive() and time.monotonic() < end:
        time.sleep(0.01)
    assert not manager.is_alive()
    assert _warm(manager).reason == "it was killed by SIGKILL"


def test_streams_may_be_pipes(start: Starter) -> None:
    manager, client = start(stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process = _warm(manager).process
    assert process is not None
    _text(client, "import os; os.write(1, b'raw')")
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], 5)[0]
    assert process.stdout.read(3) == b"raw"


def test_arguments_of_the_command_are_kept(start: Starter) -> None:
    _manager, client = start(extra_arguments=["--InteractiveShell.automagic=False"])
    assert _text(client, "print(get_ipython().automagic)") == "False"


def test_a_history_in_memory_is_no_reason_to_build_the_shell_anew(start: Starter) -> None:
    _manager, client = start(extra_arguments=["--HistoryManager.hist_file=:memory:"])
    assert _text(client, "print(get_ipython().history_manager.hist_file)") == ":memory:"
    assert "WarmKernelApp" in _text(client, "print(type(get_ipython().parent.parent).__qualname__)")


def test_the_debugger_answers(start: Starter) -> None:
    _manager, client = start()
    message = client.session.msg(
        "debug_request",
        {"type": "request", "seq": 1, "command": "debugInfo", "arguments": {}},
    )
    client.control_channel.send(message)
    reply = client.control_channel.get_msg(timeout=10)
    assert reply["content"]["success"] is True


def test_without_a_zygote_the_kernel_starts_cold_and_the_reason_is_known(
    start: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLNB_WARM_KERNELS", "off")
    manager, client = start()
    assert _warm(manager).how == "cold"
    assert "switched off" in _warm(manager).why
    assert _text(client, "print(1)") == "1"


def test_limits_in_the_kernelspec_hold(
    start: Starter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    managing.install(prefix=str(tmp_path / "prefix"), memory=64 * 2**20)
    _manager, client = start()
    assert _text(client, "x = bytes(2**27)") == "MemoryError"


def test_a_name_that_jupyter_does_not_take_is_refused(tmp_path: Path) -> None:
    from mlnb.core.errors import BadInput

    with pytest.raises(BadInput, match="cannot be installed"):
        managing.install(name="no/name", prefix=str(tmp_path))


def test_the_environment_is_that_of_the_request(start: Starter) -> None:
    _manager, client = start(env={**os.environ, "COLOUR": "blue"})
    assert _text(client, "import os; print(os.environ['COLOUR'])") == "blue"
    assert _text(client, "print(os.environ['JPY_PARENT_PID'])") == str(os.getpid())
    assert _text(client, "import sys; print(sys.executable)") == sys.executable
