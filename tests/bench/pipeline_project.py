"""The pipeline of 20 notebooks that ``make bench-pipelines`` runs, as every system wants it.

One notebook makes data, four derive features of it, twelve train, two compare six each, one sums
up. Every notebook imports NumPy, pandas and scikit-learn, reads what the notebooks before it have
written and writes a file of its own, so that all systems do the same work in the same order.
"""

import json
from dataclasses import dataclass
from pathlib import Path

IMPORTS = (
    "import json\nfrom pathlib import Path\n\nimport numpy as np\nimport pandas as pd\n"
    "from sklearn.ensemble import RandomForestRegressor\n"
    "from sklearn.linear_model import LinearRegression\n"
    "from sklearn.model_selection import cross_val_score\n"
    "from sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import StandardScaler"
)
PRELOAD = (
    "numpy, pandas, sklearn.ensemble, sklearn.linear_model, sklearn.model_selection, "
    "sklearn.pipeline, sklearn.preprocessing"
)
"""What the parent of warm kernels imports ahead: what the project says that it uses."""
_WORK = (
    "rng = np.random.default_rng(0)\nx = rng.normal(size=({rows}, 10))\n"
    "y = x[:, 0] + rng.normal(size={rows})\n"
    "model = RandomForestRegressor(n_estimators=60, random_state=0, n_jobs=1).fit(x, y)\n"
    "score = float(model.score(x, y))"
)
_LITTLE = (
    "frame = pd.DataFrame({'x': range(100)})\n"
    "model = make_pipeline(StandardScaler(), LinearRegression()).fit(frame, frame['x'])\n"
    "score = float(model.score(frame, frame['x']))"
)
ROWS = 2000
"""Rows of a training that does much: about a second of one core."""


@dataclass(frozen=True)
class Notebook:
    """One notebook of the pipeline."""

    name: str
    needs: tuple[str, ...]


def notebooks() -> list[Notebook]:
    """Return the twenty, each after those that it needs."""
    features = [Notebook(f"features_{number}", ("ingest",)) for number in range(4)]
    trainings = [
        Notebook(f"train_{number:02d}", (f"features_{number % 4}",)) for number in range(12)
    ]
    halves = [
        Notebook(f"compare_{half}", tuple(item.name for item in trainings[6 * half : 6 * half + 6]))
        for half in range(2)
    ]
    report = Notebook("report", tuple(item.name for item in halves))
    return [Notebook("ingest", ()), *features, *trainings, *halves, report]


def cells(notebook: Notebook, *, much: bool) -> list[str]:
    """Return the sources of a notebook's cells."""
    reading = (
        "parts = ["
        + ", ".join(f"json.loads(Path('data/{need}.json').read_text())" for need in notebook.needs)
        + "]"
    )
    work = _WORK.format(rows=ROWS) if much else _LITTLE
    return [
        IMPORTS,
        reading,
        work,
        f"made = {{'name': {notebook.name!r}, 'score': score, 'parts': parts}}\n"
        f"Path('data/{notebook.name}.json').write_text(json.dumps(made))\nmade",
    ]


def write(folder: Path, *, much: bool) -> None:
    """Write the project: notebooks, and the pipeline as each system wants it."""
    (folder / "data").mkdir(parents=True)
    (folder / "out").mkdir()
    for notebook in notebooks():
        body = _body(cells(notebook, much=much))
        (folder / f"{notebook.name}.ipynb").write_text(json.dumps(body, indent=1), "utf-8")
    (folder / "mlnb.toml").write_text(f'name = "bench"\npreload = "{PRELOAD}"\n', "utf-8")
    (folder / "pipeline.yaml").write_text(_mlnb(), "utf-8")


def write_dvc(folder: Path, papermill: str) -> None:
    """Write ``dvc.yaml``: each notebook a stage that papermill runs."""
    lines = ["stages:"]
    for item in notebooks():
        lines += [
            f"  {item.name}:",
            f"    cmd: {papermill} {item.name}.ipynb out/{item.name}.ipynb --no-progress-bar",
            "    deps:",
            f"      - {item.name}.ipynb",
            *[f"      - data/{need}.json" for need in item.needs],
            "    outs:",
            f"      - data/{item.name}.json",
        ]
    (folder / "dvc.yaml").write_text("\n".join(lines) + "\n", "utf-8")


def write_ploomber(folder: Path) -> None:
    """Write ploomber's pipeline, in a folder of its own, and a copy of the notebooks for it.

    ploomber wants a cell that names what it injects.
    """
    folder.mkdir()
    (folder / "data").mkdir()
    lines = ["meta:", "  extract_upstream: false", "tasks:"]
    for item in notebooks():
        source = json.loads((folder.parent / f"{item.name}.ipynb").read_text("utf-8"))
        injected = _cell("upstream = None\nproduct = None", 99) | {
            "metadata": {"tags": ["parameters"]}
        }
        source["cells"].insert(0, injected)
        (folder / f"{item.name}.ipynb").write_text(json.dumps(source, indent=1), "utf-8")
        lines += [
            f"  - source: {item.name}.ipynb",
            f"    name: {item.name}",
            "    product:",
            f"      nb: out/{item.name}.ipynb",
            f"      data: data/{item.name}.json",
        ]
        if item.needs:
            lines.append(f"    upstream: [{', '.join(item.needs)}]")
    (folder / "pipeline.yaml").write_text("\n".join(lines) + "\n", "utf-8")


def edit(folder: Path, name: str, *, same: bool) -> None:
    """Change one code cell of a notebook so that it writes the same, or something else."""
    path = folder / f"{name}.ipynb"
    body = json.loads(path.read_text("utf-8"))
    source = body["cells"][-1]["source"]
    changed = source if same else source.replace("made = {", "made = {'edited': True, ")
    body["cells"][-1]["source"] = f"{changed}\nedited = True"
    path.write_text(json.dumps(body, indent=1), "utf-8")


def after(name: str) -> set[str]:
    """Return a notebook and those that need it, directly or not."""
    found = {name}
    for item in notebooks():
        if found & set(item.needs):
            found.add(item.name)
    return found


def _mlnb() -> str:
    lines = ["name: bench", "steps:"]
    for item in notebooks():
        lines += [
            f"  {item.name}:",
            f"    notebook: {item.name}.ipynb",
            f"    inputs: [{', '.join(f'data/{need}.json' for need in item.needs)}]",
            f"    outputs: [data/{item.name}.json]",
        ]
    return "\n".join(lines) + "\n"


def _body(sources: list[str]) -> dict[str, object]:
    return {
        "cells": [_cell(source, number) for number, source in enumerate(sources)],
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cell(source: str, number: int) -> dict[str, object]:
    return {
        "cell_type": "code",
        "id": f"cell-{number}",
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }
