"""Processes that are killed at random points, by the hundred.

An interpreter that imports pandas takes a second to start; a fork of one that has takes some
milliseconds. `Mother` is a program that imports a module of jobs once and then forks a child per
job::

    with Mother(Path("jobs.py")) as mother:
        child = mother.start("save_forever", folder="…")
        time.sleep(0.02)
        child.kill()
"""

import json
import os
import signal
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class Child:
    """A process that does one job.

    Attributes
    ----------
    pid : int
        Its number.
    """

    def __init__(self, mother: "Mother", pid: int) -> None:
        self._mother = mother
        self.pid = pid

    def kill(self) -> int:
        """End it at once (SIGKILL) and return its exit code; 0 when it was through already."""
        os.kill(self.pid, signal.SIGKILL)  # waited for by its mother: the number is not reused
        return self.wait()

    def wait(self) -> int:
        """Wait for its end and return its exit code, negative for a signal."""
        return int(self._mother.ask({"wait": self.pid}))


class Mother:
    """Forks children that do the jobs of a module.

    Parameters
    ----------
    jobs : Path
        A Python file. What it imports is imported once. It must start no thread when imported.
    environment : dict, optional
        Further environment variables.
    """

    def __init__(self, jobs: Path, environment: dict[str, str] | None = None) -> None:
        self._process = subprocess.Popen(  # noqa: S603  (this program)
            [sys.executable, "-m", "mlnb.testing.killing", str(jobs)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | (environment or {}),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def start(self, job: str, **arguments: Any) -> Child:
        """Start a child that calls a function of the module."""
        return Child(self, int(self.ask({"job": job, "arguments": arguments})))

    def ask(self, question: dict[str, Any]) -> Any:
        """Send a line and return the answer."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(question) + "\n")
        stdin.flush()
        answer = stdout.readline()
        assert answer, "the mother of the children has ended"
        return json.loads(answer)


def _serve(path: Path) -> None:
    spec = spec_from_file_location("jobs", path)
    assert spec is not None
    assert spec.loader is not None
    jobs = module_from_spec(spec)
    sys.modules["jobs"] = jobs
    spec.loader.exec_module(jobs)
    for line in sys.stdin:
        question = json.loads(line)
        if "wait" in question:
            _pid, status = os.waitpid(question["wait"], 0)
            answer = os.waitstatus_to_exitcode(status)
        else:
            answer = os.fork()
            if answer == 0:
                _do(getattr(jobs, question["job"]), question["arguments"])
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


def _do(job: Any, arguments: dict[str, Any]) -> None:
    """Do a job and end, whatever happens: the loop that serves is the mother's."""
    code = 1
    try:
        os.dup2(2, 1)  # what a job prints is no answer
        job(**arguments)
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
