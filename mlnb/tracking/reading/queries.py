"""What is asked for, and MLflow's filters and orders as MLflow itself parses them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mlnb.core.errors import BadInput
from mlnb.tracking import store

NEWEST = "attributes.start_time DESC"
METRIC, PARAM, TAG, ATTRIBUTE, DATASET = "metric", "parameter", "tag", "attribute", "dataset"


@dataclass(frozen=True)
class Query:
    """Which runs, in which order, from where to where."""

    experiment: str | None = None
    filter: str = ""
    order: tuple[str, ...] = ()
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True)
class Condition:
    """One comparison of a filter."""

    kind: str
    """`METRIC`, `PARAM`, `TAG`, `ATTRIBUTE` or `DATASET`."""
    key: str
    comparator: str
    """In capitals: ``=``, ``!=``, ``<``, ``LIKE``, ``IN``, ``IS NULL`` …"""
    value: Any


@dataclass(frozen=True)
class Order:
    """One key of an order."""

    kind: str
    key: str
    ascending: bool


def conditions(text: str) -> list[Condition]:
    """Return the comparisons of a filter, all of which must hold.

    Raises
    ------
    BadInput
        If MLflow cannot read it.
    """
    if not text:
        return []
    with store.failures(), _readable("filter", text):
        parser = parser_of_mlflow()
        found = []
        for item in parser.parse_search_filter(text):
            kind, comparator = item["type"], item["comparator"].upper()
            key = parser.translate_key_alias(item["key"])
            # Each raises if the comparison is none for its kind.
            parser.is_attribute(kind, key, comparator)
            for check in (parser.is_metric, parser.is_param, parser.is_tag, parser.is_dataset):
                check(kind, comparator)
            value = float(item["value"]) if kind == METRIC else item["value"]
            found.append(Condition(kind, key, comparator, value))
        return found


def orders(given: Sequence[str]) -> list[Order]:
    """Return the keys of an order.

    Raises
    ------
    BadInput
        If MLflow cannot read one, or one is there twice.
    """
    if not given:
        return []
    parser = parser_of_mlflow()
    found: list[Order] = []
    with store.failures():
        for text in given:
            with _readable("order", text):
                kind, key, ascending = parser.parse_order_by_for_search_runs(text)
            key = parser.translate_key_alias(key)
            if any((one.kind, one.key) == (kind, key) for one in found):
                raise BadInput(f"The order has {key!r} twice.", "Name each key once.")
            if kind == DATASET:
                raise BadInput("Runs cannot be ordered by a dataset.")
            found.append(Order(kind, key, ascending))
    return found


@contextmanager
def _readable(what: str, text: str) -> Iterator[None]:
    """Say of what the parser stumbles over that it cannot be read; MLflow lets some errors out."""
    try:
        yield
    except (ValueError, TypeError, AttributeError, IndexError, AssertionError) as error:
        raise BadInput(
            f"The {what} {text!r} cannot be read: {error}.", "Write it as MLflow's search does."
        ) from None


def parser_of_mlflow() -> Any:
    """Return MLflow's own parser of filters and orders; it has no types, and imports slowly."""
    store.quiet()
    from mlflow.utils.search_utils import SearchUtils

    return SearchUtils
