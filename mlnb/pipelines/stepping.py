"""One step of a running pipeline: skipped or executed, with retries, and told of."""

import json
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlnb.core.errors import InvalidPipeline, MlnbError, of_disk
from mlnb.core.project import Project
from mlnb.core.records import StepResult, now
from mlnb.execution.executor import NotebookJob, attempt
from mlnb.pipelines import expressions
from mlnb.pipelines.attaching import Attacher
from mlnb.pipelines.planning import PlannedStep, Prepared
from mlnb.pipelines.scheduling import Results
from mlnb.pipelines.spec import TriggerRule

STOPPED = "The run was stopped before it could start."


@dataclass(frozen=True)
class Stepper:
    """Settles and executes the steps of one run; used by several threads at once."""

    prepared: Prepared
    run: str
    """Id of the pipeline run."""
    folder: Path
    stop: threading.Event
    attacher: Attacher
    threads: Mapping[str, str]
    """Environment that gives each notebook its share of the cores."""

    @property
    def project(self) -> Project:
        """Return the project of the pipeline."""
        return self.prepared.project

    def settle(self, planned: PlannedStep, results: Results) -> StepResult | None:
        """Return a step's result when it is not to be executed."""
        if self.stop.is_set():
            return self._not_run(planned, STOPPED)
        spec = self.prepared.pipeline.steps[planned.step]
        blocking = self._blocking(planned, spec.trigger_rule, results)
        if blocking:
            ended = {"FAILED": "failed", "SKIPPED": "was skipped", "KILLED": "was killed"}
            return self._not_run(planned, f"{blocking} {ended[results[blocking].status]}.")
        condition = expressions.condition(spec.when)
        try:
            if self._evaluate(condition, planned, results):
                return None
        except InvalidPipeline as error:
            return self._not_run(planned, f"when: {error}", failed=True)
        return self._not_run(planned, f"Its condition is false: {spec.when}")

    def execute(self, planned: PlannedStep, results: Results) -> StepResult:
        """Execute a step's notebook; never raises."""
        begun = StepResult(
            name=planned.name,
            notebook=planned.notebook,
            status="RUNNING",
            started=now(),
            cells=planned.cells,
        )
        self._emit("step.started", planned, attempt=1)
        try:
            ended = self._execute(planned, results, begun)
        except MlnbError as error:
            ended = replace(begun, status="FAILED", ended=now(), error=str(error))
        except Exception as error:  # a bug of ours must not hang or hide the other steps
            reason = str(of_disk(error) or "") or "Bug in mlnb: " + "".join(
                traceback.format_exception(error)[-4:]
            )
            ended = replace(begun, status="FAILED", ended=now(), error=reason)
        self._finish(planned, ended)
        return ended

    def _blocking(self, planned: PlannedStep, rule: TriggerRule, results: Results) -> str | None:
        """Return the first step that, by the rule, keeps this one from running."""
        if rule == "all_done":
            return None
        if rule == "all_success":
            return next((n for n in planned.needs if results[n].status != "FINISHED"), None)
        failed = (n for n in self._upstream(planned) if results[n].status in {"FAILED", "KILLED"})
        return next(failed, None)

    def _upstream(self, planned: PlannedStep) -> list[str]:
        """Return the names of all jobs that come before this one, the nearest first."""
        needs = {step.name: step.needs for step in self.prepared.plan.steps}
        found = dict.fromkeys(planned.needs)
        queue = list(found)
        for name in queue:
            new = [need for need in needs[name] if need not in found]
            found.update(dict.fromkeys(new))
            queue.extend(new)
        return list(found)

    def _execute(self, planned: PlannedStep, results: Results, begun: StepResult) -> StepResult:
        spec = self.prepared.pipeline.steps[planned.step]
        given = {**planned.matrix, **self._evaluate(spec.params, planned, results)}
        output = self.folder / planned.file
        runs: list[str] = []
        for number in range(1, spec.retries + 2):
            if number > 1:
                self._emit("step.started", planned, attempt=number)
            since = self.project.events.end()
            execution = attempt(self._job(planned, given, output))
            again = execution.status == "FAILED" and number <= spec.retries
            kept = output.with_suffix(f".attempt-{number}.ipynb") if again else output
            if again:
                output.rename(kept)
            opened = self._runs_opened(planned, since)
            self.attacher.attach(opened, kept, finished=execution.status == "FINISHED")
            runs += opened
            if not again:
                break
        return replace(
            begun,
            status=execution.status,
            parameters=given,
            values=execution.values,
            ended=now(),
            cells=execution.cells,
            cells_done=execution.cells_done,
            failed_cell=execution.failed_cell,
            error=str(execution.error or ""),
            output=self.project.relative(output),
            output_digest=self.project.store.put_file(output),
            runs=runs,
            attempts=number,
        )

    def _job(self, planned: PlannedStep, given: Mapping[str, Any], output: Path) -> NotebookJob:
        spec = self.prepared.pipeline.steps[planned.step]
        return NotebookJob(
            notebook=self.project.root / planned.notebook,
            output=output,
            parameters=given,
            step=planned.name,
            pipeline_run=self.run,
            timeout=spec.timeout,
            kernel=spec.kernel,
            environment=self.threads,
            cancelled=self.stop,
        )

    def _evaluate(self, value: Any, planned: PlannedStep, results: Results) -> Any:
        def step_value(step: str, name: str) -> Any:
            return self._value(step, name, results)

        scope = expressions.Scope(self.prepared.plan.parameters, planned.matrix, step_value)
        return expressions.evaluate(value, scope, self.prepared.pipeline.steps)

    def _value(self, step: str, name: str, results: Results) -> Any:
        """Return what a step glued; of a matrix, the list in the order of its combinations."""
        jobs = [planned.name for planned in self.prepared.plan.steps if planned.step == step]
        values = [_glued(results[job], name) for job in jobs]
        return values if self.prepared.pipeline.steps[step].matrix else values[0]

    def _runs_opened(self, planned: PlannedStep, since: int) -> list[str]:
        """Return the runs that a step's notebook has opened since an offset of the event file."""
        events, _ = self.project.events.read(since)
        found = [
            event.subject
            for event in events
            if event.kind == "run.started"
            and event.data.get("pipeline_run") == self.run
            and event.data.get("step") == planned.name
        ]
        return list(dict.fromkeys(found))

    def _not_run(self, planned: PlannedStep, reason: str, *, failed: bool = False) -> StepResult:
        result = StepResult(
            name=planned.name,
            notebook=planned.notebook,
            status="FAILED" if failed else "SKIPPED",
            cells=planned.cells,
            error=reason,
        )
        self._finish(planned, result)
        return result

    def _finish(self, planned: PlannedStep, result: StepResult) -> None:
        seconds = (
            (result.ended - result.started).total_seconds()
            if result.started and result.ended
            else None
        )
        self._emit(
            "step.finished",
            planned,
            status=result.status,
            error=result.error,
            seconds=seconds,
            cells=result.cells,
            cells_done=result.cells_done,
            failed_cell=result.failed_cell,
            output=result.output,
            values=_small(result.values),
            runs=result.runs,
            attempt=result.attempts,
        )

    def _emit(self, kind: str, planned: PlannedStep, **data: Any) -> None:
        self.project.events.emit(
            kind,
            planned.name,
            step=planned.name,
            pipeline_run=self.run,
            notebook=planned.notebook,
            **data,
        )


def _glued(result: StepResult, name: str) -> Any:
    if name in result.values:
        return result.values[name]
    if result.status != "FINISHED":
        return None  # only a step with another trigger rule can ask
    known = ", ".join(result.values) or "nothing"
    raise LookupError(f"step {result.name!r} glued no {name!r} (it glued {known})")


def _small(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that are short enough to be carried by an event."""
    return {key: value for key, value in values.items() if len(json.dumps(value)) <= 2000}
