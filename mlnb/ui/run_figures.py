"""Pictures of runs side by side, as images that need no script: parallel coordinates and curves."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from markupsafe import Markup, escape

from mlnb.tracking.runs import MetricCurve
from mlnb.ui.figures import sparkline, visible

COLOURS = ("#4e8ad6", "#d9822b", "#2ea043", "#c64fa0", "#8a6fd1", "#c9a227", "#27a3a3", "#d64541")
"""Of the runs, in turn; seen on a light and on a dark background."""
_INK = "#808080"
_AXES = 8
"""So many axes are legible in a picture that cannot be asked."""


@dataclass(frozen=True)
class Axis:
    """One axis of parallel coordinates."""

    label: str
    values: Sequence[float | str | None]
    """One per run."""

    @property
    def is_number(self) -> bool:
        """Tell whether all values are numbers."""
        return all(isinstance(value, float) or value is None for value in self.values)

    def places(self) -> list[float | None]:
        """Return how high each run is on the axis, from 0 to 1."""
        if not self.is_number:
            names = self.names()
            return [
                None if value is None else (names.index(str(value)) + 0.5) / len(names)
                for value in self.values
            ]
        numbers = self._numbers()
        if not numbers:
            return [None] * len(self.values)
        low, high = min(numbers), max(numbers)
        return [
            None
            if not isinstance(value, float) or not math.isfinite(value)
            else ((value / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.5)
            for value in self.values
        ]

    def names(self) -> list[str]:
        """Return the different values of an axis that has no numbers."""
        return sorted({str(value) for value in self.values if value is not None})

    def ends(self) -> tuple[str, str]:
        """Return what stands at the bottom and at the top."""
        if self.is_number:
            numbers = self._numbers()
            return (f"{min(numbers):.4g}", f"{max(numbers):.4g}") if numbers else ("", "")
        names = self.names()
        return (visible(names[0], 12), visible(names[-1], 12)) if names else ("", "")

    def _numbers(self) -> list[float]:
        return [v for v in self.values if isinstance(v, float) and math.isfinite(v)]


@dataclass(frozen=True)
class Parallel:
    """Runs as lines over axes."""

    axes: Sequence[Axis]
    runs: int

    def __str__(self) -> str:
        return ""

    def __html__(self) -> Markup:
        axes = self.axes[:_AXES]
        gap, top, height = 110, 30, 130
        width = gap * len(axes)
        found = []
        lines: list[list[str]] = [[] for _ in range(self.runs)]
        for number, axis in enumerate(axes):
            x = gap * number + gap / 2
            low, high = axis.ends()
            found.append(f'<path d="M{x} {top}v{height}" stroke="{_INK}" stroke-opacity=".6"/>')
            for text, y, size in (
                (visible(axis.label, 16), 12, 11),
                (high, top - 5, 9),
                (low, top + height + 12, 9),
            ):
                found.append(
                    f'<text x="{x}" y="{y}" font-size="{size}" fill="{_INK}" '
                    f'text-anchor="middle">{escape(text)}</text>'
                )
            for run, place in enumerate(axis.places()):
                if place is not None:
                    lines[run].append(f"{x:.0f},{top + height * (1 - place):.1f}")
        drawn = "".join(
            f'<polyline points="{" ".join(points)}" fill="none" stroke-width="2" '
            f'stroke="{COLOURS[run % len(COLOURS)]}"/>'
            for run, points in enumerate(lines)
        )
        return _image(
            "Parallel coordinates of the runs", width, top + height + 18, "".join(found) + drawn
        )


@dataclass(frozen=True)
class Curves:
    """A metric of several runs over its steps."""

    lines: Sequence[MetricCurve]

    def __str__(self) -> str:
        return "  ".join(_spark(line.values) for line in self.lines)

    def __html__(self) -> Markup:
        width, height, left = 300, 110, 44
        points = [
            (step, value)
            for line in self.lines
            for step, value in zip(line.steps, line.values, strict=True)
            if value is not None and math.isfinite(value)
        ]
        if not points:
            return Markup("")
        first, last = min(p[0] for p in points), max(p[0] for p in points)
        low, high = min(p[1] for p in points), max(p[1] for p in points)

        def place(step: int, value: float) -> str:
            x = left + (width - left - 6) * (
                (step - first) / (last - first) if last > first else 0.5
            )
            part = (value / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.5
            return f"{x:.1f},{6 + (height - 26) * (1 - part):.1f}"

        drawn = []
        for line in self.lines:
            kept = [
                place(step, value)
                for step, value in zip(line.steps, line.values, strict=True)
                if value is not None and math.isfinite(value)
            ]
            colour = COLOURS[line.run % len(COLOURS)]
            drawn.append(
                f'<polyline points="{" ".join(kept)}" fill="none" stroke="{colour}" '
                'stroke-width="1.6"/>'
            )
        frame = (
            f'<path d="M{left} 6V{height - 20}H{width - 6}" fill="none" stroke="{_INK}" '
            'stroke-opacity=".6"/>'
        )
        texts = (
            (left - 4, 12, "end", f"{high:.4g}"),
            (left - 4, height - 20, "end", f"{low:.4g}"),
            (left, height - 7, "start", str(first)),
            (width - 6, height - 7, "end", str(last)),
        )
        labels = "".join(
            f'<text x="{x}" y="{y}" font-size="9" fill="{_INK}" '
            f'text-anchor="{anchor}">{escape(text)}</text>'
            for x, y, anchor, text in texts
        )
        return _image(str(self), width, height, frame + labels + "".join(drawn))


@dataclass(frozen=True)
class Swatch:
    """A run's name with its colour."""

    run: int
    name: str

    def __str__(self) -> str:
        return self.name

    def __html__(self) -> Markup:
        return Markup('<span style="color: {}">■</span> {}').format(
            COLOURS[self.run % len(COLOURS)], self.name
        )


def _spark(values: Sequence[float | None]) -> str:
    """Return a curve as a dozen bars."""
    numbers = [value for value in values if value is not None and math.isfinite(value)]
    if len(numbers) < 2 or max(numbers) == min(numbers):
        return "▁" * min(12, len(numbers))
    chosen = [numbers[place * (len(numbers) - 1) // 11] for place in range(12)]
    low, high = min(chosen), max(chosen)
    if high == low:
        return "▁" * 12
    return sparkline([round(100 * (v / 2 - low / 2) / (high / 2 - low / 2)) for v in chosen])


def _image(alt: str, width: int, height: int, body: str) -> Markup:
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif">{body}</svg>'
    )
    return Markup('<img alt="{}" width="{}" height="{}" src="data:image/svg+xml,{}">').format(
        alt, width, height, quote(svg)
    )
