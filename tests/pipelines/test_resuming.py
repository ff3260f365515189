import json
from pathlib import Path

import pytest

from mlnb import pipelines
from mlnb.core.errors import BadInput, Conflict, UnknownName
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun
from mlnb.pipelines import results
from mlnb.pipelines.performing import StepJob, perform
from mlnb.pipelines.selection import EVERY, Selection
from mlnb.testing.notebooks import write_notebook


def states(run: PipelineRun) -> dict[str, str]:
    return {step.name: "cached" if step.cached_from else step.status for step in run.steps}


def executed(project: Project, run: PipelineRun) -> list[tuple[str, int]]:
    """Return which cells were executed in a run, as its events tell."""
    return [
        (event.data["step"], event.data["cell"])
        for event in project.events.read()[0]
        if event.kind == "cell.finished" and event.data["pipeline_run"] == run.id
    ]


@pytest.fixture
def file(project: Project) -> Path:
    write_notebook(project.root / "first.ipynb", "import mlnb\nmlnb.glue('a', 1)")
    write_notebook(
        project.root / "second.ipynb",
        "# mlnb: checkpoint\nx = 41\nwith open('ran', 'a') as file: print(1, file=file)",
        "from pathlib import Path\nassert Path('ready').exists()\nx += 1",
        "import mlnb\nmlnb.glue('x', x)",
    )
    write_notebook(project.root / "third.ipynb", "1 + 1", parameters="x = 0")
    file = project.root / "pipeline.yaml"
    file.write_text(
        """
        name: chain
        steps:
          first: {notebook: first.ipynb}
          second: {notebook: second.ipynb, needs: first}
          third: {notebook: third.ipynb, needs: second, params: {x: "${{ steps.second.x }}"}}
          other: {notebook: first.ipynb}
        """,
        encoding="utf-8",
    )
    return file


def test_a_failed_run_goes_on_where_it_failed(project: Project, file: Path) -> None:
    failed = pipelines.run(file)
    assert states(failed) == {
        "first": "FINISHED",
        "other": "FINISHED",
        "second": "FAILED",
        "third": "SKIPPED",
    }
    (project.root / "ready").touch()
    ended = pipelines.resume()

    assert (ended.id, ended.status) == (failed.id, "FINISHED")
    assert ended.started == failed.started
    steps = {step.name: step for step in ended.steps}
    assert steps["first"] == {step.name: step for step in failed.steps}["first"]
    assert steps["second"].values == {"x": 42}
    assert steps["third"].parameters == {"x": 42}
    cells = executed(project, ended)
    assert cells.count(("first", 1)) == cells.count(("other", 1)) == 1
    ran = (project.root / "ran").read_text()
    assert ran.split() == ["1"], "it goes on after its checkpoint"
    assert cells.count(("second", 2)) == 2
    assert [run.status for run in pipelines.runs()] == ["FINISHED"]
    assert pipelines.resume(ended.id) == ended, "it has finished"


def test_what_cannot_be_resumed(project: Project, file: Path) -> None:
    with pytest.raises(UnknownName, match="nothing"):
        pipelines.resume("nothing")
    run = pipelines.run(file)
    events = project.events
    driver = {"format": 1, **json.loads(json.dumps(_driver()))}
    events.emit("pipeline.started", run.id, pipeline="chain", driver=driver, steps=[])
    with pytest.raises(Conflict, match="still going on"):
        pipelines.resume(run.id)


def _driver() -> dict[str, object]:
    from mlnb.pipelines import progress

    return progress.this_driver().to_dict()


def test_an_earlier_driver_starts_nothing_more(project: Project, file: Path) -> None:
    write_notebook(
        project.root / "first.ipynb",
        "import os\nfrom mlnb.core import project\nfrom mlnb.pipelines import results",
        "here = project.current()",
        "results.take_over(here, os.environ['MLNB_PIPELINE_RUN'], {})",
    )
    run = pipelines.run(file, workers=1)
    assert run.status == "KILLED"
    assert states(run)["second"] in ("KILLED", "SKIPPED")
    assert results.driver(project, run.id) == 2


def test_a_selection_of_steps(project: Project, file: Path) -> None:
    (project.root / "ready").touch()
    with pytest.raises(BadInput, match="needs 'first', which is not selected and has no result"):
        pipelines.run(file, selection=Selection(only="second"))
    with pytest.raises(UnknownName, match="thrid"):
        pipelines.run(file, selection=Selection(until="thrid"))

    until = pipelines.run(file, selection=Selection(until="second"))
    assert states(until) == {
        "first": "FINISHED",
        "other": "SKIPPED",
        "second": "FINISHED",
        "third": "SKIPPED",
    }
    assert pipelines.failure(until) is None
    only = pipelines.run(file, selection=Selection(only="third"))
    assert states(only) == {
        "first": "cached",
        "other": "SKIPPED",
        "second": "cached",
        "third": "FINISHED",
    }
    assert executed(project, only) == [("third", 1), ("third", 2)]
    since = pipelines.run(file, selection=Selection(since="second"))
    assert states(since)["second"] == states(since)["third"] == "FINISHED"
    assert states(since)["first"] == "cached"
    forced = pipelines.run(file, selection=Selection(force=("first",)))
    assert states(forced)["first"] == "FINISHED"
    assert states(forced)["second"] == "cached"
    every = pipelines.run(file, selection=Selection(force=(EVERY,)))
    assert set(states(every).values()) == {"FINISHED"}


def test_a_checkpoint_of_another_run_is_not_used(project: Project) -> None:
    write_notebook(
        project.root / "a.ipynb",
        "# mlnb: checkpoint\nx = int(open('data.txt').read())",
        "import mlnb\nmlnb.glue('x', x)",
    )
    given = {"name": "s", "step": "s", "file": "s.ipynb", "source": "a.ipynb", "cache": False}
    for run, content in (("one", "1"), ("two", "2"), ("two", "3")):
        (project.root / "data.txt").write_text(content)
        job = StepJob(run=run, resume=True, inputs={"data.txt": ""}, **given)
        project.store.remove_log(f"pipelines/runs/{run}/steps/s")
        assert perform(job).values == {"x": int(content)}
    (project.root / "data.txt").touch()
    project.store.remove_log("pipelines/runs/two/steps/s")
    assert perform(job).values == {"x": 3}
