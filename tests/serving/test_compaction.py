import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from mlnb.serving import predictions
from mlnb.serving.prediction_reader import COMPACT


def test_the_program_compacts_what_it_is_told(served: Callable[..., Path]) -> None:
    one = served("a", "w1", 1, pa.table({"x": [1.0]}), [1])
    two = served("a", "w2", 1, pa.table({"x": [2.0]}), [1])
    before = predictions("a")
    subprocess.run([sys.executable, "-m", "mlnb.serving.compaction", str(one)], check=True)
    assert not one.exists()
    assert one.with_suffix(COMPACT).exists()
    assert two.exists()
    assert not list(one.parent.glob("*.draft"))
    assert predictions("a").equals(before)
