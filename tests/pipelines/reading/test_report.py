import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mlnb import pipelines
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun
from mlnb.pipelines.reading import cells, excerpts, gathering, report
from mlnb.testing.notebooks import write_notebook

from .shown_runs import PLANTED, Runs

PLOT = (
    "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.plot([1, 2])\n"
    "import mlnb\nmlnb.glue('curve', fig)\nplt.close(fig)"
)


class Page(HTMLParser):
    """Collects what a page would fetch, and checks that its tags are closed."""

    VOID = frozenset({"meta", "img", "br", "link", "path", "rect", "circle", "polyline"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "src":
                self.fetched.append(value or "")
            if name == "href":
                self.links.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        return

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def failed(project: Project) -> PipelineRun:
    write_notebook(project.root / "plot.ipynb", "# Plot", PLOT)
    write_notebook(
        project.root / "bad.ipynb",
        "%load_ext mlnb\nname = '<script>alert(1)</script>'\nraise ValueError(name)",
        parameters="label = ''",
    )
    (project.root / "pipeline.yaml").write_text(
        """
        name: shown
        params: {label: "<b>bold</b>"}
        steps:
          plot: {notebook: plot.ipynb}
          bad:
            notebook: bad.ipynb
            needs: plot
            retries: 1
            params: {label: "${{ params.label }}"}
          after: {notebook: plot.ipynb, needs: bad}
        """,
        encoding="utf-8",
    )
    return pipelines.run(project.root)


def test_the_report_is_one_file_with_the_failure_first(
    project: Project, failed: PipelineRun
) -> None:
    path = project.root / failed.report
    html = path.read_text(encoding="utf-8")
    page = Page(html)
    assert html.index("What went wrong") < html.index("Steps and what they need")
    assert "bad.ipynb, cell 2: ValueError: <script>alert(1)</script>" in page.text
    assert "Traceback (most recent call last)" in page.text
    assert page.fetched
    assert all(address.startswith("data:image/png;base64,") for address in page.fetched)
    assert "curve (cell 2)" in page.text
    files = {link for link in page.links if not link.startswith("#")}
    assert files == {"plot.ipynb", "bad.ipynb", "bad.attempt-1.ipynb"}
    assert all((path.parent / name).is_file() for name in files)
    assert not re.search(r"""(src|href)=["']?(https?:)?//|@import|url\((?!#head)""", html)


def test_nothing_from_notebooks_is_taken_as_html(project: Project, failed: PipelineRun) -> None:
    html = (project.root / failed.report).read_text(encoding="utf-8")
    assert "<script>alert" not in html
    assert "<b>bold</b>" not in html
    assert html.count("<script>") == 1  # its own, which opens the step that is linked to


def test_states_are_told_in_words_and_in_the_graph(project: Project, failed: PipelineRun) -> None:
    html = (project.root / failed.report).read_text(encoding="utf-8")
    assert re.search(r'<li class="FAILED"><b>1</b> FAILED</li>', html)
    for name, status in (("plot", "FINISHED"), ("bad", "FAILED"), ("after", "SKIPPED")):
        assert re.search(rf'<g class="{status}"[^>]*>\s*<title>{name}: {status}', html)


def test_pictures_beyond_the_limit_are_left_in_the_notebooks(
    project: Project, failed: PipelineRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "PICTURES_LIMIT", 100)
    folder = (project.root / failed.report).parent
    report.write(failed, pipelines.plan(project.root), folder, project)
    html = (folder / report.FILE).read_text(encoding="utf-8")
    assert "data:image" not in html
    assert "1 more plots are in the executed notebook" in html


def test_terminal_colours_become_html() -> None:
    html = excerpts.from_ansi("\x1b[31mred <b>\x1b[0m plain")
    assert "red &lt;b&gt;</span> plain" in html
    assert "color" in html


@pytest.mark.parametrize("end", ["\x1b\\", "\x07"])
def test_a_terminal_link_brings_no_html_along(end: str) -> None:
    text = f'\x1b]8;;"><script>alert(1)</script>{end}click\x1b]8;;{end} tail'
    assert str(excerpts.from_ansi(text)).strip() == "click tail"


def test_svg_and_untyped_errors_are_excerpted(project: Project) -> None:
    body = json.loads(write_notebook(project.root / "a.ipynb", "# T", "%bad").read_bytes())
    body["cells"][1]["metadata"]["papermill"] = {"status": "failed"}
    body["cells"][1]["outputs"] = [
        {"output_type": "stream", "name": "stderr", "text": ["UsageError: no ", "such magic"]},
        {"output_type": "display_data", "data": {"image/svg+xml": ["<svg>", "</svg>"]}},
    ]
    excerpt = excerpts.of(cells.read(json.dumps(body).encode()))
    assert "UsageError: no such magic" in str(excerpt.traceback)
    [picture] = excerpt.pictures
    assert picture.caption == "cell 2"
    assert picture.uri == "data:image/svg+xml;base64,PHN2Zz48L3N2Zz4="


def page_of(runs: Runs, run: PipelineRun, **changes: object) -> str:
    """Write the report of a run again, as it would be with other facts, and return it."""
    folder = (runs.project.root / run.report).parent
    plan = pipelines.plan(runs.project.root)
    path = report.write(replace(run, **changes), plan, folder, runs.project)  # type: ignore[arg-type]  # facts of the record
    return path.read_text(encoding="utf-8")


def test_what_differs_from_the_run_before_is_shown(runs: Runs) -> None:
    html = page_of(runs, runs.bad)
    page = Page(html)
    assert f"against {runs.good.id}" in page.text
    assert "10 rows added" in page.text
    assert re.search(r"<td>rows</td><td class=\"num right\">15</td>", html)
    assert "+10" in page.text
    assert html.count('class="spark"') == 3
    assert "Plots that changed" in page.text
    assert len(page.fetched) == 3  # before, now, and now at its step
    assert '<li class="SKIPPED"><b>2</b>' in html
    assert re.search(r'<div class="lane FAILED"><i style="left:[\d.]+%;width:[\d.]+%">', html)


def test_the_failing_cell_comes_with_what_it_showed(runs: Runs) -> None:
    html = page_of(runs, runs.bad)
    wrong = html.partition("What went wrong")[2].partition("</section>")[0]
    page = Page(f"<div>{wrong}</div>".replace("</h2>", "", 1))
    assert "cell 3, which failed" in page.text
    assert "before it fails" in page.text
    assert "2 cells before it" in page.text


def test_no_secret_is_in_the_report(runs: Runs) -> None:
    html = page_of(runs, runs.bad)
    assert PLANTED not in html
    assert "(redacted)" in html


def test_cached_steps_look_otherwise_and_say_why(runs: Runs) -> None:
    steps = [
        replace(step, cached_from=runs.good.id, why="nothing <b>has</b> changed")
        for step in runs.good.steps
    ]
    html = page_of(runs, runs.good, steps=steps)
    assert re.search(r'<g class="CACHED"[^>]*>\s*<title>make: CACHED – nothing &lt;b&gt;', html)
    assert "<b>has</b>" not in html
    assert '<li class="CACHED"><b>4</b>' in html


def test_jobs_that_no_plan_knew_are_shown(runs: Runs) -> None:
    job = replace(runs.good.steps[0], name="made[late]")
    page = Page(page_of(runs, runs.good, steps=[*runs.good.steps, job]))
    assert "made[late]" in page.text


def test_a_run_of_no_step_or_of_one_has_a_report(runs: Runs) -> None:
    Page(page_of(runs, runs.good, steps=[]))
    [after] = [step for step in runs.good.steps if step.name == "after"]
    page = Page(page_of(runs, runs.good, steps=[after]))
    assert "after" in page.text


def test_a_report_stays_small_whatever_its_run_says(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = next(step for step in runs.bad.steps if step.name == "bad")
    body = json.loads((runs.project.root / bad.output).read_text(encoding="utf-8"))
    for cell in body["cells"]:
        if cell.get("metadata", {}).get("papermill", {}).get("status") == "failed":
            stream = {"output_type": "stream", "name": "stdout", "text": "word " * 100_000}
            trace = {"output_type": "error", "traceback": ["\x1b[31mlong\x1b[0m " * 100_000]}
            cell["outputs"] = [stream, {**trace, "ename": "E", "evalue": "v" * 100_000}]
            cell["source"] = "x = 1\n" * 100_000
    monkeypatch.setattr(report, "EXCERPTS_LIMIT", 3)
    monkeypatch.setattr(gathering.cells, "notebook_of", lambda *_: json.dumps(body).encode())
    values = {"text": "long " * 100_000, "list": list(range(100_000))}
    steps = [
        replace(bad, name=f"bad[{number}]", error="long " * 100_000, values=values)
        for number in range(5)
    ]
    html = page_of(runs, runs.bad, steps=steps)
    assert Page(html).fetched == []
    assert len(html) < 4_000_000
    assert "characters left out" in html
    assert "2 more failed; see the steps below." in html
