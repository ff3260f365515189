"""What runs record without being asked, and how each part of it is switched off."""

import json
import random
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlnb import tracking
from mlnb.core.project import Project
from mlnb.testing.shell import raising_shell
from mlnb.tracking import content, notebook, runs, store
from mlnb.tracking.capturing import code, generators, shown_warnings
from mlnb.tracking.notebook import ExecutedCell


def tags_of(run: Any) -> dict[str, str]:
    tracking.flush()
    return dict(store.client().get_run(run.id).data.tags)


def text(run: Any, path: str, folder: Path) -> str:
    return Path(store.client().download_artifacts(run.id, path, str(folder))).read_text()


# -- constants and seeds ---------------------------------------------------------------------------


def test_constants_of_a_cell() -> None:
    found = code.constants(
        [
            "%%track x --params auto\n"
            "%time\n"
            "depth = 6\n"
            "rate: float = -0.1\n"
            "a, b = 1, 'two'\n"
            "layers = [64, (32, 16)]\n"
            "options = {'x': None, 'y': True}\n"
            "files = !ls\n"
            "frame = load()\n"
            "derived = depth * 2\n"
            "_private = 1\n"
            "api_key = 'abcd-1234'\n"
            "total = 0\n"
            "for item in layers:\n    total += 1\n"
            "def f():\n    local = 3\n"
            "if depth:\n    inner = 4\n"
            f"essay = {'x' * 600!r}\n"
            "await f()\n"
            "depth?\n"
        ]
    )
    assert found == {
        "depth": 6,
        "rate": -0.1,
        "a": 1,
        "b": "two",
        "layers": [64, (32, 16)],
        "options": {"x": None, "y": True},
    }


def test_of_several_cells_the_last_counts_and_bad_code_has_none() -> None:
    assert code.constants(["x = 1\ny = 1", "x = 2", "def (", "y = 1; y = 2"]) == {"x": 2}


def test_seeds_in_code() -> None:
    source = (
        "random.seed(7)\nnp.random.seed(SEED)\nrng = np.random.default_rng([1, 2])\n"
        "train_test_split(X, random_state=42)\nModel(seed=None, random_state=SEED)\n"
        "rng2 = np.random.default_rng()\nplant(seed='wheat')\n"
    )
    assert code.seeds([source, "x = ("], {"SEED": 3}) == [
        "random.seed(7)",
        "np.random.seed(SEED (3))",
        "np.random.default_rng([1, 2])",
        "random_state=42",
        "random_state=SEED (3)",
    ]


def test_fingerprints_differ_when_the_states_do() -> None:
    random.seed(1)
    np.random.seed(1)
    first = generators.fingerprints(generators.noted())
    assert set(first) == {"random", "numpy"}
    random.random()  # noqa: S311
    second = generators.fingerprints(generators.noted())
    assert second["random"] != first["random"]
    assert second["numpy"] == first["numpy"]
    random.seed(1)
    assert generators.fingerprints(generators.noted()) == first


# -- warnings --------------------------------------------------------------------------------------


def test_warnings_are_counted_and_shown_as_ever(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(warnings, "showwarning", lambda message, *_rest: shown.append(str(message)))
    with tracking.track("loud") as run, warnings.catch_warnings():
        warnings.simplefilter("always")
        for _ in range(3):
            warnings.warn("too hot", RuntimeWarning, stacklevel=1)
        warnings.warn("too cold", UserWarning, stacklevel=1)
    assert shown == ["too hot"] * 3 + ["too cold"]
    assert tags_of(run)["mlnb.warnings"] == "4"
    listed = text(run, "warnings.txt", tmp_path)
    assert listed.startswith("3 × RuntimeWarning: too hot\n    ")
    assert "1 × UserWarning: too cold" in listed
    assert str(Path(__file__).parent) not in listed, "no path of this machine"
    warnings.showwarning("after", UserWarning, "f", 1)
    assert shown[-1] == "after"


def test_warnings_of_nested_runs_go_to_the_inner_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warnings, "showwarning", lambda *_args: None)
    outer = shown_warnings.begin()
    inner = shown_warnings.begin()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = shown_warnings._noting
        warnings.warn("inside", UserWarning, stacklevel=1)
        shown_warnings.end(inner)
        warnings.warn("outside", UserWarning, stacklevel=1)
    shown_warnings.end(outer)
    assert [key[1] for key in inner.counts] == ["inside"]
    assert [key[1] for key in outer.counts] == ["outside"]


def test_very_many_different_warnings_are_counted() -> None:
    watch = shown_warnings.Watch()
    for number in range(shown_warnings.MOST + 5):
        watch.note(f"w{number}", UserWarning, "f.py", 1)
    assert watch.total == shown_warnings.MOST + 5
    assert watch.text(Path.cwd()).endswith("5 × others\n")


