import subprocess

import pytest

from mlnb.pipelines import shell


def test_what_a_command_prints_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    shell.run("echo one; echo two >&2 && printf three")
    assert capfd.readouterr() == ("one\ntwo\nthree", "")


def test_a_command_that_fails_fails_the_step(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(subprocess.CalledProcessError, match="exit status 3"):
        shell.run("echo before; exit 3; echo after")
    assert capfd.readouterr().out == "before\n"
