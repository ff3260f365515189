"""The summary and the comment: what they say, what they make of hostile texts, their length."""

from dataclasses import replace
from pathlib import Path

import pytest

from mlnb.core import redaction
from mlnb.core.errors import DiskUnavailable
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun, StepResult, now
from mlnb.pipelines.reading import comment, gathering, publishing, showing, summary
from mlnb.pipelines.reading.gathering import Reading
from mlnb.pipelines.reading.markdown import block, code, table

from .shown_runs import PLANTED, Runs

GITHUB = 65_536
"""Characters of a comment."""


def html(markdown: str) -> str:
    """Return what a renderer of GitHub's dialect makes of a text, with its HTML let through."""
    from markdown_it import MarkdownIt

    return MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(markdown)


def rows(markdown: str, title: str) -> list[list[str]]:
    """Return the cells of the table under a title."""
    lines = markdown.partition(f"### {title}")[2].strip().splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("|"))
    found = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return found


def test_the_summary_tells_of_failures_steps_and_differences(runs: Runs) -> None:
    text = summary.text(runs.reading)
    assert text.startswith("## ❌ Pipeline `shown`: failed")
    assert "**1** failed · **2** finished · **2** skipped" in text
    assert text.index("### ❌ `bad`") < text.index("```mermaid")
    assert "if fails:" in text
    assert "before it fails" in text
    assert rows(text, f"Metrics against `{runs.good.id}`")[:4] == [
        ["`make`", "`rows`", "`5`", "`15`", "**+10**"],
        ["`make`", "`verdict`", "`good`", "`poor`", "changed"],
        ["`make`", "`scores.auc`", "`0.25`", "`0.75`", "**+0.5**"],
        ["`make`", "`scores.loss`", "`0.25`", "`0.25`", "same"],
    ]
    assert rows(text, "Datasets that changed") == [
        ["`sheet`", "`sheet@1`", "`sheet@2`", "`10 rows added`"]
    ]
    [[step, plot, said]] = rows(text, "Plots that changed")
    assert (step, plot) == ("`plot`", "`curve (cell 3)`")
    assert said.endswith("of the pixels differ")
    assert "  s0 --> s2" in text


def test_the_comment_shows_what_differs_in_notebooks(runs: Runs) -> None:
    text = comment.text(runs.reading)
    assert text.startswith("<!-- mlnb shown -->\n\n## ❌ Pipeline `shown`: failed")
    assert "scores.loss" not in text.partition("<details><summary>5 steps")[0]
    assert "- ax.plot([1, size])\n+ ax.plot([size, 1])" in text
    assert "- [picture]\n+ [picture]" in text
    assert len(text) < GITHUB


def test_what_comes_from_notebooks_stays_text(runs: Runs) -> None:
    for text in (summary.text(runs.reading), comment.text(runs.reading)):
        page = html(text)
        assert "<script" not in page
        assert "<img" not in page
        assert "<a " not in page
        outside = "".join(part.partition("</code>")[2] for part in page.split("<code"))
        assert "@everyone" not in outside


def test_no_secret_is_in_them(runs: Runs) -> None:
    for text in (summary.text(runs.reading), comment.text(runs.reading)):
        assert PLANTED not in text
        assert redaction.MARK in text


@pytest.mark.parametrize("count", [1, 400])
def test_a_page_never_outgrows_its_limit(runs: Runs, count: int) -> None:
    reading = huge(runs.reading, count)
    text = comment.text(reading)
    assert len(text) < GITHUB
    assert len(text.encode()) < GITHUB
    page = html(text)  # whatever was left out, nothing is left open
    assert page.count("<details>") == page.count("</details>") > 0
    assert ("<p>Left out for its size:" in page) == (count > 1)
    assert ("<p>375 more steps failed.</p>" in page) == (count > 1)
    assert len(summary.text(reading, 3_000).encode()) < 3_000