# -- outputs and figures ---------------------------------------------------------------------------


def outputs(*given: dict[str, Any], limit: int | None = 100) -> list[dict[str, Any]]:
    body = json.loads(notebook.to_bytes([ExecutedCell(1, "x", list(given))], limit))
    return list(body["cells"][0]["outputs"])


def test_a_long_output_is_cut_and_says_so() -> None:
    (cut,) = outputs({"output_type": "stream", "name": "stdout", "text": "a" * 80 + "b" * 80})
    assert cut["text"] == f"{'a' * 50}\n[mlnb: 60 characters not kept: output_limit]\n{'b' * 50}"


def test_a_large_picture_is_left_out_and_the_output_says_so() -> None:
    data = {"image/png": "A" * 200, "text/plain": "<Figure>", "text/html": "<b>x</b>"}
    (shown,) = outputs({"output_type": "display_data", "data": data, "metadata": {}})
    assert set(shown["data"]) == {"text/plain", "text/html"}
    assert "image/png (200 bytes)" in shown["data"]["text/plain"]


def test_without_outputs() -> None:
    assert outputs({"output_type": "stream", "name": "stdout", "text": "a"}, limit=None) == []


def test_figures_are_kept_as_svg_too_unless_they_have_very_many_points() -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().plot([1, 2, 3])
    files = content.figure_files("curve", figure)
    assert set(files) == {"figures/curve.png", "figures/curve.svg"}
    assert b"<svg" in files["figures/curve.svg"]
    assert set(content.figure_files("curve.svg", figure)) == {"figures/curve.svg"}
    many = Figure()
    many.subplots().scatter(np.arange(content.POINTS + 1), np.arange(content.POINTS + 1))
    assert content.svg(many) is None
    assert content.svg(b"\x89PNG") is None


# -- a cell, with everything and with nothing ------------------------------------------------------

CELL = """%%track all --params auto
import random, warnings
import numpy as np
from matplotlib.figure import Figure
from IPython.display import display

depth = 6
random.seed(depth)
print("said")
warnings.warn("careful", stacklevel=1)
figure = Figure()
figure.subplots().plot([1, 2])
display(figure)
"""
SWITCHES = ("notebook", "figures", "git", "packages", "machine", "resources", "seeds", "warnings")


def test_a_cell_with_everything(project: Project, tmp_path: Path) -> None:
    import matplotlib_inline.backend_inline as inline

    with raising_shell() as shell, warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda *_args: None
        inline.select_figure_formats(shell, {"png"})
        shell.run_cell(CELL, store_history=True)
    run = runs.show("all")
    assert run.params == {"depth": "6"}
    assert run.artifacts == [
        "figures/figure-1.png",
        "figures/figure-1.svg",
        "notebook.ipynb",
        "requirements.txt",
        "warnings.txt",
    ]
    tags = tags_of(run)
    assert json.loads(tags["mlnb.seeds"]) == ["random.seed(depth (6))"]
    assert len(tags["mlnb.random.random"]) == len(tags["mlnb.random.numpy"]) == 12
    assert tags["mlnb.warnings"] == "1"
    assert "cell, line" in text(run, "warnings.txt", tmp_path)
    assert float(tags["mlnb.cpu_time"]) > 0
    assert float(tags["mlnb.memory_peak_mb"]) > 10
    assert int(tags["mlnb.cpu_count"]) >= 1
    assert float(tags["mlnb.ram_gb"]) > 0
    assert tags["mlnb.cpu"]
    kept = json.loads(text(run, "notebook.ipynb", tmp_path))["cells"][-1]
    assert {output["output_type"] for output in kept["outputs"]} >= {"display_data"}


def test_a_cell_with_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SWITCHES:
        monkeypatch.setenv(f"MLNB_CAPTURE_{name.upper()}", "false")
    with raising_shell() as shell, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shell.run_cell(CELL.replace(" --params auto", ""), store_history=True)
    run = runs.show("all")
    assert (run.params, run.artifacts) == ({}, [])
    assert {name for name in tags_of(run) if name.startswith("mlnb.")} == {"mlnb.wall_time"}


def test_outputs_can_be_left_out_of_the_notebook(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLNB_CAPTURE_OUTPUTS", "false")
    with raising_shell() as shell:
        shell.run_cell("%%track quiet\n1 + 1", store_history=True)
    (cell,) = json.loads(text(runs.show("quiet"), "notebook.ipynb", tmp_path))["cells"]
    assert cell["outputs"] == []
    assert "1 + 1" in "".join(cell["source"])
