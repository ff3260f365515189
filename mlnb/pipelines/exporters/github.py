"""GitHub Actions: one job per step, a matrix where the step has one."""

import math
from typing import Any

from mlnb.pipelines.exporters import store_passing
from mlnb.pipelines.exporters.workflow import (
    Task,
    Workflow,
    default_text,
    giving,
    id_of,
    shell_word,
    variable,
)
from mlnb.pipelines.exporters.yaml_text import Flow, document
from mlnb.pipelines.spec import Parameter

RUN = "github-${{ github.run_id }}"
CHECKOUT = "actions/checkout@v6"
PYTHON = "actions/setup-python@v6"
CACHE = "actions/cache@v5"
UPLOAD = "actions/upload-artifact@v6"
DOWNLOAD = "actions/download-artifact@v7"


def path(workflow: Workflow) -> str:
    """Return where GitHub looks for it."""
    return f".github/workflows/{workflow.name}.yml"


def write(workflow: Workflow) -> str:
    """Return the workflow file."""
    header = list(workflow.header)
    if workflow.secrets:
        header += ["", f"Secrets of the repository that it uses: {', '.join(workflow.secrets)}."]
    body: dict[str, Any] = {
        "name": workflow.name,
        "on": _triggers(workflow),
        "permissions": {"contents": "read"},
        "env": _environment(workflow),
        "jobs": {
            **{task.slug: _job(workflow, task) for task in workflow.tasks},
            workflow.closing_slug: _closing(workflow),
        },
    }
    text = document(header, body, spaced=("jobs",))
    # YAML 1.2, which GitHub reads, has no boolean `on`
    return text.replace("\n'on':", "\non:", 1).replace(": null\n", ":\n")


def _triggers(workflow: Workflow) -> dict[str, Any]:
    branch = workflow.options.branch
    on: dict[str, Any] = {
        "push": {"branches": Flow([branch])},
        "pull_request": None,
        "workflow_dispatch": None,
    }
    if workflow.given:
        on["workflow_dispatch"] = {
            "inputs": {name: _input(item) for name, item in workflow.given.items()}
        }
    schedule = workflow.pipeline.schedule
    if schedule and "schedule" not in workflow.options.without:
        on["schedule"] = [{"cron": schedule.cron}]
    return on


def _input(item: Parameter) -> dict[str, Any]:
    shown: dict[str, Any] = {"description": item.help} if item.help else {}
    if item.choices:
        shown |= {"type": "choice", "options": Flow(str(choice) for choice in item.choices)}
    elif item.type == "bool" or isinstance(item.default, bool):
        shown["type"] = "boolean"
    elif item.type in {"int", "float"} or isinstance(item.default, int | float):
        shown["type"] = "number"
    else:
        shown["type"] = "string"
    plain = isinstance(item.default, bool | int | float | str) and not item.choices
    return shown | {"default": item.default if plain else default_text(item)}


def _environment(workflow: Workflow) -> dict[str, str]:
    made = {"RUN": RUN}
    for name, item in workflow.given.items():
        made[variable(name)] = _value(name, item)
    return made


def _value(name: str, item: Parameter) -> str:
    """Return what was given to the run; where nobody was asked, the default."""
    default = default_text(item).replace("'", "''")
    return f"${{{{ format('{{0}}', inputs.{name}) || '{default}' }}}}"


def _job(workflow: Workflow, task: Task) -> dict[str, Any]:
    job: dict[str, Any] = {"name": task.name}
    if task.many:
        job["name"] = "${{ matrix.job }}"
    if task.needs:
        job["needs"] = Flow(workflow.task(need).slug for need in task.needs)
    if store_passing.runs_anyway(workflow, task):
        job["if"] = "${{ !cancelled() }}"
    job["runs-on"] = workflow.options.runner(task.name, "ubuntu-latest")
    if workflow.options.image:
        job["container"] = workflow.options.image
    if task.spec.timeout:
        job["timeout-minutes"] = math.ceil(store_passing.longest(task) / 60)
    if task.many:
        job["strategy"] = _strategy(task)
    if task.secrets:
        job["env"] = {name: f"${{{{ secrets.{name} }}}}" for name in task.secrets}
    job["steps"] = _steps(workflow, task)
    return job


