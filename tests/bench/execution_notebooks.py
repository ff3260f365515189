"""The notebooks that ``make bench-execution`` runs, the same for every system."""

import json
from pathlib import Path

HEAVY = (
    "import mlflow\nimport pandas as pd\nfrom sklearn.ensemble import RandomForestClassifier\n"
    "from sklearn.linear_model import LogisticRegression\n"
    "from sklearn.model_selection import train_test_split\n"
    "from sklearn.pipeline import make_pipeline",
    "frame = pd.DataFrame({'x': range(100), 'y': [0, 1] * 50})\nframe.describe()",
    "parts = train_test_split(frame[['x']], frame['y'], random_state=0)",
    "model = LogisticRegression().fit(parts[0], parts[2])",
    "print(model.score(parts[1], parts[3]))",
)
"""A short training notebook: nearly all of its time is imports."""
BULK = (
    "line = 'x' * 99 + '\\n'\nfor _ in range(210):\n    print(line * 10_000, end='')",
    *["x = 1"] * 100,
)
"""200 MB of text in the first cell, small cells after it."""
PRELOAD = (
    "numpy, pandas, matplotlib.pyplot, sklearn.ensemble, sklearn.linear_model, "
    "sklearn.model_selection, sklearn.pipeline, mlflow"
)
"""What the zygote of the benchmark imports ahead."""


def write_all(folder: Path) -> dict[str, Path]:
    """Write the notebooks and the project file; returns the notebooks by name."""
    (folder / "mlnb.toml").write_text(
        f'name = "bench"\npreload = "{PRELOAD}"\ncell_output_limit = 1_000_000_000\n',
        encoding="utf-8",
    )
    cells = {
        "empty": (),
        "fifty": tuple(f"x = {number}\nx" for number in range(50)),
        "many": tuple(f"x = {number}\nx" for number in range(550)),
        "heavy": HEAVY,
        "bulk": BULK,
        "small": ("print('x')", *BULK[1:]),
    }
    return {name: _write(folder / f"{name}.ipynb", sources) for name, sources in cells.items()}


def _write(path: Path, sources: tuple[str, ...]) -> Path:
    body = {
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for number, source in enumerate(sources)
        ],
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(body), encoding="utf-8")
    return path
