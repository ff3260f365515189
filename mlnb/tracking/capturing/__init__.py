"""What a run records without being asked.

`at_start` is called when a run opens, `at_end` when it closes; both on the path of a cell. What
takes time goes to ``run.later``: it is done when no cell waits for it.
"""

from base64 import b64decode
from typing import TYPE_CHECKING

from mlnb.tracking import figures, provenance
from mlnb.tracking.capturing.facts import ShellFacts

if TYPE_CHECKING:
    from mlnb.tracking.recording import Run

__all__ = ["ShellFacts", "at_end", "at_start"]


def at_start(run: "Run") -> None:
    """Note what must be known before the run's first line; some microseconds."""
    run.captured["figures"] = figures.open_figures()

    def collect(looked: int) -> None:
        found = provenance.collect(run.project, looked)
        run.set_tags(found.tags)
        run.log_files(found.files)

    run.later(collect)


def at_end(run: "Run", facts: ShellFacts | None) -> None:
    """Record what is known when the run ends.

    Parameters
    ----------
    run : Run
        Open still.
    facts : ShellFacts, optional
        What the shell knows; None where cells are not tracked (a script, a ``with`` block).
    """
    files = figures.new_figures(run.captured["figures"])
    if facts is not None:
        for number, image in enumerate(facts.images, start=1):
            files[f"figures/figure-{number}.png"] = b64decode(image)
        _keep_notebook(run, facts)
    run.log_files(files)


def _keep_notebook(run: "Run", facts: ShellFacts) -> None:
    from mlnb.tracking.notebook import to_bytes

    cells = facts.cells()
    run.later(lambda _round: run.log_files({"notebook.ipynb": to_bytes(cells)}))
