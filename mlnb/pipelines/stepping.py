"""The steps of one run: which are skipped, what each is given, how often it is tried.

A `Stepper` makes a `StepJob` of a planned step and the results so far, and has it performed. It
tells the event stream when a step starts and ends.
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mlnb.core.errors import Interrupted, InvalidPipeline, MlnbError
from mlnb.core.project import Project
from mlnb.core.records import StepResult, now
from mlnb.pipelines import expressions, handing, limits, performing, planning, results
from mlnb.pipelines.attaching import Attacher
from mlnb.pipelines.attempts import Attempts
from mlnb.pipelines.performing import StepJob
from mlnb.pipelines.planning import PlannedStep, Prepared
from mlnb.pipelines.references import ON_FAILURE, step_of
from mlnb.pipelines.scheduling import Results
from mlnb.pipelines.selection import EVERY, Wishes
from mlnb.pipelines.spec import TriggerRule

STOPPED = "The run was stopped before it could start."
Perform = Callable[[StepJob], StepResult]


@dataclass
class Stepper:
    """Settles and executes the steps of one run; used by several threads at once."""

    prepared: Prepared
    run: str
    """Id of the pipeline run."""
    stop: threading.Event
    attacher: Attacher | None = None
    threads: Mapping[str, str] = field(default_factory=dict)
    """Environment that gives each notebook its share of the cores."""
    perform: Perform | None = None
    """Makes one attempt, wherever that is; by default `mlnb.pipelines.performing.perform` in this
    thread."""
    attempts: Attempts = field(default_factory=Attempts)
    wishes: Wishes = field(default_factory=Wishes)
    driver: int = 0
    """Number of this driver of the run; 0 where several machines carry out steps of their own."""
    ending: Mapping[str, Any] = field(default_factory=dict)
    """How the run has failed, for ``on_failure``."""

    @property
    def project(self) -> Project:
        """Return the project of the pipeline."""
        return self.prepared.project

    def settle(self, planned: PlannedStep, results: Results) -> StepResult | None:
        """Return a step's result when it is not to be executed."""
        if (known := self.wishes.known.get(planned.name)) is not None:
            self.finish(planned, known)
            return known
        if self.stop.is_set():
            if (failed := self.attempts.given_up(planned.name)) is not None:
                self.finish(planned, failed)
                return failed
            return self._not_run(planned, STOPPED, keep=False)
        spec = step_of(self.prepared.pipeline, planned.step)
        if blocked := self.blocked(planned, results):
            return self._not_run(planned, blocked)
        if planned.foreach:  # its condition is for each of its jobs
            return None
        try:
            if self.holds(planned, results):
                return None
        except InvalidPipeline as error:
            return self._not_run(planned, f"when: {error}", failed=True)
        return self._not_run(planned, f"Its condition is false: {spec.when}")

    def holds(self, planned: PlannedStep, results: Results) -> bool:
        """Tell whether a step's condition is true.

        Raises
        ------
        InvalidPipeline
            If it cannot be computed from the results.
        """
        spec = step_of(self.prepared.pipeline, planned.step)
        return bool(self._evaluate(expressions.condition(spec.when), planned, results))

    def execute(self, planned: PlannedStep, results: Results) -> StepResult:
        """Make the next attempt at a step; never raises."""
        spec = step_of(self.prepared.pipeline, planned.step)
        number = self.attempts.begin(planned.name)
        self._emit("step.started", planned, attempt=number)
        begun = StepResult(
            name=planned.name,
            notebook=planned.notebook,
            status="RUNNING",
            started=now(),
            cells=planned.cells,
            attempts=number,
        )
        tries = spec.retries.limit + 1
        try:
            return self._perform(self.job(planned, results, attempt=number, tries=tries))
        except Interrupted as error:  # nothing is kept: the run is somebody else's
            ended = replace(begun, status="KILLED", ended=now(), error=str(error))
        except Exception as error:
            ended = replace(begun, status="FAILED", ended=now(), error=performing.said(error))
            self._keep(planned, ended)
        return ended

    def again(self, planned: PlannedStep, result: StepResult) -> float | StepResult:
        """Return the seconds until the next attempt, or the step's result, having told of it."""
        retries = step_of(self.prepared.pipeline, planned.step).retries
        ended = self.attempts.end(result, retries, stopped=self.stop.is_set())
        if isinstance(ended, StepResult):
            self.finish(planned, ended)
        else:
            self._emit(
                "step.delayed",
                planned,
                seconds=ended,
                attempt=result.attempts,
                error=result.error,
            )
        return ended

    def expand(self, planned: PlannedStep, results: Results) -> list[PlannedStep] | StepResult:
        """Return the jobs of a ``foreach`` whose list is known now, or that there are none."""
        try:
            items = self._evaluate(planned.foreach, planned, results)
            jobs = planning.expand(self.prepared, planned, items)
        except MlnbError as error:
            return self._not_run(planned, f"foreach: {error}", failed=True)
        plan = self.prepared.plan
        others = [item for item in plan.steps if item.name != planned.name]
        place = plan.steps.index(planned) if planned in plan.steps else len(others)
        grown = _after(planned, jobs, [*others[:place], *jobs, *others[place:]])
        self.prepared = replace(self.prepared, plan=replace(plan, steps=grown))
        if not jobs:
            return self._not_run(planned, "Its foreach is an empty list: there is nothing to do.")
        self._emit("step.expanded", planned, jobs=[_shown(job) for job in jobs])
        return jobs

    def job(
        self, planned: PlannedStep, results: Results, *, attempt: int = 1, tries: int = 1
    ) -> StepJob:
        """Return what is to be performed for a step.

        Raises
        ------
        InvalidPipeline
            If an expression cannot be computed from the results.
        """
        spec = step_of(self.prepared.pipeline, planned.step)
        return StepJob(
            run=self.run,
            pipeline=self.prepared.plan.pipeline,
            path=self.prepared.plan.path,
            name=planned.name,
            step=planned.step,
            file=planned.file,
            kind=planned.kind,
            source=planned.notebook,
            parameters={**planned.matrix, **self._evaluate(spec.params, planned, results)},
            needs=self._needed(planned, results),
            inputs=handing.inputs(self.prepared.plan, planned, results),
            artifacts=handing.artifacts(self.prepared.plan, planned, results),
            outputs=planned.outputs,
            modules=list(spec.modules),
            cwd=planned.cwd,
            kernel=spec.kernel,
            environment=planned.environment,
            threads={**self.threads, **limits.threads(planned.resources)},
            secrets=list(spec.secrets),
            hidden=handing.hidden(self.prepared.pipeline, spec),
            cache=spec.cache and planned.step != ON_FAILURE,
            force=bool(self.wishes.force & {planned.name, planned.step, EVERY}),
            before=self.wishes.before.get(planned.name, ""),
            resume=planned.name in self.wishes.begun,
            timeout=spec.timeout,
            memory=int(planned.resources.get("memory", 0)),
            cells=planned.cells,
            attempt=attempt,
            tries=tries,
        )

    def _perform(self, job: StepJob) -> StepResult:
        if self.driver and results.driver(self.project, self.run) > self.driver:
            self.stop.set()
            raise Interrupted(f"Pipeline run {self.run} is carried out by another process now.")
        if self.perform is not None:
            return self.perform(job)
        return performing.perform(job, cancelled=self.stop, attacher=self.attacher)

    def _needed(self, planned: PlannedStep, results: Results) -> dict[str, dict[str, Any]]:
        """Return the values of the needed steps; of one with a matrix, lists in its order."""
        spec = self.prepared.pipeline.steps
        found: dict[str, dict[str, Any]] = {}
        plan = self.prepared.plan
        for need in dict.fromkeys(item.step for item in plan.steps if item.name in planned.needs):
            jobs = [item.name for item in plan.steps if item.step == need]
            made = [results[name].values for name in jobs if name in results]
            if spec[need].many:
                names = dict.fromkeys(key for values in made for key in values)
                found[need] = {key: [values.get(key) for values in made] for key in names}
            elif made:
                found[need] = dict(made[0])
        return found

    def blocked(self, planned: PlannedStep, results: Results) -> str:
        """Say which step that it needs keeps a step from running, or ``""``."""
        rule = step_of(self.prepared.pipeline, planned.step).trigger_rule
        blocking = self._blocking(planned, rule, results)
        if blocking is None:
            return ""
        ended = {"FAILED": "failed", "SKIPPED": "was skipped", "KILLED": "was killed"}
        return f"{blocking} {ended[results[blocking].status]}."

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

    def _evaluate(self, value: Any, planned: PlannedStep, results: Results) -> Any:
        def step_value(step: str, name: str) -> Any:
            return self._value(step, name, results)

        plan = self.prepared.plan
        scope = expressions.Scope(plan.parameters, planned.matrix, step_value, self.ending)
        return expressions.evaluate(value, scope, self.prepared.pipeline.steps)

    def _value(self, step: str, name: str, results: Results) -> Any:
        """Return what a step glued; of a matrix, the list in the order of its combinations."""
        jobs = [planned.name for planned in self.prepared.plan.steps if planned.step == step]
        values = [_glued(results[job], name) for job in jobs]
        return values if self.prepared.pipeline.steps[step].many else values[0]

    def _not_run(
        self, planned: PlannedStep, reason: str, *, failed: bool = False, keep: bool = True
    ) -> StepResult:
        result = StepResult(
            name=planned.name,
            notebook=planned.notebook,
            status="FAILED" if failed else "SKIPPED",
            cells=planned.cells,
            error=reason,
        )
        if keep:
            self._keep(planned, result)
        self.finish(planned, result)
        return result

    def _keep(self, planned: PlannedStep, result: StepResult) -> None:
        """Write the result of a step that was not performed, for other machines of the run."""
        results.put(self.project, self.run, planned.file, result)

    def finish(self, planned: PlannedStep, result: StepResult) -> None:
        """Tell the event stream what a step has come to."""
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
            cause=result.cause,
            cached_from=result.cached_from,
            why=result.why,
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


def _after(
    planned: PlannedStep, jobs: list[PlannedStep], steps: list[PlannedStep]
) -> list[PlannedStep]:
    """Return steps that need jobs instead of the step with a ``foreach`` that they come from."""
    names = [job.name for job in jobs]

    def needed(step: PlannedStep) -> list[str]:
        others = [need for need in step.needs if need != planned.name]
        return [*others, *names]

    return [
        replace(step, needs=needed(step)) if planned.name in step.needs else step for step in steps
    ]


def _shown(job: PlannedStep) -> dict[str, Any]:
    return {key: getattr(job, key) for key in ("name", "notebook", "needs", "cells")}
