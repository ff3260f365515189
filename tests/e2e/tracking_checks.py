"""How the tests of tracking compare what was acknowledged with what MLflow has."""

import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from mlnb.core.project import Project
from mlnb.tracking import journal, minting, runs, store

TIMES = int(os.environ.get("FAULTS", "3"))
"""How often each fault strikes; the figures in the documentation are of FAULTS=20."""


@dataclass
class Said:
    """What processes said was acknowledged."""

    points: dict[str, dict[str, set[int]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )
    """Values by run and metric."""
    cells: dict[str, int] = field(default_factory=dict)
    """The last cell of each run that was said to have begun."""
    order: list[str] = field(default_factory=list)
    """The runs, oldest first."""

    @property
    def count(self) -> int:
        return sum(len(found) for metrics in self.points.values() for found in metrics.values())


def said(*files: Path) -> Said:
    """Read what processes said; a last line that is torn was not said."""
    found = Said()
    for file in files:
        *lines, _torn = file.read_text().split("\n")
        for line in lines:
            run, what, number = line.split()
            if what == "cell":
                found.cells[run] = int(number)
            elif what not in ("-", "flush", "flushed"):
                found.points[run][what].add(int(number))
            if what != "-" and run not in found.order:
                found.order.append(run)
    return found


def check(project: Project, *files: Path, extra: int = 1, ends: tuple[str, ...] = ()) -> int:
    """Compare what was said with what is in MLflow; returns how many points that were.

    Parameters
    ----------
    project : Project
        Whose journal and store it is.
    files : Path
        What the processes said.
    extra : int
        So many points of a metric may be there that were written and not yet said.
    ends : tuple of str
        What the last run may have ended as; KILLED, or FINISHED if it was ending that moment.
    """
    found = said(*files)
    client = store.client()
    for run, metrics in found.points.items():
        stored = minting.find(project, client, run)
        for metric, wanted in metrics.items():
            there = Counter(int(p.value) for p in client.get_metric_history(stored, metric))
            assert set(there.values()) <= {1}, "none twice"
            assert not wanted - set(there), f"{len(wanted - set(there))} acknowledged are gone"
            assert len(set(there) - wanted) <= extra, "more than what was about to be said"
        texts = {f"t{number}.txt" for number in metrics.get("m", ()) if number % 50 == 0}
        assert not found.cells or texts <= set(runs.show(stored).artifacts)
    *ended, last = found.order
    for run in ended:
        assert client.get_run(minting.find(project, client, run)).info.status == "FINISHED"
    state = client.get_run(minting.find(project, client, last))
    assert state.info.status in (ends or ("KILLED", "FINISHED"))
    if state.info.status == "KILLED" and last in found.cells:
        cell = found.cells[last]  # the next one may have begun without its being said
        named = [f"{journal.DIED} Its last cell was In [{n}]" for n in (cell, cell + 1)]
        assert state.data.tags["mlnb.error"].startswith(tuple(named))
    return found.count
