"""Model cards, and lineage."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlnb.sharing.cards import card
    from mlnb.sharing.lineage_graph import lineage

_HOMES = {"card": "mlnb.sharing.cards", "lineage": "mlnb.sharing.lineage_graph"}

__all__ = ["card", "lineage"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
