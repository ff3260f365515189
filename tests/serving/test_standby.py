import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from mlnb.core.project import Project
from mlnb.serving import folders, standby
from mlnb.serving import state as states
from mlnb.serving.package import package
from mlnb.serving.standby import Standby
from mlnb.serving.targets.local import LocalTarget


def ended(waiting: Standby) -> bytes:
    """Want it no more; what it said until it ended."""
    process = waiting._process
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    process.wait()
    with process.stdout as said:
        return said.read()


@pytest.fixture
def none_waits() -> Iterator[None]:
    yield
    if (left := standby._waiting) is not None:
        standby._waiting = None
        ended(left)


def test_one_that_nobody_wants_ends_without_a_word() -> None:
    assert ended(Standby()) == b""


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["deploy", "late@1", "--to", "late"], True),
        (["endpoint", "deploy", "late@1", "--to", "late"], True),
        (["endpoint", "start", "late"], True),
        (["deploy", "--help"], False),
        (["endpoint", "list"], False),
        (["model", "list"], False),
        ([], False),
    ],
)
def test_only_a_command_that_will_want_one_starts_it(
    words: list[str], wanted: bool, none_waits: None
) -> None:
    standby.expect(words)
    assert (standby._waiting is not None) is wanted


def test_importing_it_costs_a_command_next_to_nothing() -> None:
    script = "import sys; from mlnb.serving import standby; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert not {"numpy", "pydantic", "asyncio", "mlnb.core.errors"} & {*done.stdout.split()}


def test_what_breaks_while_it_imports_is_in_the_endpoint_s_log(here: Project) -> None:
    log = here.root / "server.log"
    with pytest.MonkeyPatch.context() as patch:
        hidden = here.root / "hidden" / "orjson.py"
        hidden.parent.mkdir()
        hidden.write_text("raise RuntimeError('this one is broken')")
        patch.setenv("PYTHONPATH", f"{hidden.parent}", prepend=":")
        waiting = Standby()
    order = {"name": "a"}
    with waiting.begin(order, str(here.root), str(log), {}) as reports:
        assert reports.read() == b""
    assert "this one is broken" in log.read_text()


def test_the_first_loader_is_forked_from_the_supervisor(here: Project) -> None:
    target, first = LocalTarget(), package("late@1")
    try:
        with target.prepare("forked", first) as candidate:
            candidate.serve(1)
        state = states.read(folders.state_file("forked"))
        supervisor = states.process(state)
        (loader,) = states.loaders(state)
        assert loader.ppid() == supervisor.pid
        assert loader.cmdline() == supervisor.cmdline()
        kept = {file.path for file in loader.open_files()}
        assert not [path for path in kept if path.endswith("supervisor.lock")]
        assert isinstance(supervisor, psutil.Process)
    finally:
        target.stop("forked")
