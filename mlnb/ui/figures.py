"""Cells of a table that are more than text: small histograms, values that changed.

Each says what it is in text (`str`) and in HTML (``__html__``, which Jinja does not escape again).
The HTML is plain enough for a notebook that is not trusted: pictures are images of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from unicodedata import bidirectional
from urllib.parse import quote

from markupsafe import Markup, escape

from mlnb.datasets.records import Histogram

WIDTH, HEIGHT = 96, 22
_BARS = "▁▂▃▄▅▆▇█"
_NOW, _BEFORE = "#4e8ad6", "#8a8a8a"
"""Seen on a light and on a dark background."""
_OLD_STYLE = "background-color: rgba(214, 69, 65, 0.18); text-decoration: none"
_NEW_STYLE = "background-color: rgba(46, 160, 67, 0.22); text-decoration: none"


def visible(text: str, longest: int = 60) -> str:
    """Return text in which every character can be seen, cut to a length worth reading.

    Control characters, those that change the direction of writing or have no width, and line
    breaks are written as Python writes them: a name can neither hide nor pretend anything.
    """
    if not text.isprintable():
        text = (
            "".join(
                char if char.isprintable() else char.encode("unicode_escape").decode()
                for char in text[: longest + 1]
            )
            + text[longest + 1 :]
        )
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    if any(bidirectional(char) in ("R", "AL") for char in text):
        return f"\u2068{text}\u2069"  # what is written from the right stays in its place
    return text


def value_text(value: str | None) -> str:
    """Return a value as it is shown in a difference; None is null."""
    if value is None:
        return "null"
    return visible(value) if value.strip() else repr(value)


def sparkline(counts: Sequence[int]) -> str:
    """Return a histogram as one line of bars; an empty bin is a space-wide low bar."""
    highest = max(counts, default=0)
    if not highest:
        return ""
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // highest)] for count in counts)


@dataclass(frozen=True)
class Shape:
    """A histogram, or two of them over one axis: what was is an outline. Areas are shares."""

    now: Histogram | None
    before: Histogram | None = None

    def __str__(self) -> str:
        return sparkline(self.now.counts) if self.now else ""

    def __html__(self) -> Markup:
        drawn = [item for item in (self.before, self.now) if item is not None]
        if not drawn:
            return Markup("")
        low = min(item.edges[0] for item in drawn)
        high = max(item.edges[-1] for item in drawn)
        densest = max(max(_densities(item, high - low)) for item in drawn) or 1
        bars = ""
        if self.now:
            bars += f'<path fill="{_NOW}" d="{_bars(self.now, low, high, densest)}"/>'
        if self.before:
            outline = _outline(self.before, low, high, densest)
            bars += f'<path fill="none" stroke="{_BEFORE}" stroke-width="1.5" d="{outline}"/>'
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
            f'viewBox="0 0 {WIDTH} {HEIGHT}">{bars}</svg>'
        )
        return Markup('<img alt="{}" width="{}" height="{}" src="data:image/svg+xml,{}">').format(
            str(self), WIDTH, HEIGHT, quote(svg)
        )


def _densities(histogram: Histogram, span: float) -> list[float]:
    """Return how high each bin is: its share of all by its share of the axis."""
    total = sum(histogram.counts) or 1
    widths = [right - left for left, right in pairwise(histogram.edges)]
    return [
        count / total / (max(width / span, 1 / WIDTH) if span else 1)
        for count, width in zip(histogram.counts, widths, strict=True)
    ]


def _boxes(
    histogram: Histogram, low: float, high: float, densest: float
) -> list[tuple[float, float, float]]:
    """Return left, width and height of each bin in the picture."""
    scale = WIDTH / (high - low) if high > low else 0.0
    boxes = []
    heights = _densities(histogram, high - low)
    for (left, right), density in zip(pairwise(histogram.edges), heights, strict=True):
        width = max(1.5, (right - left) * scale)
        height = max(1.0, (HEIGHT - 1) * density / densest) if density else 0.0
        boxes.append((min((left - low) * scale, WIDTH - width), width, height))
    return boxes


def _bars(histogram: Histogram, low: float, high: float, densest: float) -> str:
    return "".join(
        f"M{left:.1f} {HEIGHT}v{-height:.1f}h{max(1.0, width - 0.5):.1f}v{height:.1f}z"
        for left, width, height in _boxes(histogram, low, high, densest)
        if height
    )


def _outline(histogram: Histogram, low: float, high: float, densest: float) -> str:
    boxes = _boxes(histogram, low, high, densest)
    steps = "".join(f"V{HEIGHT - height:.1f}H{left + width:.1f}" for left, width, height in boxes)
    return f"M{boxes[0][0]:.1f} {HEIGHT}{steps}V{HEIGHT}"


@dataclass(frozen=True)
class Change:
    """A value that became another one; None is null."""

    before: str | None
    after: str | None
    place: str = ""

    def __str__(self) -> str:
        place = f"{visible(self.place)}: " if self.place else ""
        return f"{place}{value_text(self.before)} → {value_text(self.after)}"

    def __html__(self) -> Markup:
        place = Markup('<span style="opacity: 0.65">{}</span> ').format(visible(self.place))
        return (place if self.place else Markup("")) + Markup(
            '<del style="{}">{}</del> → <ins style="{}">{}</ins>'
        ).format(_OLD_STYLE, value_text(self.before), _NEW_STYLE, value_text(self.after))


@dataclass(frozen=True)
class Lines:
    """Several cells in one, each on a line of its own."""

    items: Sequence[object]

    def __str__(self) -> str:
        return "\n".join(map(str, self.items))

    def __html__(self) -> Markup:
        return Markup("<br>").join(escape(item) for item in self.items)
