"""A small pipeline that is run twice, with values that would like to be HTML or Markdown."""

from dataclasses import dataclass
from pathlib import Path

from mlnb import pipelines
from mlnb.core import project as projects
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun
from mlnb.pipelines.reading import gathering
from mlnb.pipelines.reading.gathering import Reading
from mlnb.testing.notebooks import write_notebook

HOSTILE = "<script>alert(1)</script> | `code` ``` @everyone [x](javascript:1) ![i](http://e.org/i)"
PLANTED = "hunter2-Zx91-planted"
"""A password that stands in the environment, in outputs and in an error."""

MAKE = """import mlnb, pandas as pd
version = mlnb.datasets.save(pd.DataFrame({"id": range(rows), "value": 1.5}), "sheet")
mlnb.glue("rows", rows)
mlnb.glue("verdict", "good" if rows < 10 else "poor")
mlnb.glue("scores", {"auc": rows / 20, "loss": 0.25})"""
PLOT = """import matplotlib.pyplot as plt
import mlnb
fig, ax = plt.subplots(figsize=(2, 1))
ax.plot([1, size])
ax.set_xlim(0, 1)
mlnb.glue("curve", fig)
plt.close(fig)"""
BAD = """import os
text = mark
print("before it fails", os.environ["DEMO_PASSWORD"], text)
if fails:
    raise ValueError(f"{text} with {os.environ['DEMO_PASSWORD']}")"""
PIPELINE = """
name: shown
params: {{rows: 5, fails: false, mark: "{mark}"}}
steps:
  make: {{notebook: make.ipynb, params: {{rows: "${{{{ params.rows }}}}"}}}}
  plot:
    notebook: plot.ipynb
    needs: make
    params: {{size: "${{{{ steps.make.rows }}}}"}}
  bad:
    notebook: bad.ipynb
    needs: make
    params: {{fails: "${{{{ params.fails }}}}", mark: "${{{{ params.mark }}}}"}}
  after: {{notebook: after.ipynb, needs: bad}}
  gated: {{notebook: after.ipynb, needs: make, when: "${{{{ steps.make.rows > 100 }}}}"}}
"""


@dataclass(frozen=True)
class Runs:
    """What the tests look at."""

    project: Project
    good: PipelineRun
    bad: PipelineRun
    reading: Reading
    """Of the bad run, against the good one."""


def made(root: Path) -> Runs:
    """Run the pipeline twice in a new project; in between a cell and the parameters change."""
    project = projects.init(root, "test-project")
    write_notebook(root / "make.ipynb", "# Make", MAKE, parameters="rows: int = 1")
    write_notebook(root / "plot.ipynb", "# Plot", PLOT, parameters="size: int = 1")
    bad = ["1 + 1", BAD, "'not reached'"]
    write_notebook(root / "bad.ipynb", *bad, parameters="fails = False\nmark = ''")
    write_notebook(root / "after.ipynb", "1")
    file = root / "pipeline.yaml"
    file.write_text(PIPELINE.format(mark=HOSTILE), encoding="utf-8")
    good = pipelines.run(file)
    changed = (root / "plot.ipynb").read_text(encoding="utf-8").replace("[1, size]", "[size, 1]")
    (root / "plot.ipynb").write_text(changed, encoding="utf-8")
    wrong = pipelines.run(file, parameters={"rows": 15, "fails": True})
    with projects.using(project):
        return Runs(project, good, wrong, gathering.gather(project, wrong))
