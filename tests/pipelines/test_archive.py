from mlnb.core.project import Project
from mlnb.core.records import PipelineRun, StepResult, now
from mlnb.core.store import ObjectStore
from mlnb.pipelines.archive import Archive


def record(project: Project, run: str, status: str = "FINISHED") -> None:
    made = PipelineRun(
        id=run,
        pipeline="flights",
        status=status,  # type: ignore[arg-type]  # one of them
        started=now(),
        ended=now(),
        steps=[StepResult(name="ingest", notebook="ingest.ipynb", status="FINISHED", cells=3)],
    )
    project.store.append("pipelines/flights", lambda _number: made.to_dict())


def test_runs_of_other_machines_are_known_from_the_store(project):
    archive = Archive()
    assert archive.runs(project) == []
    record(project, "one")
    [run] = archive.runs(project)
    assert (run.id, run.status, run.steps[0].cells) == ("one", "FINISHED", 3)


def test_an_entry_is_read_once(project, monkeypatch):
    archive = Archive()
    record(project, "one", "FAILED")
    archive.runs(project)
    read = []
    entry = ObjectStore.entry

    def noted(self: ObjectStore, log: str, number: int) -> object:
        read.append(number)
        return entry(self, log, number)

    monkeypatch.setattr(ObjectStore, "entry", noted)
    record(project, "two")
    record(project, "one")  # it was resumed
    assert {run.id: run.status for run in archive.runs(project)} == {
        "one": "FINISHED",
        "two": "FINISHED",
    }
    assert read == [2, 3]
    archive.runs(project)
    assert read == [2, 3]


def test_a_damaged_entry_hides_no_other(project):
    record(project, "one")
    project.store.append("pipelines/flights", lambda _number: {"format": 99})
    record(project, "three")
    assert {run.id for run in Archive().runs(project)} == {"one", "three"}
