"""The way that a number has taken through the runs, as a line the height of a word."""

from collections.abc import Sequence

WIDTH, HEIGHT = 76, 20
_EDGE = 3


def svg(numbers: Sequence[float]) -> str:
    """Return a small SVG picture of numbers, the newest marked; ``""`` of fewer than two."""
    if len(numbers) < 2:
        return ""
    low, high = min(numbers), max(numbers)
    span = high - low
    step = (WIDTH - 2 * _EDGE) / (len(numbers) - 1)

    def height(number: float) -> float:
        share = (number - low) / span if 0 < span < float("inf") else 0.5
        return HEIGHT - _EDGE - share * (HEIGHT - 2 * _EDGE)

    points = [(_EDGE + index * step, height(number)) for index, number in enumerate(numbers)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    return (
        f'<svg class="spark" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'aria-hidden="true"><polyline points="{line}"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6"/></svg>'
    )
