"""How a benchmark with goals shows them: lines in a terminal, a table for the documentation."""

from collections.abc import Iterator

from goals import Goal


def row(goal: Goal) -> str:
    """Return a goal as a line, and what explains it below."""
    sign = "≥" if goal.at_least else "≤"
    beside = ", ".join(
        f"{name} {'n/a' if figure is None else _figure(figure)}"
        for name, figure in goal.beside.items()
    )
    unit = f" {goal.unit}" if goal.unit else ""
    return (
        f"  {'met   ' if goal.met else 'MISSED'}  {goal.what:<38} {_figure(goal.measured):>7}{unit}"
        f"  goal {sign} {goal.limit:g}"
        + (f"  | {beside}" if beside else "")
        + (f"\n{'':10}{goal.note}" if goal.note else "")
    )


def named_row(goal: Goal) -> str:
    """Return a goal as a line that names its group, and what explains it below."""
    return f"{goal.group}\n{row(goal)}"


def table(goals: list[Goal]) -> Iterator[str]:
    """Yield the goals as a Markdown table."""
    yield "| | mlnb | goal | | beside |"
    yield "|---|---|---|---|---|"
    for goal in goals:
        beside = ", ".join(f"{n} {_figure(f)}" for n, f in goal.beside.items() if f is not None)
        yield (
            f"| {goal.group}: {goal.what} | {_figure(goal.measured)} {goal.unit} "
            f"| {'≥' if goal.at_least else '≤'} {goal.limit:g} "
            f"| {'met' if goal.met else 'missed'} | {beside} |"
        )


def _figure(value: float) -> str:
    """Return a figure with as many places as say something."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) >= 0.05 or value == 0 else f"{value:.4f}"
