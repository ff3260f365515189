"""Figures that are open when a run ends."""

import sys
from typing import Any

from mlnb.tracking import content


def open_figures() -> set[int]:
    """Return the numbers of matplotlib's open figures, without importing it."""
    pyplot: Any = sys.modules.get("matplotlib.pyplot")
    return set(pyplot.get_fignums()) if pyplot is not None else set()


def new_figures(before: set[int]) -> dict[str, bytes]:
    """Return the figures opened since as PNG and SVG, by artifact path."""
    pyplot: Any = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return {}
    found: dict[str, bytes] = {}
    for number in sorted(set(pyplot.get_fignums()) - before):
        figure = pyplot._pylab_helpers.Gcf.get_fig_manager(number).canvas.figure
        label = str(figure.get_label()).strip()
        name = "".join(c if c.isalnum() or c in "-_ " else "-" for c in label)
        name = name or f"figure-{number}"
        if f"figures/{name}.png" in found:  # labels that differ in what a file name cannot hold
            name = f"{name}-{number}"
        found[f"figures/{name}.png"] = content.png(figure)
        drawn = content.svg(figure)
        if drawn is not None:
            found[f"figures/{name}.svg"] = drawn
    return found
