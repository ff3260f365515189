"""A declarative Jenkinsfile: a stage for the steps that may run at the same time."""

import json
import math
from textwrap import indent

from mlnb.core.errors import BadInput
from mlnb.pipelines.exporters import store_passing
from mlnb.pipelines.exporters.workflow import (
    Task,
    Workflow,
    default_text,
    giving,
    shell_word,
    variable,
)
from mlnb.pipelines.plans import PlannedStep
from mlnb.pipelines.spec import Parameter

RUN = "jenkins-${env.BUILD_NUMBER}"
_STEP = " " * 4


def path(_workflow: Workflow) -> str:
    """Return where Jenkins looks for it."""
    return "Jenkinsfile"


def write(workflow: Workflow) -> str:
    """Return the Jenkinsfile.

    Raises
    ------
    BadInput
        If steps run on other agents while the store is a folder of one of them.
    """
    labels = {workflow.options.runner(task.name) for task in workflow.tasks}
    if len(labels) > 1 and not workflow.shared:
        raise BadInput(
            "Steps on different agents do not see each other's results: the store is a folder.",
            "Set `store` in mlnb.toml to an address, such as s3://bucket/mlnb.",
        )
    header = list(workflow.header)
    if workflow.secrets:
        header += ["", f"Credentials (secret text) that it uses: {', '.join(workflow.secrets)}."]
    blocks = [
        _agent(workflow),
        _parameters(workflow),
        _triggers(workflow),
        _environment(workflow),
        _block("stages", _stages(workflow)),
        _post(workflow),
    ]
    comment = "".join(f"// {line}".rstrip() + "\n" for line in header)
    return comment + "\n" + _block("pipeline", "\n".join(block for block in blocks if block))


def _block(title: str, body: str) -> str:
    return f"{title} {{\n{indent(body, _STEP)}}}\n"


def _text(value: str) -> str:
    """Return Groovy text in which nothing is replaced."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


def _agent(workflow: Workflow) -> str:
    if image := workflow.options.image:
        return _block("agent", _block("docker", f"image {_text(image)}\n"))
    if label := workflow.options.runner(""):
        return _block("agent", f"label {_text(label)}\n")
    return "agent any\n"


def _parameters(workflow: Workflow) -> str:
    lines = [_parameter(name, item) for name, item in workflow.given.items()]
    return _block("parameters", "".join(lines)) if lines else ""


def _parameter(name: str, item: Parameter) -> str:
    default = default_text(item)
    what = f"name: {_text(variable(name))}"
    help = f", description: {_text(item.help or name)}"
    if item.choices:  # the first one is the default
        texts = dict.fromkeys([default, *(_shown(choice) for choice in item.choices)])
        return f"choice({what}, choices: [{', '.join(map(_text, texts))}]{help})\n"
    if isinstance(item.default, bool):
        return f"booleanParam({what}, defaultValue: {default}{help})\n"
    return f"string({what}, defaultValue: {_text(default)}{help})\n"


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _triggers(workflow: Workflow) -> str:
    schedule = workflow.pipeline.schedule
    if not schedule or "schedule" in workflow.options.without:
        return ""
    when = f"TZ={schedule.timezone}\n{schedule.cron}"
    return _block("triggers", f"cron({_text(when)})\n")


def _environment(workflow: Workflow) -> str:
    lines = [f'RUN = "{RUN}"\n']
    if workflow.options.install and not workflow.options.image:
        lines.append('PATH = "${env.WORKSPACE}/.venv/bin:${env.PATH}"\n')
    return _block("environment", "".join(lines))


def _stages(workflow: Workflow) -> str:
    stages = []
    if install := workflow.options.install:
        made = "" if workflow.options.image else "python3 -m venv .venv\n"
        stages.append(_block("stage('Install')", _block("steps", _shell(made + install))))
    jobs = [(task, job) for task in workflow.tasks for job in task.jobs]
    for number in sorted({job.stage for _, job in jobs}):
        group = [
            _block(f"stage({_text(job.name)})", _stage(workflow, task, job))
            for task, job in jobs
            if job.stage == number
        ]
        if len(group) == 1:
            stages += group
        else:
            names = list(dict.fromkeys(task.name for task, job in jobs if job.stage == number))
            title = f"stage({_text(', '.join(names))})"
            stages.append(_block(title, _block("parallel", "\n".join(group))))
    return "\n".join(stages)


def _stage(workflow: Workflow, task: Task, job: PlannedStep) -> str:
    parts = []
    label = workflow.options.runner(task.name)
    if label and label != workflow.options.runner(""):
        parts.append(_block("agent", f"label {_text(label)}\n"))
    if task.secrets:
        lines = (f"{name} = credentials({_text(name)})\n" for name in task.secrets)
        parts.append(_block("environment", "".join(lines)))
    command = _with_parameters(workflow, workflow.command(shell_word(job.name), '"$RUN"'))
    body = _block("catchError(buildResult: 'FAILURE', stageResult: 'FAILURE')", _shell(command))
    if task.spec.timeout:
        minutes = math.ceil(store_passing.longest(task) / 60)
        body = _block(f"timeout(time: {minutes}, unit: 'MINUTES')", body)
    parts.append(_block("steps", body))
    return "\n".join(parts)


def _with_parameters(workflow: Workflow, command: str) -> str:
    """Add what the parameters are, each in a line of its own."""
    words = giving(workflow.given)
    options = _options(words) if words else []
    return command + "".join(f" \\\n{_STEP}{option}" for option in options)


def _options(words: list[str]) -> list[str]:
    """Return options with their values."""
    starts = [n for n, word in enumerate(words) if word in {"-p", "-r", "-y"}]
    ends = [*starts[1:], len(words)]
    return [" ".join(words[start:end]) for start, end in zip(starts, ends, strict=True)]


def _shell(command: str) -> str:
    if "\n" in command:
        lines = command.replace("\\", "\\\\").replace("'''", "\\'\\'\\'")
        return f"sh '''\n{indent(lines, _STEP)}\n'''\n"
    return f"sh {_text(command)}\n"


def _post(workflow: Workflow) -> str:
    """Return what is done in any case: the run's record and report, and what follows its end."""
    runs = workflow.below(store_passing.RUNS)
    command = workflow.closing('"$RUN"', f'--junit {shell_word(runs)}/"$RUN"/junit.xml')
    command = _with_parameters(workflow, command)
    body = _block("catchError(buildResult: 'FAILURE', stageResult: 'FAILURE')", _shell(command))
    if names := workflow.closing_secrets:
        given = ", ".join(
            f"string(credentialsId: {_text(name)}, variable: {_text(name)})" for name in names
        )
        body = _block(f"withCredentials([{given}])", body)
    results = f'"{runs}/${{env.RUN}}/junit.xml"'
    body += f"junit testResults: {results}, allowEmptyResults: true\n"
    body += f"archiveArtifacts artifacts: {_text(f'{runs}/**')}, allowEmptyArchive: true\n"
    return _block("post", _block("always", body))
