"""What a child of a zygote has for itself, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlnb.execution.warm import client
from mlnb.execution.warm.options import Options

Starter = Callable[..., Any]

SEEDS = """
import json, os, random, ssl, tempfile, uuid, numpy
print(json.dumps([
    random.random(), float(numpy.random.rand()), str(uuid.uuid4()), str(uuid.uuid1()),
    ssl.RAND_bytes(8).hex(), tempfile.mktemp(), random.Random().random(),
    float(numpy.random.default_rng().random()), os.urandom(4).hex(),
]))
"""


def test_children_have_seeds_of_their_own(kernel: Starter) -> None:
    drawn = [json.loads(kernel().run(SEEDS)) for _ in range(4)]
    for values in zip(*drawn, strict=True):
        assert len(set(values)) == len(drawn)


def test_a_child_has_the_folder_and_the_environment_that_were_asked_for(
    kernel: Starter, tmp_path: Path
) -> None:
    env = {**os.environ, "COLOUR": "green"}
    env.pop("COLUMNS")
    one = kernel(env=env, argv=["program", "--flag"])
    seen = one.run(
        "import os, sys; print(os.getcwd(), os.environ['COLOUR'], os.environ.get('COLUMNS'),"
        " sys.argv, os.getpgrp() == os.getpid(), '' in sys.path)"
    )
    assert seen == f"{tmp_path} green None ['program', '--flag'] True True"


def test_everything_is_imported_and_nothing_else_is_shared(kernel: Starter) -> None:
    one = kernel()
    assert one.child.how == "fork"
    one.run("x = 1; import os; os.environ['LEAK'] = '1'; import random; random.seed(1)")
    assert one.run("import sys; print('pandas' in sys.modules)") == "True"
    other = kernel()
    assert (
        other.run("print('x' in globals(), __import__('os').environ.get('LEAK'))") == "False None"
    )


def test_no_descriptor_of_the_zygote_is_left(kernel: Starter) -> None:
    one, other = kernel(), kernel()
    assert one.run("1") == other.run("1") == "1"
    of_one, of_other = (_sockets(kernel_.child.pid) for kernel_ in (one, other))
    assert not of_one & of_other


def _sockets(pid: int) -> set[str]:
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(entry.readlink())
        except OSError:
            continue
        if target.startswith(("socket:", "pipe:")):
            found.add(target)
    inherited = {str(Path(f"/proc/self/fd/{fd}").readlink()) for fd in (0, 1, 2)}
    return found - inherited


@pytest.mark.parametrize(
    ("code", "returncode", "reason"),
    [
        ("import os, signal; os.kill(os.getpid(), 9)", -9, "it was killed by SIGKILL"),
        ("import os; os._exit(3)", 3, "it ended with exit code 3"),
        ("import ctypes; ctypes.string_at(0)", -11, "it was killed by SIGSEGV"),
        ("import os; os.abort()", -6, "it was killed by SIGABRT"),
    ],
)
def test_how_a_kernel_ended_is_known_at_once(
    kernel: Starter, code: str, returncode: int, reason: str
) -> None:
    one = kernel()
    start = time.monotonic()
    one.send(code)
    assert one.child.wait(10) == returncode
    assert one.child.reason == reason
    assert time.monotonic() - start < 1
    assert one.child.cpu_seconds > 0


def test_sys_exit_is_an_error_of_the_cell_as_in_every_kernel(kernel: Starter) -> None:
    one = kernel()
    assert "SystemExit" in one.run("import sys; sys.exit(2)")
    assert one.run("1 + 1") == "2"


def test_memory_beyond_the_limit_is_an_error_that_says_so(kernel: Starter) -> None:
    one = kernel(memory=100 * 2**20)
    assert "MemoryError" in one.run("x = bytes(200 * 2**20)")
    assert "MemoryError" in one.run("x = []\nwhile True: x.append(bytes(2**20))")
    assert one.run("del x; 1 + 1") == "2"
    assert one.run("len(bytes(20 * 2**20))") == str(20 * 2**20)


def test_numpy_is_within_the_limit_too(kernel: Starter) -> None:
    one = kernel(memory=200 * 2**20)
    assert "MemoryError" in one.run("import numpy; numpy.ones(400 * 2**20, 'i1')")
    assert one.run("numpy.ones(8).sum()") in ("8.0", "np.float64(8.0)")


def test_cpu_time_beyond_the_limit_ends_the_kernel(kernel: Starter) -> None:
    one = kernel(cpu=1)
    one.send("while True: pass")
    assert one.child.wait(20) < 0
    assert one.child.reason == "it used more than its 1 s of CPU time"


def test_input_fails_at_once_when_nobody_answers(kernel: Starter) -> None:
    one = kernel()
    assert "StdinNotImplementedError" in one.run("input('name? ')", timeout=5)
    assert one.run("import sys; sys.__stdin__.read()") == "''"


def test_a_cell_may_fork_and_start_threads(kernel: Starter) -> None:
    one = kernel()
    forked = one.run(
        """
        import os
        pid = os.fork()
        if pid == 0:
            os._exit(7)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        """
    )
    assert forked == "7"
    threaded = one.run(
        """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(4) as pool:
            print(sum(pool.map(lambda n: n * n, range(10))))
        """
    )
    assert threaded == "285"
    one.close()
    assert one.child.returncode == 0


def test_what_a_kernel_leaves_running_ends_with_it(kernel: Starter) -> None:
    one = kernel()
    pid = int(one.run("import subprocess; p = subprocess.Popen(['sleep', '60']); print(p.pid)"))
    one.send("import os; os._exit(0)")
    one.child.wait(10)
    assert _ends(pid)


def test_files_that_were_not_closed_are_written(kernel: Starter, tmp_path: Path) -> None:
    one = kernel()
    one.run("import atexit, threading, time; f = open('a.txt', 'w'); f.write('whole')")
    one.run("atexit.register(lambda: open('b.txt', 'w').write('exit'))")
    one.run(
        "work = lambda: (time.sleep(.2), open('c.txt', 'w').write('thread'))\n"
        "threading.Thread(target=work).start()"
    )
    one.close()
    assert one.child.returncode == 0
    assert [(tmp_path / name).read_text() for name in ("a.txt", "b.txt", "c.txt")] == [
        "whole",
        "exit",
        "thread",
    ]


def test_a_kernel_ends_when_its_owner_lets_go(kernel: Starter) -> None:
    one = kernel()
    pid = one.child.pid
    one.child.close()
    assert _ends(pid)


def test_an_independent_kernel_does_not(kernel: Starter) -> None:
    one = kernel(independent=True)
    pid = one.child.pid
    one.child.close()
    assert one.run("1 + 1") == "2"
    os.kill(pid, signal.SIGKILL)
    assert _ends(pid)


def test_a_kernel_ends_when_its_owner_is_killed(options: Options, tmp_path: Path) -> None:
    code = (
        "import sys, time; from mlnb.execution.warm import client, options\n"
        f"o = options.Options(preload={options.preload!r}, mode='fork', idle=60, pool=1)\n"
        "from jupyter_client.connect import write_connection_file\n"
        f"f, _ = write_connection_file({str(tmp_path / 'k.json')!r})\n"
        "c = client.fork('kernel', {'connection_file': f}, options=o)\n"
        "c.wait_ready(); print(c.pid, flush=True); time.sleep(60)\n"
    )
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    owner.kill()
    owner.communicate()
    assert _ends(pid)


def test_a_kernel_outlives_its_zygote_but_not_its_owner(kernel: Starter, options: Options) -> None:
    options = options._replace(preload=())
    one = kernel(options=options)
    connection = client.connect(sys.executable, dict(os.environ), options, start=False)
    os.kill(client.ask(connection, {"op": "status"})["pid"], signal.SIGKILL)
    assert one.run("1 + 1") == "2"
    assert one.child.poll() is None
    another = kernel(options=options)  # from another zygote
    assert another.run("1 + 1") == "2"
    one.child.send_signal(signal.SIGKILL)
    assert one.child.wait(5) == 1
    assert one.child.reason == "its zygote had ended, so how it ended is not known"


def _ends(pid: int) -> bool:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False
