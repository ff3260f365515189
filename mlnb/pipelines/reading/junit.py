"""A run as JUnit's XML: one suite per step, one case per cell.

Jenkins, GitLab and others show it as a list of tests with a history. A cell is known by its place
in the source notebook, so that history lasts while the notebook keeps its order. What does not
fail in a cell (a time-out, a kernel that dies before the first one) is a case of the step's own.
"""

import re
from pathlib import Path

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from mlnb.core import redaction
from mlnb.pipelines.reading import cells
from mlnb.pipelines.reading.cells import Cell
from mlnb.pipelines.reading.gathering import Reading, StepReading

LIMIT = 20_000
"""Characters of a traceback or an output."""
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document can have, however they are written."""
_WHOLE = "step"
"""Name of the case that stands for the step itself."""


def write(reading: Reading, path: Path) -> None:
    """Write the file, and its folder where there is none."""
    xml = JUnitXml(_clean(reading.run.pipeline))
    suites = [_suite(step, reading) for step in reading.steps]
    for suite in suites:
        xml.add_testsuite(suite)
    # One by one: Jenkins' schema has no number of skipped cases at this place.
    xml.tests = sum(suite.tests for suite in suites)
    xml.failures = sum(suite.failures for suite in suites)
    xml.errors = sum(suite.errors for suite in suites)
    xml.time = round(sum(suite.time for suite in suites), 3)
    path.parent.mkdir(parents=True, exist_ok=True)
    xml.write(str(path))


def _suite(step: StepReading, reading: Reading) -> TestSuite:
    result = step.result
    suite = TestSuite(_clean(result.name))
    if result.started:
        suite.timestamp = result.started.strftime("%Y-%m-%dT%H:%M:%S")
    facts = {
        "run": reading.run.id,
        "notebook": result.notebook,
        "cached from": result.cached_from,
        "why": result.why,
        "attempts": str(result.attempts) if result.attempts > 1 else "",
    }
    for name, value in facts.items():
        if value:
            suite.add_property(name, _clean(value))
    classname = f"{reading.run.pipeline}.{result.name.replace('.', '_')}"
    for case in _cases(step):
        case.classname = _clean(classname)
        suite.add_testcase(case)
    return suite


def _cases(step: StepReading) -> list[TestCase]:
    failed = step.failed_cell
    code = [cell for cell in step.cells if cell.is_code and not cell.injected]
    made = [_cell_case(cell, step) for cell in code]
    if made and (not step.is_bad or failed in code):
        return made
    whole = _case(_WHOLE, 0.0 if made else _seconds(step))
    if step.result.status == "SKIPPED":
        whole.result = [Skipped(_first_line(step.reason))]
    elif step.is_bad:
        problem = Error(_first_line(step.reason), step.result.status)
        problem.text = _clean(cells.cut(step.reason, LIMIT))
        whole.result = [problem]
    return [whole, *made]


def _cell_case(cell: Cell, step: StepReading) -> TestCase:
    case = _case(f"cell {cell.number}", 0.0 if step.state == "CACHED" else cell.seconds)
    if cell.verdict == "failed":
        problem = Failure(_first_line(step.reason), cells.error_name(cell) or "Error")
        trace = cells.plain(cells.traceback(cell))
        problem.text = _clean(cells.cut(f"{cell.source}\n\n{trace}", LIMIT))
        case.result = [problem]
        if shown := cells.shown(cell, LIMIT):
            case.system_out = _clean(shown)
    elif cell.verdict == "not run":
        reached = "the step ended before it" if step.is_bad else "it was passed over"
        case.result = [Skipped(f"The cell did not run: {reached}.")]
    return case


def _case(name: str, seconds: float) -> TestCase:
    return TestCase(name, time=round(seconds, 3))


def _seconds(step: StepReading) -> float:
    result = step.result
    if result.started is None or result.ended is None or step.state == "CACHED":
        return 0.0
    return (result.ended - result.started).total_seconds()


def _first_line(text: str) -> str:
    return _clean(text.strip().partition("\n")[0])


def _clean(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", redaction.text(cells.plain(text)))