def _closing(workflow: Workflow) -> dict[str, Any]:
    """Return the last job: the run's record and report, and what follows its end."""
    job: dict[str, Any] = {
        "name": "Record and report",
        "needs": Flow(task.slug for task in workflow.tasks),
        "if": "${{ always() }}",
        "runs-on": workflow.options.runner("on_failure", "ubuntu-latest"),
    }
    if workflow.options.image:
        job["container"] = workflow.options.image
    if names := workflow.closing_secrets:
        job["env"] = {name: f"${{{{ secrets.{name} }}}}" for name in names}
    slug, store = workflow.closing_slug, workflow.below(workflow.store)
    runs = workflow.below(store_passing.RUNS)
    steps = _setting_up(workflow)
    if not workflow.shared:
        steps.append(_cache(f"mlnb-{slug}.0-", store))
        steps.append(_download("Results of all steps", "store-*", store))
    steps.append(_download("Executed notebooks of all steps", "notebooks-*", runs))
    junit = f'--junit {shell_word(runs)}/"$RUN"/junit.xml'
    command = workflow.closing('"$RUN"', junit, *giving(workflow.given))
    steps.append({"name": "Close", "run": command})
    if not workflow.shared:
        steps.append(_upload("store", f"store-{slug}.0", store))
    steps.append(_upload("report", f"report-{slug}.0", runs))
    return job | {"steps": steps}


def _strategy(task: Task) -> dict[str, Any]:
    strategy: dict[str, Any] = {"fail-fast": False}
    if task.max_parallel:
        strategy["max-parallel"] = task.max_parallel
    rows = []
    for job in task.jobs:
        values = {k: v for k, v in job.matrix.items() if isinstance(v, bool | int | float | str)}
        rows.append({**values, "job": job.name, "id": id_of(job)})
    return strategy | {"matrix": {"include": rows}}


def _steps(workflow: Workflow, task: Task) -> list[dict[str, Any]]:
    store, number = workflow.below(workflow.store), "${{ matrix.id }}" if task.many else "0"
    steps = _setting_up(workflow)
    if not workflow.shared:
        steps.append(_cache(f"mlnb-{task.slug}.{number}-", store))
        for need in task.needs:
            slug = workflow.task(need).slug
            steps.append(_download(f"Results of {need}", f"store-{slug}.*", store))
    steps.append(_run(workflow, task))
    if not workflow.shared:
        steps.append(_upload("store", f"store-{task.slug}.{number}", store))
    runs = workflow.below(store_passing.RUNS)
    steps.append(_upload("executed notebooks", f"notebooks-{task.slug}.{number}", runs))
    return steps


def _setting_up(workflow: Workflow) -> list[dict[str, Any]]:
    options = workflow.options
    steps: list[dict[str, Any]] = [{"uses": CHECKOUT}]
    if not options.image:
        steps.append({"uses": PYTHON, "with": {"python-version": options.python, "cache": "pip"}})
        steps.append({"name": "Install", "run": options.install})
    elif options.install:
        steps.append({"name": "Install", "run": options.install})
    return steps


def _cache(own: str, store: str) -> dict[str, Any]:
    return {
        "name": "Steps that nothing has changed",
        "uses": CACHE,
        "with": {
            "path": store,
            "key": own + "${{ github.run_id }}-${{ github.run_attempt }}",
            "restore-keys": own,
        },
    }


def _download(title: str, pattern: str, path: str) -> dict[str, Any]:
    return {
        "name": title,
        "uses": DOWNLOAD,
        "with": {"pattern": pattern, "path": path, "merge-multiple": True},
    }


def _run(workflow: Workflow, task: Task) -> dict[str, Any]:
    step: dict[str, Any] = {"name": "Run"}
    if task.many:
        step["env"] = {"JOB": "${{ matrix.job }}"}
    job = '"$JOB"' if task.many else task.name
    step["run"] = workflow.command(job, '"$RUN"', *giving(workflow.given))
    return step


def _upload(title: str, name: str, path: str) -> dict[str, Any]:
    return {
        "name": f"Keep the {title}",
        "if": "${{ !cancelled() }}",
        "uses": UPLOAD,
        "with": {
            "name": name,
            "path": path,
            "include-hidden-files": True,
            "if-no-files-found": "ignore",
            "retention-days": 7,
        },
    }
