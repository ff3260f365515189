"""A run as the text of a comment on a pull request: what it changes, against another run."""

from mlnb.core import redaction
from mlnb.core.errors import MissingExtra
from mlnb.pipelines.reading import cells, notebook_diff
from mlnb.pipelines.reading.gathering import Reading
from mlnb.pipelines.reading.markdown import Page, block, code, folded
from mlnb.pipelines.reading.summary import add_differences, add_failures, add_head, add_steps

LIMIT = 65_000
"""Bytes; GitHub takes 65,536 characters."""
_DIFF_LIMIT = 12_000
"""Characters of one notebook's difference."""


def text(reading: Reading, limit: int = LIMIT) -> str:
    """Return the comment.

    It begins with a mark of its own, ``<!-- mlnb NAME -->``, by which a CI job finds the comment
    that it wrote before, to write it anew.

    Parameters
    ----------
    reading : Reading
        The run, and what it is compared with.
    limit : int
        Bytes that it may have.
    """
    page = Page(limit)
    page.add(f"<!-- mlnb {_word(reading.run.pipeline)} -->")
    add_head(page, reading)
    if reading.against is None:
        page.add("There is no earlier run to compare it with.")
    add_failures(page, reading)
    changed = [item for item in reading.changes if item.differs or not item.known]
    add_differences(page, reading, changed if reading.against else reading.changes)
    if reading.against and not changed:
        page.add(f"No value differs from {code(reading.against.id)}.")
    add_steps(page, reading, fold=True)
    _add_notebooks(page, reading)
    return redaction.text(page.text())


def _add_notebooks(page: Page, reading: Reading) -> None:
    try:
        diffs = differences(reading)
    except MissingExtra as error:
        page.add(f"Notebooks are not compared: {error.message} {error.fix}")
        return
    if not diffs:
        if reading.against:
            page.add("No notebook differs.")
        return
    page.add("### Notebooks that differ")
    for body, steps in diffs.items():
        more = f" and {len(steps) - 3} more" if len(steps) > 3 else ""
        title = ", ".join(f"<code>{_word(name)}</code>" for name in steps[:3]) + more
        page.add(folded(title, block(body, "diff")), "notebooks that differ")


def differences(reading: Reading) -> dict[str, list[str]]:
    """Return what differs between the two runs' executed notebooks, and in which steps.

    Raises
    ------
    MissingExtra
        If nbdime is not installed.
    """
    if reading.against is None:
        return {}
    before = {step.name: step for step in reading.against.steps}
    found: dict[str, list[str]] = {}
    for step in reading.steps:
        result, old = step.result, before.get(step.result.name)
        same = old is None or old.output_digest == result.output_digest
        if old is None or same or not step.cells:
            continue
        was = cells.read(cells.notebook_of(reading.project, old))
        if was and (body := cells.cut(notebook_diff.text(was, step.cells), _DIFF_LIMIT)):
            found.setdefault(body, []).append(result.name)
    return found


def _word(text: str) -> str:
    """Return text of which HTML and Markdown make nothing."""
    return "".join(sign if sign.isalnum() or sign in " ._-,[]=" else "_" for sign in text)[:80]
