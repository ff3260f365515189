"""Lineage: what a thing was made from and what was made from it, as it was recorded.

Data → run → model → endpoint, followed from any of them in both directions. What has very many
neighbours shows the latest, and how many more there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mlnb.core.errors import BadInput
from mlnb.core.records import Record
from mlnb.sharing.lineage_sources import Found, Ident, Key, Sources, Way

Kind = Literal["dataset", "run", "model", "endpoint", "more"]

FAN = 8
"""Neighbours of one node in one direction that are shown, unless it is unfolded."""
UNFOLDED = 100
"""Likewise, when it is."""
DEEPEST = 20
MOST = 600
"""Nodes of one graph; it is not followed further once it has as many."""


@dataclass(frozen=True, kw_only=True)
class LineageNode(Record):
    """A dataset version, run, model version or endpoint; or more of them than are shown."""

    id: str
    kind: Kind
    ref: str
    """What it is called where it can be looked up."""
    title: str
    detail: str = ""
    status: str = ""
    """Of a run or an endpoint: what it is doing; of a model: what its gate said."""
    time: datetime | None = None
    known: bool = True
    """Whether its own record can be read; else it was removed, or is of another store."""
    further_up: bool = False
    """Whether it was made from something that is not shown, being too far away."""
    further_down: bool = False
    """Likewise, for what was made from it."""
    hidden: int = 0
    """Of ``more``: how many."""
    of: str = ""
    """Of ``more``: the node whose neighbours they are."""


@dataclass(frozen=True, kw_only=True)
class LineageEdge(Record):
    """From what was there to what was made of it."""

    source: str
    target: str
    earlier: bool = False
    """Whether it was so once: a model that an endpoint serves no more."""


@dataclass(frozen=True, kw_only=True)
class LineageGraph(Record):
    """The lineage of one thing."""

    center: str
    """Id of the node it is about."""
    nodes: list[LineageNode]
    edges: list[LineageEdge]
    complete: bool = True
    """Whether all within the asked distance is there, beside what ``more`` stands for."""


def lineage(
    kind: str, ref: str, *, up: int = 3, down: int = 3, unfold: Sequence[str] = ()
) -> LineageGraph:
    """Return what a thing was made from and what was made from it.

    Parameters
    ----------
    kind : {"dataset", "run", "model", "endpoint"}
        What it is.
    ref : str
        ``flights@3``, a run's id or name, ``delays@champion``, an endpoint's name.
    up, down : int
        How many steps are followed towards what it was made from, and what was made from it.
    unfold : list of str
        Ids of nodes that show up to `UNFOLDED` neighbours.

    Raises
    ------
    UnknownName, InvalidReference
        If there is no such thing.
    BadInput
        If the kind or a number of steps is none.
    """
    for steps in (up, down):
        if not 0 <= steps <= DEEPEST:
            raise BadInput(f"{steps} steps cannot be followed.", f"Say 0 to {DEEPEST}.")
    sources = Sources()
    center = sources.resolve(kind, ref)
    walk = _Walk(sources, center, set(unfold))
    walk.follow("before", up)
    walk.follow("after", down)
    return walk.graph()


class _Walk:
    def __init__(self, sources: Sources, center: Key, unfold: set[str]) -> None:
        self._sources, self._center, self._unfold = sources, center, unfold
        self._keys: dict[Key, None] = {center: None}
        self._edges: dict[tuple[str, str], LineageEdge] = {}
        self._more: list[LineageNode] = []
        self._further: dict[Way, set[Key]] = {"before": set(), "after": set()}
        self._complete = True

    def follow(self, way: Way, steps: int) -> None:
        """Go one way from the center, layer by layer."""
        seen = {self._center}
        layer = [self._center]
        for _ in range(steps):
            found = self._sources.neighbours(layer, way)
            nearer, layer = layer, []
            for key in nearer:
                for other in self._shown(key, found.get(key, []), way):
                    if other.key not in seen:
                        seen.add(other.key)
                        layer.append(other.key)
            if not layer:
                return
            if len(self._keys) >= MOST:
                self._complete = False
                break
        found = self._sources.neighbours(layer, way)
        self._further[way] = {
            key for key in layer if any(item.key not in self._keys for item in found.get(key, []))
        }

    def _shown(self, key: Key, found: list[Found], way: Way) -> list[Found]:
        limit = UNFOLDED if key.id in self._unfold else FAN
        shown = found if len(found) <= limit + 1 else found[:limit]
        for item in shown:
            self._keys.setdefault(item.key)
            self._edge(key.id, item.key.id, way, item.earlier)
        if len(shown) < len(found):
            more = _more(key, found[len(shown) :], way)
            self._more.append(more)
            self._edge(key.id, more.id, way, False)
        return shown

    def _edge(self, near: str, far: str, way: Way, earlier: bool) -> None:
        source, target = (far, near) if way == "before" else (near, far)
        edge = LineageEdge(source=source, target=target, earlier=earlier)
        self._edges.setdefault((source, target), edge)

    def graph(self) -> LineageGraph:
        """Return all that was found."""
        facts = self._sources.facts(list(self._keys))
        nodes = [
            LineageNode(
                id=key.id,
                kind=key.kind,
                ref=key.ref,
                further_up=key in self._further["before"],
                further_down=key in self._further["after"],
                **facts[key].said(),
            )
            for key in self._keys
        ]
        return LineageGraph(
            center=self._center.id,
            nodes=nodes + self._more,
            edges=list(self._edges.values()),
            complete=self._complete,
        )


_PLURAL: dict[Ident, str] = {
    "dataset": "dataset versions",
    "run": "runs",
    "model": "model versions",
    "endpoint": "endpoints",
}


def _more(key: Key, hidden: list[Found], way: Way) -> LineageNode:
    kinds = sorted({item.key.kind for item in hidden})
    what = " and ".join(_PLURAL[kind] for kind in kinds)
    return LineageNode(
        id=f"more:{way}:{key.id}",
        kind="more",
        ref="",
        title=f"{len(hidden):,} more {what}",
        hidden=len(hidden),
        of=key.id,
    )
