"""A project with a step of every kind, and the ways to change it: what the table of keys edits."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlnb import datasets
from mlnb.core import project as projects
from mlnb.core.project import Project
from mlnb.testing.notebooks import write_notebook

PIPELINE = """# a comment
name: keys
description: What counts.
params: {n: 1, unused: 0}
env: {LEVEL: low}
steps:
  make:
    notebook: make.ipynb
    params: {n: "${{ params.n }}"}
    inputs: ["data/*.csv", config.json]
    outputs: made.txt
    modules: extra
  use: {notebook: use.ipynb, needs: make, params: {value: "${{ steps.make.value }}"}}
  ask: {notebook: ask.ipynb, needs: make}
  load: {notebook: load.ipynb, inputs: "dataset:sheet"}
  pinned: {notebook: pinned.ipynb, inputs: "dataset:sheet@1"}
  silent: {notebook: silent.ipynb}
  job: {script: job.py, params: {k: 1}}
  call: {function: "funcs:call", params: {k: 1}}
  sweep: {notebook: sweep.ipynb, matrix: {f: [1, 2]}}
  private: {notebook: private.ipynb, secrets: DEMO_TOKEN}
  always: {notebook: sweep.ipynb, cache: false}
"""

MAKE = """import mlnb
from pathlib import Path
import lib
rows = sum(len(path.read_text()) for path in mlnb.inputs["data/*.csv"])
value = lib.double(n) + bool(rows)
Path("made.txt").write_text(f"{value}")
mlnb.glue("value", value)
mlnb.glue("other", 'text')"""


def make(root: Path) -> Project:
    """Write the project; nothing in it has run."""
    project = projects.init(root, "test-project")
    write_notebook(
        root / "make.ipynb",
        "# Title",
        "a = 1\nb = a + 1",
        MAKE,
        "%config InlineBackend.figure_format = 'png'",
        parameters="n: int = 0",
    )
    write_notebook(
        root / "use.ipynb", "import mlnb\nmlnb.glue('seen', value)", parameters="value = 0"
    )
    write_notebook(root / "ask.ipynb", "import mlnb\nseen = mlnb.inputs['make']['value']")
    write_notebook(root / "load.ipynb", "import mlnb\nseen = mlnb.inputs['dataset:sheet']")
    write_notebook(root / "pinned.ipynb", "import mlnb\nseen = mlnb.inputs['dataset:sheet']")
    write_notebook(root / "silent.ipynb", "text = open('notes.txt').read()")
    write_notebook(root / "sweep.ipynb", "f * 2", parameters="f = 0")
    write_notebook(
        root / "private.ipynb", "import os\nassert os.environ['DEMO_TOKEN']\n!echo shell"
    )
    files = {
        "pipeline.yaml": PIPELINE,
        "requirements.txt": "somelib==1.0\n",
        "lib.py": "import deep\n\n\ndef double(n):\n    return deep.times(n, 2)\n",
        "deep.py": "def times(a, b):\n    return a * b\n",
        "lonely.py": "x = 1\n",
        "extra/table.txt": "one\n",
        "extra/more.py": "x = 1\n",
        "job.py": "import os\nk = os.environ['MLNB_PARAMS']\nprint(k)\n",
        "funcs.py": "def call(k):\n    return {'k': k}\n\n\ndef other(k):\n    return {'k': -k}\n",
        "data/a.csv": "1,2\n",
        "config.json": "{}\n",
        "notes.txt": "notes\n",
        "elsewhere.txt": "nobody reads this\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    with projects.using(project):
        save("sheet", 1)
    return project


def save(name: str, number: int) -> None:
    """Save a version of a dataset."""
    import pandas as pd

    datasets.save(pd.DataFrame({"n": [number]}), name)


@contextmanager
def undone(root: Path) -> Iterator[None]:
    """Put the project's files back as they were."""
    before = _files(root)
    try:
        yield
    finally:
        for path in _files(root).keys() - before.keys():
            path.unlink()
        for path, content in before.items():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)


def _files(root: Path) -> dict[Path, bytes]:
    return {
        path: path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not {".mlnb", "__pycache__"} & set(path.parts)
    }


# -- edits: each is a function of the project's folder ---------------------------------------------

Edit = Callable[[Path], Any]


def text(file: str, old: str, new: str) -> Edit:
    """Replace text in a file."""

    def edit(root: Path) -> None:
        content = (root / file).read_text(encoding="utf-8")
        assert old in content, f"{file} has no {old!r}"
        (root / file).write_text(content.replace(old, new), encoding="utf-8")

    return edit


def write(file: str, content: str) -> Edit:
    """Write a file anew."""
    return lambda root: (root / file).write_text(content, encoding="utf-8")


def remove(file: str) -> Edit:
    """Remove a file."""
    return lambda root: (root / file).unlink()


def touch(file: str) -> Edit:
    """Give a file another time."""
    return lambda root: os.utime(root / file, (1, 1))


def notebook(change: Callable[[dict[str, Any]], Any], file: str = "make.ipynb") -> Edit:
    """Change a notebook's body."""

    def edit(root: Path) -> None:
        body = json.loads((root / file).read_text(encoding="utf-8"))
        change(body)
        (root / file).write_text(json.dumps(body), encoding="utf-8")

    return edit


def cell(number: int, old: str, new: str, file: str = "make.ipynb") -> Edit:
    """Replace text in a cell, which is counted from 0."""

    def change(body: dict[str, Any]) -> None:
        source = "".join(body["cells"][number]["source"])
        assert old in source, f"cell {number} has no {old!r}"
        body["cells"][number]["source"] = source.replace(old, new)

    return notebook(change, file)


def code(source: str, **metadata: Any) -> dict[str, Any]:
    """Return a new code cell."""
    return {
        "cell_type": "code",
        "source": source,
        "metadata": metadata,
        "outputs": [],
        "execution_count": None,
    }
