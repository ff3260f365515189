import json
from pathlib import Path
from typing import Any

import pytest

from mlnb.core.errors import BadInput, MissingNotebook
from mlnb.core.project import Project
from mlnb.execution import comparing, notebook_tests
from mlnb.execution.comparing import Rules
from mlnb.execution.notebook_tests import Asked
from mlnb.testing.notebooks import write_notebook


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def shown(**data: Any) -> dict[str, Any]:
    kinds = {name.replace("__", "/"): value for name, value in data.items()}
    return {"output_type": "display_data", "data": kinds, "metadata": {}}


@pytest.mark.parametrize(
    ("held", "made"),
    [
        ([stream("a\n"), stream("b\n")], [stream("a\nb\n")]),
        ([stream("loss 0.3000001")], [stream("loss 0.3000002")]),
        ([stream("<A at 0x7f12>")], [stream("<A at 0x7f99>")]),
        ([stream("Wall time: 3 s")], [stream("Wall time: 5 ms")]),
        ([stream("a"), stream("b", "stderr")], [stream("b", "stderr"), stream("a")]),
        ([shown(text__html="<td>1.00000001</td>")], [shown(text__html="<td>1.0</td>")]),
        ([shown(application__json={"a": [1.0]})], [shown(application__json={"a": [1.0000000001]})]),
        ([shown(text__plain=["a\n", "b"])], [shown(text__plain="a\nb")]),
    ],
)
def test_what_does_not_count_is_no_difference(held: list[Any], made: list[Any]) -> None:
    assert comparing.difference(held, made, Rules()) == ""


@pytest.mark.parametrize(
    ("held", "made", "words"),
    [
        ([stream("a")], [], "stdout: 0 instead of 1"),
        ([stream("loss 0.30")], [stream("loss 0.31")], "-loss 0.30\n+loss 0.31"),
        ([stream("a 1")], [stream("b 1")], "-a 1\n+b 1"),
        ([shown(application__json={"a": 1})], [shown(application__json={"a": 2})], '{"a": 2}'),
        ([stream("model-1.5")], [stream("model-v")], "-model-1.5"),
    ],
)
def test_what_counts_is_said(held: list[Any], made: list[Any], words: str) -> None:
    assert words in comparing.difference(held, made, Rules())


def test_pictures_are_compared_by_their_points() -> None:
    import base64
    from io import BytesIO

    from PIL import Image

    def picture(colour: int, size: int = 20) -> list[Any]:
        stream = BytesIO()
        Image.new("RGB", (size, size), (colour, colour, colour)).save(stream, "PNG")
        return [shown(image__png=base64.b64encode(stream.getvalue()).decode())]

    assert comparing.difference(picture(100), picture(101), Rules()) == ""
    assert "differ by 39" in comparing.difference(picture(0), picture(100), Rules())
    assert "30 × 30" in comparing.difference(picture(0), picture(0, 30), Rules())


def test_a_notebook_is_judged_cell_by_cell(project: Project) -> None:
    path = write_notebook(
        project.root / "a.ipynb",
        "print('same')",
        "# NBVAL_IGNORE_OUTPUT\nprint('any')",
        "# NBVAL_RAISES_EXCEPTION\n1 / 0",
        "# NBVAL_SKIP\nraise SystemExit",
        "1 / 0",
        "print('goes on')",
        "# Title",
        "open('here.txt', 'w').close()",
    )
    hold(path, {0: [stream("same\n")], 2: [error("ZeroDivisionError", "division by zero")]})
    [tested] = notebook_tests.check([project.root], Asked())
    assert [(cell.cell, cell.verdict) for cell in tested.cells] == [
        (1, "passed"), (2, "passed"), (3, "passed"), (4, "skipped"), (5, "failed"), (6, "failed"),
        (8, "passed"),
    ]  # fmt: skip
    assert tested.cells[4].reason == "ZeroDivisionError: division by zero"
    assert tested.verdict == "failed"
    assert (project.root / "here.txt").exists(), "the cells run in the notebook's own folder"
    assert not (project.root / ".mlnb" / "events.jsonl").exists()
    failure = notebook_tests.failure([tested])
    assert failure is not None
    assert "a.ipynb" in str(failure)


def test_lax_compares_only_what_is_marked(project: Project) -> None:
    path = write_notebook(project.root / "a.ipynb", "1", "# NBVAL_CHECK_OUTPUT\n2")
    [tested] = notebook_tests.check([path], Asked(lax=True))
    assert [cell.verdict for cell in tested.cells] == ["passed", "failed"]


def test_update_takes_over_outputs_but_no_errors(project: Project) -> None:
    good = write_notebook(project.root / "good.ipynb", "1 + 1", "print('x')")
    bad = write_notebook(project.root / "bad.ipynb", "1 + 1", "1 / 0")
    before = bad.read_bytes()
    tested = notebook_tests.check([good, bad], Asked(update=True))
    assert [(item.verdict, item.updated) for item in tested] == [
        ("passed", True),
        ("failed", False),
    ]
    assert bad.read_bytes() == before
    [again] = notebook_tests.check([good], Asked())
    assert again.verdict == "passed"
    assert not again.updated


def test_a_dead_process_fails_the_notebook(project: Project) -> None:
    path = write_notebook(project.root / "a.ipynb", "import os\nos._exit(3)", "1")
    [tested] = notebook_tests.check([path], Asked())
    assert tested.verdict == "failed"
    assert "a.ipynb, cell 1: the kernel died" in tested.error
    assert tested.cells[1].reason == "it did not run"


def test_bad_input_is_said(project: Project, tmp_path: Path) -> None:
    with pytest.raises(MissingNotebook):
        notebook_tests.check([project.root / "none.ipynb"], Asked())
    file = tmp_path / "rules"
    file.write_text("[a]\nregex: (\nreplace: x\n", encoding="utf-8")
    with pytest.raises(BadInput):
        notebook_tests.rules(0, file)
    file.write_text("[a]\nregex: \\d+ rows\nreplace: ROWS\n", encoding="utf-8")
    rules = notebook_tests.rules(0, file)
    assert comparing.difference([stream("3 rows")], [stream("4 rows")], rules) == ""


def hold(path: Path, outputs: dict[int, list[dict[str, Any]]]) -> None:
    body = json.loads(path.read_text(encoding="utf-8"))
    for number, held in outputs.items():
        body["cells"][number]["outputs"] = held
    path.write_text(json.dumps(body), encoding="utf-8")


def error(name: str, value: str) -> dict[str, Any]:
    return {"output_type": "error", "ename": name, "evalue": value, "traceback": []}
