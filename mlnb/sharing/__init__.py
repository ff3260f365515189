"""Model cards."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlnb.sharing.cards import card

__all__ = ["card"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("mlnb.sharing.cards"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
