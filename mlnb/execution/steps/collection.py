"""Keep what is cached below a size: the oldest results of cells, checkpoints and steps go first."""

from typing import Any

from mlnb.core import project
from mlnb.core.errors import UnreadableRecord
from mlnb.core.store import ObjectStore

ROOTS = ("steps", "checkpoints", "pipelines/steps")


def trim(*, dry_run: bool = False) -> int:
    """Remove the entries of what is cached beyond the setting ``step_cache_size``.

    Their objects are removed with the other garbage, unless something else names them. Nothing is
    lost but time: a cell whose result is gone runs again.

    Returns
    -------
    int
        How many results were removed, or would be.
    """
    here = project.current()
    found = sorted(_results(here.store), reverse=True)
    room = here.settings.step_cache_size
    removed = 0
    for _created, size, log in found:
        room -= size
        if room < 0:
            removed += 1
            if not dry_run:
                here.store.remove_log(log)
    return removed


def _results(store: ObjectStore) -> list[tuple[str, int, str]]:
    """Return when each result was stored, its bytes, and its log."""
    found = []
    for root in ROOTS:
        for first in store.logs(root):
            for key in store.logs(f"{root}/{first}"):
                log = f"{root}/{first}/{key}"
                damaged: dict[int, UnreadableRecord] = {}
                entries = [entry.data for entry in store.entries(log, damaged=damaged)]
                if entries or damaged:
                    created = max((str(data.get("created")) for data in entries), default="")
                    found.append((created, sum(map(_bytes, entries)), log))
    return found


def _bytes(data: dict[str, Any]) -> int:
    kept = data.get("kept", data)
    return int(kept.get("bytes", 0)) if isinstance(kept, dict) else 0
