"""Lists that are short enough to be read whole: found by words, ordered, page by page."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from mlnb.core import terms
from mlnb.core.errors import BadInput

T = TypeVar("T")
MOST = 500
"""So many at once, at most."""


def _nothing(_item: Any) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class Columns(Generic[T]):
    """What a list is searched by and ordered by."""

    orders: Mapping[str, Callable[[T], Any]]
    """By name; the first is the default. None comes last."""
    words: Callable[[T], Iterable[str]]
    values: Callable[[T], Mapping[str, Any]] = _nothing
    """What comparisons (``rows>1000``) are about, by name."""

    def page(
        self, items: Sequence[T], query: str, order: str, offset: int, limit: int
    ) -> tuple[list[T], int]:
        """Return some of the items that a query finds, and how many it finds.

        Raises
        ------
        BadInput
            If there is no such order, or the page is none.
        """
        if not 1 <= limit <= MOST or offset < 0:
            raise BadInput(
                f"There is no page of {limit} from place {offset} on.",
                f"Ask for 1 to {MOST}, from place 0 or more on.",
            )
        wanted = terms.parse(query)
        found = [item for item in items if self._holds(wanted, item)] if wanted else list(items)
        found = self._ordered(found, order or next(iter(self.orders)))
        return found[offset : offset + limit], len(found)

    def _holds(self, wanted: Sequence[terms.Term], item: T) -> bool:
        words, values = list(self.words(item)), self.values(item)
        return all(term.holds(words, values) for term in wanted)

    def _ordered(self, items: list[T], order: str) -> list[T]:
        keys = {name.removeprefix("-"): key for name, key in self.orders.items()}
        key = keys.get(order.removeprefix("-"))
        if key is None:
            raise BadInput(
                f"This list cannot be ordered by {order!r}.",
                f"Order by {', '.join(keys)}, with - in front for downwards.",
            )
        there = [(value, item) for item in items if (value := key(item)) is not None]
        there.sort(key=lambda pair: pair[0], reverse=order.startswith("-"))
        return [item for _, item in there] + [item for item in items if key(item) is None]
