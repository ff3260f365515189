"""One step of a run, carried out: a `StepJob` goes in, a `StepResult` comes out.

This is the one way in which a step runs. The thread driver of ``mlnb run``, a worker of any
executor, a CI job (``mlnb pipeline step FILE STEP --run RUN``) and a container all make a `StepJob`
and call `perform`:

>>> perform(job)                      # in the current project
>>> perform_in(root, job)             # in a process that was started elsewhere

A job holds everything that was decided about the step: which notebook, which parameters (their
expressions are evaluated), which limits. It is small, made of JSON types (``job.to_dict()``,
``StepJob.from_dict``) and can be pickled; it holds no secret and no absolute path. All else, as
the files and values of earlier steps, is read from the project and its object store.

`perform` makes *one* attempt and never raises: what went wrong is the result's ``status`` and
``error``. Who calls it decides whether there is another attempt (``attempt=2``). The result is
written to the store, create-only, before it is returned, so it is known even if the caller is gone
(a caller whose successors run elsewhere looks whether it is there: `results.last`). A job whose
step has FINISHED in its run already is not executed again, and one whose key has a stored result
(`mlnb.pipelines.caching`) takes that.

The events ``step.started`` and ``step.finished`` are the caller's (`mlnb.pipelines.stepping`), for
it is who knows of retries; ``cell.*`` are told here, in the project's event stream.
"""

import threading
import traceback
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mlnb.core import project as projects
from mlnb.core.errors import MlnbError, of_disk
from mlnb.core.events import Event
from mlnb.core.project import Project
from mlnb.core.records import Record, StepResult, now
from mlnb.execution.executor import Execution, attempt
from mlnb.pipelines import artifacts, causes, kinds, results
from mlnb.pipelines.attaching import Attacher

if TYPE_CHECKING:
    from mlnb.pipelines.inputs import Given

NOT_CACHED = "it is not cached (cache: false)"
FORCED = "it was asked to run in any case"
Kind = Literal["notebook", "script", "function"]


