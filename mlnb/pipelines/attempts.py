"""How often each step of a run has been tried, and whether it is tried again."""

import threading
from dataclasses import replace

from mlnb.core.records import StepResult
from mlnb.pipelines.spec.parts import Retries


class Attempts:
    """The attempts at the steps of one run; used by several threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun: dict[str, int] = {}
        self._failed: dict[str, StepResult] = {}

    def begin(self, name: str) -> int:
        """Count an attempt at a step, and return its number."""
        with self._lock:
            self._begun[name] = self._begun.get(name, 0) + 1
            return self._begun[name]

    def end(self, result: StepResult, retries: Retries, *, stopped: bool) -> float | StepResult:
        """Return the seconds until the next attempt, or the result of all attempts.

        Parameters
        ----------
        result : StepResult
            Of the attempt that has ended.
        retries : Retries
            What the pipeline says of the step.
        stopped : bool
            Whether the run is stopped, so that there is no other attempt.
        """
        with self._lock:
            number = self._begun.get(result.name, 1)
            whole = _joined(self._failed.get(result.name), result)
            worth = result.status == "FAILED" and (result.cause or "failed") in retries.on
            if not worth or number > retries.limit or stopped:
                self._failed.pop(result.name, None)
                return whole
            self._failed[result.name] = whole
            return retries.delay(number)

    def given_up(self, name: str) -> StepResult | None:
        """Return the result of a step that waits for its next attempt, which will not be."""
        with self._lock:
            return self._failed.pop(name, None)


def _joined(before: StepResult | None, result: StepResult) -> StepResult:
    """Return a result with the time and the tracked runs of the attempts before it."""
    if before is None:
        return result
    runs = [*before.runs, *(run for run in result.runs if run not in before.runs)]
    return replace(result, runs=runs, started=before.started or result.started)
