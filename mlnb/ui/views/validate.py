"""How verdicts are laid out."""

from typing import Any

from mlnb.core.records import Check, SuiteResult
from mlnb.ui.render import Table, View, row, view


@view.register
def _(result: SuiteResult) -> View:
    checks = Table(
        ["check", "value", f"{result.confidence:.0%} interval", "verdict", "why"],
        [
            (
                check.name,
                check.value,
                _interval(check.low, check.high),
                _verdict(check),
                check.detail,
            )
            for check in result.checks
        ],
        styles=[_STYLES[_verdict(check)] for check in result.checks],
    )
    checked = {check.metric for check in result.checks if check.kind == "limit"}
    others = [name for name in result.metrics if name not in checked]
    measured = Table(
        ["metric", "value", f"{result.confidence:.0%} interval"],
        [
            (name, result.metrics[name], _interval(*result.intervals.get(name, (None, None))))
            for name in others
        ],
        title="Also measured",
    )
    return View(
        f"{result.model} {'passed' if result.passed else 'did not pass'} {result.suite}",
        fields=[
            ("data", result.data or "a frame that is no dataset version"),
            ("rows", result.rows),
            ("champion", result.champion),
            ("result", result.id),
        ],
        tables=[checks, measured] if others else [checks],
        status="good" if result.passed else "bad",
    )


@row.register
def _(result: SuiteResult) -> dict[str, Any]:
    return {
        "result": result.id,
        "suite": result.suite,
        "model": result.model,
        "data": result.data,
        "passed": result.passed,
        "created": result.created,
    }


_STYLES = {"passed": "good", "FAILED": "bad", "skipped": "dim"}


def _verdict(check: Check) -> str:
    if check.skipped:
        return "skipped"
    return "passed" if check.passed else "FAILED"


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.4f}…{high:.4f}"
