"""A matrix → its combinations, with ``include`` and ``exclude`` as GitHub workflows have them."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any


def combinations(
    axes: Mapping[str, Sequence[Any]],
    include: Sequence[Mapping[str, Any]] = (),
    exclude: Sequence[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """Return the combinations of a matrix, in the order in which the file lists the values.

    Parameters
    ----------
    axes : mapping
        Names with their values.
    include : sequence of mappings
        Each adds its further values to all combinations of the axes that it agrees with; one that
        agrees with none is a combination of its own.
    exclude : sequence of mappings
        Each takes out the combinations that have all of its values; before anything is included.
    """
    made = [
        dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values()) if axes
    ]
    made = [item for item in made if not any(_has(item, gone) for gone in exclude)]
    original = [dict(item) for item in made]
    alone: list[dict[str, Any]] = []
    for more in include:
        own = {key: value for key, value in more.items() if key in axes}
        fitting = [item for item, first in zip(made, original, strict=True) if _has(first, own)]
        if not fitting:
            alone.append(dict(more))
        for item in fitting:
            item.update(more)
    return made + alone


def _has(combination: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(
        key in combination and _same(combination[key], value) for key, value in wanted.items()
    )


def _same(a: Any, b: Any) -> bool:
    """Tell whether two values are the same: ``1`` is not ``true``."""
    return bool(a == b) and isinstance(a, bool) == isinstance(b, bool)
