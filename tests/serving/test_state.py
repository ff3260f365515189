import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from mlnb.serving import state as states
from mlnb.serving.state import LocalState

STATE = LocalState(name="a", host="127.0.0.1", port=8123, token="t", secret="s")  # noqa: S106


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        if process.poll() is None:
            process.communicate(b"\n")


def test_it_is_read_as_it_was_written_and_by_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    previous = os.umask(0)
    try:
        states.write(file, STATE)
        states.write(file, replace(STATE, port=9))
    finally:
        os.umask(previous)
    assert states.read(file) == replace(STATE, port=9)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("text", ["", "{", "{}", '{"format": 99}'])
def test_a_damaged_or_foreign_file_is_no_state(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.json"
    assert states.read(file) is None
    file.write_text(text)
    assert states.read(file) is None


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8123"),
        ("0.0.0.0", "http://127.0.0.1:8123"),  # noqa: S104  (an address of a test)
        ("::1", "http://[::1]:8123"),
        ("::", "http://[::1]:8123"),
        ("models.example.org", "http://models.example.org:8123"),
    ],
)
def test_the_address_for_clients_here(host: str, url: str) -> None:
    assert replace(STATE, host=host).url == url


def test_a_process_is_known_by_pid_and_birth(bystander: subprocess.Popen[bytes]) -> None:
    born = psutil.Process(bystander.pid).create_time()
    running = replace(STATE, pid=bystander.pid, created=born)
    assert states.process(running).pid == bystander.pid
    assert states.process(replace(running, created=born - 60)) is None
    assert states.process(replace(running, pid=None)) is None
    assert states.process(None) is None
    bystander.communicate(b"\n")
    assert states.process(running) is None


def test_a_clock_that_was_set_does_not_hide_it() -> None:
    arguments = [json.dumps({"name": "a"}), "mlnb.serving.supervisor"]
    with subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()  # its command line is not there before it runs
        running = replace(STATE, pid=process.pid, created=time.time() - 7200)
        assert states.process(running) is not None
        assert states.process(replace(running, name="b")) is None
        process.communicate(b"\n")


def test_a_process_that_ended_and_is_not_collected_is_gone() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    born = psutil.Process(process.pid).create_time()
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert states.process(replace(STATE, pid=process.pid, created=born)) is None
    process.wait()
