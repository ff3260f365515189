import json
import subprocess
import sys
from typing import Any

import pytest

from mlnb.core.errors import InvalidNotebook
from mlnb.core.project import Project
from mlnb.execution import notebooks
from mlnb.testing.notebooks import write_notebook


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("[]", "no metadata"),
        ('{"metadata": {}, "nbformat": 3}', "its format is 3, not 4"),
        ('{"metadata": {}, "nbformat": 4, "cells": [1]}', "cell 1 has no type"),
    ],
)
def test_what_is_no_notebook_is_said(project: Project, text: str, reason: str) -> None:
    path = project.root / "a.ipynb"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidNotebook, match=reason):
        notebooks.read(path)


def test_a_kernel_of_another_name_falls_back_on_the_setting(project: Project) -> None:
    path = write_notebook(project.root / "a.ipynb", "1")
    body = json.loads(path.read_text(encoding="utf-8"))
    body["metadata"]["kernelspec"] = {"name": "my-own-venv", "language": "python"}
    path.write_text(json.dumps(body), encoding="utf-8")
    assert notebooks.kernel_for(notebooks.read(path)) == ("python3", "python")


def test_a_kernel_of_another_language_does_not(project: Project) -> None:
    path = write_notebook(project.root / "a.ipynb", "1")
    body = json.loads(path.read_text(encoding="utf-8"))
    body["metadata"]["kernelspec"] = {"name": "ir", "language": "R"}
    path.write_text(json.dumps(body), encoding="utf-8")
    with pytest.raises(InvalidNotebook, match="kernel 'ir' is not installed"):
        notebooks.kernel_for(notebooks.read(path))


def imported_with(before: str) -> str:
    """Return whether the quick import leaves the slow parser out, and what jsonschema can do."""
    code = (
        f"{before}\nimport sys\nfrom mlnb.execution import notebooks\nnotebooks.import_nbformat()\n"
        "import nbformat\nnbformat.validate(nbformat.v4.new_notebook())\n"
        "print('rfc3987_syntax' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_nbformat_is_imported_quickly_in_processes_of_our_own_only() -> None:
    pytest.importorskip("rfc3987_syntax")
    assert imported_with("") == "False"
    assert imported_with("import jupyter_client, IPython.core.interactiveshell") == "False"
    shell = (
        "from IPython.core.interactiveshell import InteractiveShell\nInteractiveShell.instance()"
    )
    assert imported_with(shell) == "True"


CELL = {"cell_type": "code", "metadata": {}, "source": "1", "outputs": []}
WHOLE = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [CELL]}


@pytest.mark.parametrize(
    "broken",
    [
        {**WHOLE, "nbformat": 3},
        {**WHOLE, "nbformat_minor": "x"},
        {**WHOLE, "metadata": {"kernelspec": None}},
        {**WHOLE, "metadata": {"papermill": None}},
        {**WHOLE, "cells": [{**CELL, "source": 5}]},
        {**WHOLE, "cells": [{**CELL, "metadata": None}]},
        {**WHOLE, "cells": [{**CELL, "metadata": {"tags": None}}]},
    ],
)
def test_what_is_no_notebook_is_one_clear_error(project: Project, broken: dict[str, Any]) -> None:
    path = project.root / "a.ipynb"
    path.write_text(json.dumps(broken), encoding="utf-8")
    with pytest.raises(InvalidNotebook, match=r"a\.ipynb"):
        notebooks.read(path)


def test_json_nested_too_deep_is_no_notebook(project: Project) -> None:
    path = project.root / "a.ipynb"
    path.write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(InvalidNotebook):
        notebooks.read(path)


def test_a_byte_order_mark_is_read_over(project: Project) -> None:
    path = project.root / "a.ipynb"
    path.write_text(json.dumps(WHOLE), encoding="utf-8-sig")
    assert len(notebooks.read(path).cells) == 1
