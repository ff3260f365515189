"""What a thing was made from, and what was made from it."""

from mlnb.sharing.lineage_graph import LineageGraph
from mlnb.ui.server.routing import Route
from mlnb.ui.server.sources import Source


def lineage(
    _source: Source,
    *,
    kind: str,
    ref: str,
    up: int = 3,
    down: int = 3,
    unfold: list[str] = [],  # noqa: B006  (never changed; tells the type of its items)
) -> LineageGraph:
    """Follow the lineage of a dataset, run, model or endpoint."""
    from mlnb.sharing import lineage as follow

    return follow(kind, ref, up=up, down=down, unfold=unfold)


ROUTES = (Route("GET", "/lineage", lineage),)
