"""Files that a CI system reads of a run: JUnit's XML and a Markdown summary."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlnb.core import project as projects
from mlnb.core.errors import DiskUnavailable
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun
from mlnb.pipelines.reading import gathering

JOB_PAGE = "GITHUB_STEP_SUMMARY"
"""Variable with the file that GitHub shows on the job's page."""


def check(*paths: Path | None) -> None:
    """Make the folders of files that are to be written: before a run, not after it.

    Raises
    ------
    DiskUnavailable
        If a folder cannot be made, or a path is a folder.
    """
    for path in paths:
        if path is not None:
            with _writing(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                if path.is_dir():
                    raise IsADirectoryError(None, "it is a folder")


def publish(
    project: Project, run: PipelineRun, *, junit: Path | None = None, summary: Path | None = None
) -> None:
    """Write what CI systems show of a run.

    The summary is also appended to the file that ``$GITHUB_STEP_SUMMARY`` names, when it does.

    Parameters
    ----------
    project : Project
        The run's project.
    run : PipelineRun
        The run, as its record has it.
    junit, summary : Path, optional
        Files to write anew.

    Raises
    ------
    DiskUnavailable
        If a file cannot be written.
    """
    page = os.environ.get(JOB_PAGE)
    if junit is None and summary is None and not page:
        return
    with projects.using(project):
        reading = gathering.gather(project, run)
        if junit is not None:
            from mlnb.pipelines.reading import junit as xml

            with _writing(junit):
                xml.write(reading, junit)
        if summary is not None or page:
            from mlnb.pipelines.reading import summary as markdown

            if summary is not None:
                with _writing(summary):
                    summary.write_text(markdown.text(reading), encoding="utf-8")
            if page:
                with _writing(Path(page)):
                    _append(markdown.text(reading, _room(Path(page))), Path(page))


def _room(page: Path) -> int:
    """Return how many bytes the job's page still takes."""
    from mlnb.pipelines.reading.summary import LIMIT

    return LIMIT - (page.stat().st_size if page.is_file() else 0)


def _append(text: str, page: Path) -> None:
    with page.open("a", encoding="utf-8") as file:
        file.write(f"{text}\n")


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DiskUnavailable(error.strerror or str(error), str(path)) from None
