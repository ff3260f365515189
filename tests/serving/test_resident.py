import subprocess
import sys

import pytest

SCRIPT = """
import psutil
import numpy as np
from mlnb.serving.resident import give_back_code
me = psutil.Process()
held = me.memory_info().rss
give_back_code()
print(held - me.memory_info().rss)
print(np.linalg.inv(np.array([[2.0, 0.0], [0.0, 4.0]])).tolist())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such list of memory")
def test_code_that_was_given_back_runs_all_the_same() -> None:
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    less, inverted = done.stdout.splitlines()
    assert int(less) > 1024 * 1024
    assert inverted == "[[0.5, 0.0], [0.0, 0.25]]"
