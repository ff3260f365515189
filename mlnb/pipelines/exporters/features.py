"""What a pipeline asks of the system that runs it; what a target cannot express is refused."""

from collections.abc import Iterator
from dataclasses import dataclass

from mlnb.core.errors import BadInput, suggestion
from mlnb.pipelines import expressions
from mlnb.pipelines.exporters.options import Options
from mlnb.pipelines.spec import Pipeline, Step

TITLES = {
    "github": "GitHub Actions",
    "gitlab": "GitLab CI",
    "jenkins": "A Jenkinsfile",
    "kfp": "Kubeflow Pipelines",
    "dvc": "dvc.yaml",
    "kubernetes": "A Kubernetes Job",
}
ALWAYS = frozenset({"params", "needs", "matrix", "when", "env", "timeout", "retries", "cache"})
"""What the step command does itself, wherever it runs."""
FOLLOWS = ("notify", "on_failure")
"""What the last job of a run does; where there is one."""

EXPRESSED = {
    "github": {
        "trigger_rule", "max_parallel", "secrets", "schedule", "secret-params", *FOLLOWS,
    },
    "gitlab": {"trigger_rule", "secrets", "secret-params", *FOLLOWS},
    "jenkins": {
        "trigger_rule", "secrets", "schedule", "schedule-timezone", "secret-params", *FOLLOWS,
    },
    "kfp": {"secrets", "max_parallel", "resources", "secret-params"},
    "dvc": {"secrets", "max_parallel", "limits", "resources", "secret-params"},
    "kubernetes": {
        "secrets", "schedule", "schedule-timezone", "max_parallel", "resources", "limits",
        "secret-params",
    },
}  # fmt: skip
"""Besides `ALWAYS`. DVC and the containers of one Pod run one after the other: limits hold."""

REASONS = {
    ("gitlab", "schedule"): "GitLab keeps schedules in the project's settings, not in the file",
    ("github", "schedule-timezone"): "GitHub's schedules are in UTC",
    ("kfp", "schedule"): "its schedules are recurring runs, made in its own interface",
    ("dvc", "schedule"): "DVC starts nothing by itself",
    ("dvc", "trigger_rule"): "`dvc repro` stops at the first stage that fails",
    ("kubernetes", "trigger_rule"): "a Pod stops at the first container that fails",
    ("gitlab", "max_parallel"): "GitLab has no limit for the jobs of a matrix",
    **{("dvc", name): "`dvc repro` stops at the first stage that fails" for name in FOLLOWS},
    **{("kubernetes", name): "a Pod stops at the first container that fails" for name in FOLLOWS},
    **{
        ("kfp", name): "its last task sees what the others have come to only in a store that is "
        "an address"
        for name in FOLLOWS
    },
    ("jenkins", "max_parallel"): "Jenkins has no limit for the branches of a stage",
}
REMEDIES = {
    "resources": "Choose machines that have them with --runner STEP=LABEL.",
    "notify": "Let the system itself tell how a run ended, or run it with `mlnb run`.",
    "on_failure": "Let the system itself do it, or run the pipeline with `mlnb run`.",
    "foreach": "Write the list into the pipeline, or run it with `mlnb run`.",
}


@dataclass(frozen=True)
class Use:
    """A feature, and where the pipeline uses it."""

    feature: str
    where: str


def check(pipeline: Pipeline, options: Options, *, shared: bool = False) -> None:
    """Refuse what the target cannot express; ``shared``: every machine reaches the store.

    Raises
    ------
    BadInput
        Naming the feature, where it is used, and what can be done.
    """
    _check_runners(options)
    uses = list(used(pipeline))
    for feature in options.without:
        if feature not in LEAVABLE:
            raise BadInput(
                f"{feature!r} is nothing that can be left out.", suggestion(feature, LEAVABLE)
            )
    for use in uses:
        if use.feature in options.without:
            continue
        if use.feature == "resources" and _placed(use.where, options):
            continue
        if use.feature in FOLLOWS and shared and options.target == "kfp":
            continue
        if use.feature not in ALWAYS | EXPRESSED[options.target]:
            reason = REASONS.get((options.target, use.feature), "")
            fix = REMEDIES.get(use.feature, "")
            leave = f"--without {use.feature} leaves it out." if use.feature in LEAVABLE else ""
            raise BadInput(
                f"{TITLES[options.target]} cannot express {use.feature!r} ({use.where})"
                + (f": {reason}." if reason else "."),
                f"{fix} {leave}".strip(),
            )


def _check_runners(options: Options) -> None:
    several = any(step for step in options.runners)
    if options.runners and options.target in {"dvc", "kfp"}:
        raise BadInput(f"{TITLES[options.target]} cannot express --runner.")
    if several and options.target == "kubernetes":
        raise BadInput(
            f"{TITLES[options.target]} cannot express --runner for one step: a Pod is on one node.",
            "Give --runner KEY=VALUE without a step: the Pod's node selector.",
        )


LEAVABLE = (
    "limits", "max_parallel", "notify", "on_failure", "resources", "schedule", "schedule-timezone",
)  # fmt: skip
"""Features without which the steps still do the same."""


def used(pipeline: Pipeline) -> Iterator[Use]:
    """Return the features that a pipeline uses, each with the first place."""
    yield from _of_pipeline(pipeline)
    steps = dict(pipeline.steps)
    if pipeline.on_failure:
        steps["on_failure"] = pipeline.on_failure
    for name, step in steps.items():
        for feature in _of_step(pipeline, step):
            yield Use(feature, f"step {name!r}")


def _of_pipeline(pipeline: Pipeline) -> Iterator[Use]:
    here = f"pipeline {pipeline.name!r}"
    if pipeline.schedule:
        yield Use("schedule", here)
        if pipeline.schedule.timezone != "UTC":
            yield Use("schedule-timezone", f"{here}: {pipeline.schedule.timezone}")
    for feature in ("limits", "notify", "on_failure"):
        if getattr(pipeline, feature):
            yield Use(feature, here)
    if any(item.secret for item in pipeline.params.values()):
        yield Use("secret-params", here)


def _of_step(pipeline: Pipeline, step: Step) -> Iterator[str]:
    if step.trigger_rule != "all_success":
        yield "trigger_rule"
    if step.resources:
        yield "resources"
    if step.secrets:
        yield "secrets"
    if step.matrix.max_parallel or (step.foreach and step.foreach.max_parallel):
        yield "max_parallel"
    if step.foreach and any(
        item.root == "steps" for item in expressions.references(step.foreach.items, pipeline.steps)
    ):
        yield "foreach"


def _placed(where: str, options: Options) -> bool:
    """Tell whether a machine was chosen for a step, so that what it needs is met by that."""
    return bool(options.runner(where.removeprefix("step ").strip("'")))
