"""The step that runs when a run has failed: it cleans up, opens a ticket, tells somebody."""

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mlnb.core.records import StepResult
from mlnb.pipelines.scheduling import schedule

if TYPE_CHECKING:
    from mlnb.pipelines.stepping import Stepper


def after_failure(stepper: "Stepper", made: Mapping[str, StepResult]) -> StepResult | None:
    """Run the pipeline's ``on_failure`` if a step has failed; its own failure is a warning.

    A run that somebody has stopped has not failed: it can be resumed.
    """
    planned = stepper.prepared.plan.on_failure
    failed = [result for result in made.values() if result.status == "FAILED"]
    if planned is None or not failed or stepper.stop.is_set():
        return None
    stepper.ending = {
        "id": stepper.run,
        "error": f"Step {failed[0].name!r} failed: {failed[0].error}",
        "failed": [result.name for result in failed],
    }
    further = schedule(
        [planned],
        workers=1,
        settle=lambda step, _: stepper.settle(step, made),
        execute=lambda step, _: stepper.execute(step, made),
        again=stepper.again,
        stop=stepper.stop,
    )[planned.name]
    if further.status == "FAILED":
        warnings.warn(f"The step {planned.name} failed, too: {further.error}", stacklevel=2)
    return further
