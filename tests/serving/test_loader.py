"""Forking workers from a process that has a model in memory, whatever threads the model starts."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import json, os, sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from mlnb.core.records import Column
from mlnb.serving.casting import Schema
from mlnb.serving.fields import fields_of
from mlnb.serving.trying import tried
from mlnb.serving.scoring import Scorer
from mlnb.serving.worker import EXAMPLE, Job, Loaded

folder = Path(sys.argv[1])
pid = os.fork()  # training uses threads, too: it happens elsewhere
if not pid:
    frame = pd.DataFrame({"x": np.arange(2000.0), "y": np.arange(2000.0) % 7})
    model = HistGradientBoostingClassifier(max_iter=5).fit(frame, frame["y"] > 3)
    import pickle
    (folder / "model").write_bytes(pickle.dumps(model))
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
import pickle
model = pickle.loads((folder / "model").read_bytes())
records = [{"x": float(n), "y": float(n % 7)} for n in range(64)]
(folder / EXAMPLE).write_text(json.dumps({"dataframe_records": records}))
columns = [Column(name=name, type="double") for name in ("x", "y")]
job = Job(
    endpoint="a", model="m@1", digest="", files=str(folder), trusted=[],
    columns=[column.to_dict() for column in columns], log=str(folder), token="", body_limit=1000,
)
loaded = Loaded(job, fields_of(columns), Scorer(model))
before = len(os.listdir("/proc/self/task"))
tried(loaded)
assert loaded.scorer.merges in (True, False)
assert "pyarrow" in sys.modules
workers = []
for _ in range(3):
    pid = os.fork()
    if not pid:
        asked = [[1.0] * 5000, [5.0] * 5000]
        predictions, scores = loaded.scorer.answer(Schema(loaded.fields), asked)
        os._exit(0 if len(predictions) == 5000 and predictions.all() else 1)
    workers.append(pid)
assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in workers] == [0, 0, 0]
print("forked")
"""


def test_workers_compute_although_the_model_uses_openmp(tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "forked"