@dataclass(frozen=True, kw_only=True)
class StepJob(Record):
    """One attempt at one step of a run."""

    run: str
    """Id of the pipeline run."""
    name: str
    """``train``, or ``train[logistic]`` of a matrix."""
    step: str
    """The step of the pipeline file: ``train``."""
    file: str
    """Name of the executed notebook; the same in all attempts."""
    pipeline: str = ""
    path: str = ""
    """Pipeline file, relative to the project; files that are declared are relative to its
    folder."""
    kind: Kind = "notebook"
    source: str
    """Notebook or script relative to the project, or ``package.module:function``."""
    parameters: dict[str, Any] = field(default_factory=dict)
    needs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Values that the needed steps glued, by their names; of a matrix, lists."""
    inputs: dict[str, str] = field(default_factory=dict)
    """As declared (``dataset:flights@latest``, ``data/*.csv``) → ``""``, or the version of the
    dataset (``flights@4``) that an earlier step of the run has made."""
    artifacts: dict[str, str] = field(default_factory=dict)
    """Files that earlier steps of the run made and that this step may read: path → digest."""
    outputs: list[str] = field(default_factory=list)
    """As declared: ``dataset:features``, ``models/*.onnx``."""
    modules: list[str] = field(default_factory=list)
    """Modules that count besides those that the code imports."""
    cwd: str = ""
    """Folder that its code runs in, relative to the project; ``""`` where it runs by itself."""
    kernel: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    """Variables that are declared; they count for the result."""
    threads: dict[str, str] = field(default_factory=dict)
    """Variables that give it its share of the machine; they do not."""
    secrets: list[str] = field(default_factory=list)
    """Names; the values come from the environment of whoever performs the job."""
    hidden: list[str] = field(default_factory=list)
    """Names of the secrets of other steps, which it must not see."""
    timeout: float | None = None
    memory: int = 0
    """Bytes that the step may allocate; 0 means no limit."""
    cells: int = 0
    """Cells of the notebook, as planned."""
    cache: bool = True
    """Whether a stored result may be used, and the result stored for others."""
    force: bool = False
    """Whether it runs although there is a stored result."""
    before: str = ""
    """The key that the step had in an earlier run: to tell what has changed since."""
    resume: bool = False
    """Whether it goes on from a checkpoint of an earlier attempt."""
    attempt: int = 1
    tries: int = 1
    """Which attempt would be the last one; a failed one before it keeps its notebook aside."""


def perform(
    job: StepJob,
    *,
    cancelled: threading.Event | None = None,
    attacher: Attacher | None = None,
) -> StepResult:
    """Make one attempt at a step in the current project; never raises.

    Parameters
    ----------
    job : StepJob
        What to do.
    cancelled : threading.Event, optional
        Set it to stop: the result is then KILLED.
    attacher : Attacher, optional
        Gives tracked runs their notebook in the background; without one that is done before this
        returns.

    Returns
    -------
    StepResult
        With status FINISHED, FAILED or KILLED, as it was written to the store.
    """
    begun = StepResult(
        name=job.name,
        notebook=job.source,
        status="RUNNING",
        parameters=job.parameters,
        started=now(),
        cells=job.cells,
        attempts=job.attempt,
    )
    try:
        project = projects.current()
        done = results.last(project, job.run, job.file)
        if done is not None and done.status == "FINISHED":
            return done
        ended = _perform(project, job, begun, cancelled or threading.Event(), attacher)
    except Exception as error:
        ended = replace(begun, status="FAILED", ended=now(), error=said(error))
    with suppress(Exception):  # it has ended as it has; who needs the store's word asks for it
        results.put(projects.current(), job.run, job.file, ended)
    return ended


def perform_in(root: str, job: StepJob) -> StepResult:
    """Make one attempt at a step of the project in a folder: for processes of executors."""
    with projects.using(projects.current(Path(root))):
        return perform(job)


def said(error: Exception) -> str:
    """Return an error as a result has it; a bug of ours must not hang or hide other steps."""
    if isinstance(error, MlnbError):
        return str(error)
    return str(of_disk(error) or "") or "Bug in mlnb: " + "".join(
        traceback.format_exception(error)[-4:]
    )


def _perform(
    project: Project,
    job: StepJob,
    begun: StepResult,
    cancelled: threading.Event,
    attacher: Attacher | None,
) -> StepResult:
    from mlnb.pipelines.inputs import Given

    given = Given.of(project, job)
    begun = replace(begun, inputs=given.shown)
    if not job.cache:
        begun = replace(begun, why=NOT_CACHED)
        return _execute(project, job, begun, given, cancelled, attacher)
    output = folder_of(project, job.run) / job.file
    from mlnb.execution.steps.modules import drop_stale_bytecode
    from mlnb.pipelines.caching.entries import Cache
    from mlnb.pipelines.caching.keys import key_of

    cache = Cache(project, job, key_of(project, job, given.versions))
    with suppress(MlnbError):
        cache.key.put(project)
    begun = replace(begun, key=cache.key.digest)
    reused, why = (None, FORCED) if job.force else cache.reuse(output)
    if reused is not None:
        return replace(reused, started=begun.started, ended=now(), inputs=given.shown)
    before = cache.files_named()
    since = project.events.end()
    begun = replace(begun, why=why)
    drop_stale_bytecode(project.root / name for name in cache.key.parts["modules"])
    ended = _execute(project, job, begun, given, cancelled, attacher)
    if ended.status == "FINISHED":
        with suppress(MlnbError, OSError):  # that only costs time another day
            cache.keep(ended, before, _events(project, job, since))
    return ended


def _execute(
    project: Project,
    job: StepJob,
    begun: StepResult,
    given: "Given",
    cancelled: threading.Event,
    attacher: Attacher | None,
) -> StepResult:
    """Execute what a step runs; its outputs are stored if it finishes."""
    folder = kinds.pipeline_folder(project, job)
    output = folder_of(project, job.run) / job.file
    since = project.events.end()
    artifacts.clear(project, folder, job.outputs)
    execution = attempt(kinds.notebook_job(project, job, output, cancelled, given.shown))
    outputs: dict[str, str] = {}
    status, error = execution.status, causes.explained(execution.error, job.memory)
    if status == "FINISHED":
        try:
            given.check_unchanged(_events(project, job, since))
            outputs = given.taken(_events(project, job, since))
        except MlnbError as problem:
            status, error = "FAILED", str(problem)
    again = status == "FAILED" and job.attempt < job.tries
    kept = output.with_suffix(f".attempt-{job.attempt}.ipynb") if again else output
    if again:
        output.rename(kept)
    opened = _runs_opened(project, job, since)
    _attach(attacher, opened, kept, execution)
    return replace(
        begun,
        status=status,
        values=execution.values,
        ended=now(),
        cells=execution.cells if job.kind == "notebook" else job.cells,
        cells_done=execution.cells_done,
        failed_cell=execution.failed_cell,
        error=error,
        cause=(causes.of(execution.error) or "failed") if status == "FAILED" else "",
        output=project.relative(kept),
        output_digest=project.store.put_file(kept),
        runs=opened,
        outputs=outputs,
    )


def folder_of(project: Project, run: str) -> Path:
    """Return the folder on this machine with the executed notebooks of a run."""
    folder = project.state / "runs" / run
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _attach(
    attacher: Attacher | None, opened: list[str], notebook: Path, execution: Execution
) -> None:
    finished = execution.status == "FINISHED"
    if attacher is not None:
        attacher.attach(opened, notebook, finished=finished)
    elif opened:
        own = Attacher()
        own.attach(opened, notebook, finished=finished)
        own.close()


def _runs_opened(project: Project, job: StepJob, since: int) -> list[str]:
    """Return the runs that a step has opened since an offset of the event file."""
    events = _events(project, job, since)
    return list(dict.fromkeys(event.subject for event in events if event.kind == "run.started"))


def _events(project: Project, job: StepJob, since: int) -> list[Event]:
    """Return what a step has told since an offset of the event file."""
    return [
        event
        for event in project.events.read(since)[0]
        if event.data.get("pipeline_run") == job.run and event.data.get("step") == job.name
    ]