def huge(reading: Reading, count: int) -> Reading:
    """Return a run with many failed steps that say much."""
    bad = next(step for step in reading.steps if step.result.name == "bad")
    error = "bad.ipynb, cell 3: ValueError: " + "long " * 20_000
    steps = [
        replace(bad, result=replace(bad.result, name=f"bad[{number}]", error=error))
        for number in range(count)
    ]
    values = {f"value {number} of many": float(number) for number in range(300)}
    steps = [replace(item, result=replace(item.result, values=values)) for item in steps]
    run = replace(reading.run, steps=[step.result for step in steps])
    return Reading(reading.project, run, steps, reading.against, reading.earlier)


def test_without_an_earlier_run_nothing_is_compared(runs: Runs) -> None:
    reading = gathering.gather(runs.project, runs.good)
    assert reading.against is None
    text = comment.text(reading)
    assert "There is no earlier run to compare it with." in text
    assert "Notebooks" not in text
    assert "| `make` | `rows` | `5` |" in summary.text(reading)


def test_a_run_is_compared_with_the_one_that_is_named(runs: Runs) -> None:
    reading = gathering.gather(runs.project, runs.good, against=runs.bad)
    assert "| `make` | `rows` | `15` | `5` | **−10** |" in comment.text(reading)


def test_the_first_failure_is_shown_with_its_cell(runs: Runs) -> None:
    shown = showing.of(runs.project, runs.bad)
    failure = shown.first_failure
    assert failure is not None
    assert (failure.step, failure.cell, shown.failures) == ("bad", 3, 1)
    assert failure.source.startswith("import os\ntext = mark")
    assert failure.shown.startswith("before it fails (redacted)")
    assert "ValueError" in failure.traceback
    assert PLANTED not in str(shown.to_dict())
    assert shown.compared_with == runs.good.id
    assert showing.PipelineReading.from_dict(shown.to_dict()) == shown
    assert showing.of(runs.project, runs.good).first_failure is None


def test_the_job_page_is_appended_to(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, file, junit = tmp_path / "page.md", tmp_path / "new" / "s.md", tmp_path / "x" / "j.xml"
    page.write_text("earlier\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    publishing.check(file, junit)
    publishing.publish(runs.project, runs.bad, summary=file, junit=junit)
    publishing.publish(runs.project, runs.bad)
    text = file.read_text(encoding="utf-8")
    assert page.read_text(encoding="utf-8") == f"earlier\n{text}\n{text}\n"
    assert junit.is_file()


def test_a_file_that_cannot_be_written_is_known_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    with pytest.raises(DiskUnavailable):
        publishing.check(None, tmp_path / "taken" / "junit.xml")
    with pytest.raises(DiskUnavailable):
        publishing.check(tmp_path)


def test_a_run_without_steps_can_be_read(project: Project) -> None:
    run = PipelineRun(id="p-1", pipeline="p", status="KILLED", started=now())
    reading = gathering.gather(project, run)
    assert "killed" in summary.text(reading)
    assert "no steps" in comment.text(reading)


def test_a_notebook_that_is_gone_is_read_from_the_store(runs: Runs, tmp_path: Path) -> None:
    step = next(step for step in runs.bad.steps if step.name == "bad")
    elsewhere = replace(step, output="never/there.ipynb")
    run = replace(runs.bad, steps=[elsewhere])
    shown = showing.of(runs.project, run)
    assert shown.first_failure is not None
    assert shown.first_failure.cell == 3
    nowhere = StepResult(name="bad", notebook="bad.ipynb", status="FAILED", error="boom")
    lost = showing.of(runs.project, replace(run, steps=[nowhere])).first_failure
    assert lost == showing.StepFailure(step="bad", error="boom")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "`plain`"),
        ("a|b", "`a\\|b`"),
        ("`a`", "`` `a` ``"),
        ("two\nlines", "`two lines`"),
        ("\u202egpj.exe", "`\N{REPLACEMENT CHARACTER}gpj.exe`"),
        ("", ""),
    ],
)
def test_code_within_a_line(text: str, expected: str) -> None:
    assert code(text) == expected


def test_blocks_and_tables_keep_what_is_in_them() -> None:
    assert block("```\nout") == "````\n```\nout\n````"
    assert table(["a", "b"], [["1", "2"]], [1]) == "| a | b |\n| --- | ---: |\n| 1 | 2 |"
