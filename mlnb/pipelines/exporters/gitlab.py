"""GitLab CI: one job per step in the order of `needs`, a parallel matrix where the step has one."""

import math
from typing import Any

from mlnb.pipelines.exporters import store_passing
from mlnb.pipelines.exporters.workflow import (
    Task,
    Workflow,
    default_text,
    giving,
    shell_word,
    variable,
)
from mlnb.pipelines.exporters.yaml_text import Flow, document
from mlnb.pipelines.spec import Parameter

RUN = "gitlab-$CI_PIPELINE_ID"
_TAKEN = {
    "cache", "default", "image", "include", "pages", "services", "spec", "stages", "types",
    "variables", "workflow",
}  # fmt: skip


def path(_workflow: Workflow) -> str:
    """Return where GitLab looks for it."""
    return ".gitlab-ci.yml"


def write(workflow: Workflow) -> str:
    """Return the CI file."""
    header = list(workflow.header)
    if workflow.secrets:
        names = ", ".join(workflow.secrets)
        header += ["", f"Masked CI/CD variables of the project that it uses: {names}."]
    body: dict[str, Any] = {
        "workflow": {"rules": _rules(workflow)},
        "variables": {"RUN": RUN} | {variable(n): _variable(i) for n, i in workflow.given.items()},
        "default": _default(workflow),
    }
    for task in workflow.tasks:
        body[_name(task)] = _job(workflow, task)
    body[workflow.closing_slug] = _closing(workflow)
    return document(header, body)


def _rules(workflow: Workflow) -> list[dict[str, str]]:
    return [
        {"if": '$CI_PIPELINE_SOURCE == "merge_request_event"'},
        {"if": f'$CI_COMMIT_BRANCH == "{workflow.options.branch}"'},
    ]


def _variable(item: Parameter) -> Any:
    value = _plain(default_text(item))
    shown: dict[str, Any] = {"value": value}
    if item.help:
        shown["description"] = item.help
    if item.choices:
        shown["options"] = [str(choice) for choice in item.choices]
    return shown if len(shown) > 1 else value


def _default(workflow: Workflow) -> dict[str, Any]:
    options = workflow.options
    made: dict[str, Any] = {"image": options.image or f"python:{options.python}"}
    if label := options.runner(""):
        made["tags"] = Flow([label])
    if options.install:
        made["before_script"] = [options.install]
    return made


def _name(task: Task) -> str:
    return f"step-{task.slug}" if task.slug in _TAKEN else task.slug


def _job(workflow: Workflow, task: Task) -> dict[str, Any]:
    job: dict[str, Any] = {"needs": Flow(_name(workflow.task(need)) for need in task.needs)}
    if store_passing.runs_anyway(workflow, task):
        job["when"] = "always"
    if task.many:
        job["parallel"] = {"matrix": [{"JOB": [_plain(item.name) for item in task.jobs]}]}
    if (label := workflow.options.runner(task.name)) and label != workflow.options.runner(""):
        job["tags"] = Flow([label])
    if task.spec.timeout:
        job["timeout"] = f"{math.ceil(store_passing.longest(task) / 60)} minutes"
    if not workflow.shared:
        job["cache"] = {
            "key": f"mlnb-{task.slug}" + ("-$CI_NODE_INDEX" if task.many else ""),
            "paths": [workflow.below(workflow.store) + "/"],
        }
    word = '"$JOB"' if task.many else task.name
    job["script"] = [workflow.command(word, '"$RUN"', *giving(workflow.given))]
    folders = [] if workflow.shared else [workflow.store]
    job["artifacts"] = {
        "when": "always",
        "expire_in": "1 week",
        "paths": [workflow.below(folder) + "/" for folder in (*folders, store_passing.RUNS)],
    }
    return job


def _closing(workflow: Workflow) -> dict[str, Any]:
    """Return the last job: the run's record and report, and what follows its end."""
    job: dict[str, Any] = {"stage": ".post", "when": "always"}
    if (label := workflow.options.runner("on_failure")) != workflow.options.runner(""):
        job["tags"] = Flow([label])
    store, runs = workflow.below(workflow.store), workflow.below(store_passing.RUNS)
    if not workflow.shared:  # the records of earlier runs, to compare this one with
        job["cache"] = {"key": f"mlnb-{workflow.closing_slug}", "paths": [f"{store}/"]}
    junit = f'--junit {shell_word(runs)}/"$RUN"/junit.xml'
    job["script"] = [workflow.closing('"$RUN"', junit, *giving(workflow.given))]
    job["artifacts"] = {
        "when": "always",
        "expire_in": "1 week",
        "paths": [*([] if workflow.shared else [f"{store}/"]), f"{runs}/"],
        "reports": {"junit": f"{runs}/*/junit.xml"},
    }
    return job


def _plain(text: str) -> str:
    """Return text that GitLab leaves as it is: it replaces ``$NAME`` in variables."""
    return text.replace("$", "$$")
