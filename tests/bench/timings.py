"""The times of several systems doing the same things, best of several."""

from collections import defaultdict
from collections.abc import Mapping

from dataset_peers import LABELS, OURS, PLAIN


class Timings:
    """Wall and processor seconds by phase, step and system."""

    def __init__(self) -> None:
        self._taken: dict[tuple[str, str, str], list[Mapping[str, float]]] = defaultdict(list)

    def add(self, phase: str, step: str, system: str, times: Mapping[str, float]) -> None:
        """Keep one measurement: ``wall`` and ``cpu``."""
        self._taken[phase, step, system].append(times)

    def has(self, phase: str, step: str, system: str) -> bool:
        """Tell whether there is a measurement."""
        return (phase, step, system) in self._taken

    def best(self, phase: str, step: str, system: str, kind: str) -> float:
        """Return the least seconds of a kind, ``wall`` or ``cpu``."""
        return min(times[kind] for times in self._taken[phase, step, system])

    def ratio(self, phase: str, step: str, system: str, kind: str, *, to: str = PLAIN) -> float:
        """Return a system's best ÷ another's best."""
        return self.best(phase, step, system, kind) / self.best(phase, step, to, kind)

    def words(self, phase: str, step: str) -> str:
        """Return ours and plain Parquet's absolute figures."""
        parts = []
        for system in (OURS, PLAIN):
            wall, cpu = (1000 * self.best(phase, step, system, kind) for kind in ("wall", "cpu"))
            parts.append(f"{LABELS[system]} {wall:.0f} ms (CPU {cpu:.0f})")
        return ", ".join(parts)
