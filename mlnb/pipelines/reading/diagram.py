"""Where to draw the steps of a plan and the lines between them.

Steps stand in columns by stage. Stages wrap like words in a text, so that a long chain stays on the
page. Lines that a chain of others implies are left out (transitive reduction); a line that would
run behind other steps, or to a later row, is led through the space between the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mlnb.pipelines.planning import PlannedStep

WIDTH, HEIGHT = 158, 46
"""Size of a box, in pixels."""
GAP_X, GAP_Y, GAP_ROW = 44, 14, 34
COLUMNS = 6
"""Stages in a row."""
MARGIN = 18


@dataclass(frozen=True)
class Box:
    """One step."""

    name: str
    x: float
    y: float


@dataclass(frozen=True)
class Line:
    """What a step needs: an SVG path from the needed step to it."""

    source: str
    target: str
    path: str


@dataclass(frozen=True)
class Diagram:
    """Boxes and lines, in pixels."""

    width: float
    height: float
    boxes: list[Box]
    lines: list[Line]


def draw(steps: Sequence[PlannedStep]) -> Diagram:
    """Lay a plan out."""
    stages = _stages(steps)
    rows = [stages[start : start + COLUMNS] for start in range(0, len(stages), COLUMNS)]
    boxes: dict[str, Box] = {}
    places: dict[str, tuple[int, int]] = {}
    bottoms: list[float] = []
    top = float(MARGIN)
    for number, row in enumerate(rows):
        tallest = max(len(stage) for stage in row)
        height = tallest * HEIGHT + (tallest - 1) * GAP_Y
        for column, stage in enumerate(row):
            own = len(stage) * HEIGHT + (len(stage) - 1) * GAP_Y
            for position, name in enumerate(stage):
                x = MARGIN + column * (WIDTH + GAP_X)
                y = top + (height - own) / 2 + position * (HEIGHT + GAP_Y)
                boxes[name] = Box(name, x, y)
                places[name] = (number, column)
        bottoms.append(top + height)
        top += height + GAP_ROW
    lines = [
        Line(source, target, _path(boxes, places, bottoms, source, target))
        for source, target in _needed(steps)
    ]
    columns = max(len(row) for row in rows)
    width = 2 * MARGIN + columns * WIDTH + (columns - 1) * GAP_X
    return Diagram(width, top - GAP_ROW + MARGIN, list(boxes.values()), lines)


def _stages(steps: Sequence[PlannedStep]) -> list[list[str]]:
    """Return the names by stage, each stage in the order of what its steps need."""
    stages: list[list[str]] = []
    heights: dict[str, float] = {}
    for number in range(1, max(step.stage for step in steps) + 1):
        members = [step for step in steps if step.stage == number]
        members.sort(key=lambda step: _mean([heights[need] for need in step.needs]))
        for position, step in enumerate(members):
            heights[step.name] = position - (len(members) - 1) / 2
        stages.append([step.name for step in members])
    return [stage for stage in stages if stage]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _needed(steps: Sequence[PlannedStep]) -> list[tuple[str, str]]:
    """Return the needs that no chain of other needs implies."""
    before: dict[str, set[str]] = {}
    for step in steps:  # in an order in which needs come first
        before[step.name] = set(step.needs).union(*(before[need] for need in step.needs))
    return [
        (need, step.name)
        for step in steps
        for need in step.needs
        if not any(need in before[other] for other in step.needs)
    ]


def _path(
    boxes: dict[str, Box],
    places: dict[str, tuple[int, int]],
    bottoms: list[float],
    source: str,
    target: str,
) -> str:
    x1, y1 = boxes[source].x + WIDTH, boxes[source].y + HEIGHT / 2
    x2, y2 = boxes[target].x, boxes[target].y + HEIGHT / 2
    (row, column), (target_row, target_column) = places[source], places[target]
    if row == target_row and target_column == column + 1:
        middle = (x1 + x2) / 2
        return f"M{x1:g} {y1:g}C{middle:g} {y1:g} {middle:g} {y2:g} {x2:g} {y2:g}"
    lane = bottoms[row] + GAP_ROW / 2
    out, into = x1 + 14, x2 - 14
    points = [(x1, y1), (out, y1), (out, lane)]
    if target_row > row + 1:  # down the left edge, past the rows between
        left, lane_above = MARGIN / 3, bottoms[target_row - 1] + GAP_ROW / 2
        points += [(left, lane), (left, lane_above), (into, lane_above)]
    else:
        points += [(into, lane)]
    return _rounded([*points, (into, y2), (x2, y2)])


def _rounded(points: list[tuple[float, float]], radius: float = 8) -> str:
    """Return a path through points with round corners."""
    path = f"M{points[0][0]:g} {points[0][1]:g}"
    for (before, corner), (_, after) in pairwise(pairwise(points)):
        a = _towards(corner, before, radius)
        b = _towards(corner, after, radius)
        path += f"L{a[0]:g} {a[1]:g}Q{corner[0]:g} {corner[1]:g} {b[0]:g} {b[1]:g}"
    return f"{path}L{points[-1][0]:g} {points[-1][1]:g}"


def _towards(
    start: tuple[float, float], end: tuple[float, float], distance: float
) -> tuple[float, float]:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = (dx * dx + dy * dy) ** 0.5 or 1.0
    share = min(distance, length / 2) / length
    return start[0] + dx * share, start[1] + dy * share
