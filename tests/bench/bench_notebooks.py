"""Headless notebooks: one of three short cells, in milliseconds of wall time, kernel included."""

import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
import papermill
from measuring import Line, compare, timed

SOURCES = ("x = 1", "print(x + 1)", "x")


def lines() -> Iterator[Line]:
    """Compare an execution with events, parameters and environment with bare papermill."""
    from mlnb import execution

    logging.getLogger("papermill").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        os.chdir(folder)
        os.environ["MLNB_PROJECT"] = place
        notebook = nbformat.v4.new_notebook(
            cells=[
                nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"] * (i == 0)})
                for i, source in enumerate(SOURCES)
            ],
            metadata={
                "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
            },
        )
        source, output = folder / "short.ipynb", folder / "output.ipynb"
        nbformat.write(notebook, source)
        yield compare(
            "execution.execute",
            timed(lambda: execution.execute(source, output, parameters={"x": 2})),
            "papermill.execute_notebook",
            timed(
                lambda: papermill.execute_notebook(
                    source, output, parameters={"x": 2}, progress_bar=False
                )
            ),
        )
