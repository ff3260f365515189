"""The project's modules: what is read is what runs."""

import os
import subprocess
import sys
from pathlib import Path

from mlnb.execution.steps.modules import drop_stale_bytecode


def test_bytecode_of_the_same_second_and_size_is_not_taken(tmp_path: Path) -> None:
    module = tmp_path / "same_second.py"
    program = [sys.executable, "-c", "import same_second; print(same_second.value)"]
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}

    def said() -> str:
        done = subprocess.run(program, cwd=tmp_path, env=env, capture_output=True, text=True)
        return done.stdout.strip()

    module.write_text("value = 2\n")
    second = module.stat().st_mtime_ns // 10**9 * 10**9 - 10**10
    os.utime(module, ns=(second, second))
    assert said() == "2"
    (compiled,) = (tmp_path / "__pycache__").iterdir()
    os.utime(compiled, ns=(second + 1000, second + 1000))
    module.write_text("value = 9\n")
    os.utime(module, ns=(second + 2000, second + 2000))
    assert said() == "2", "Python takes it for the same"
    drop_stale_bytecode([module, tmp_path / "not_there.py"])
    assert said() == "9"
    drop_stale_bytecode([module])
    assert list((tmp_path / "__pycache__").iterdir()), "what is fresh stays"
