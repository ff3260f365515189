"""A checked pipeline as every exporter sees it: tasks in order, what they need, what they run.

The targets differ in how they write it; what a job runs is the same in all of them:
``mlnb pipeline step FILE STEP --run RUN``.
"""

import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlnb.pipelines import expressions
from mlnb.pipelines.exporters import code
from mlnb.pipelines.exporters.options import Options
from mlnb.pipelines.plans import PlannedStep, Prepared
from mlnb.pipelines.spec import Parameter, Pipeline, Step


@dataclass(frozen=True, kw_only=True)
class Task:
    """A step of the pipeline with its jobs: one, or one for each combination of a matrix."""

    name: str
    slug: str
    """The name with lower-case letters, digits and hyphens only, unique."""
    spec: Step
    needs: list[str]
    """Names of tasks, written or inferred from inputs."""
    jobs: list[PlannedStep]
    stage: int
    secrets: list[str]
    sources: list[str]
    """Files of its code, relative to the project: the notebook or script, project modules."""

    @property
    def many(self) -> bool:
        """Tell whether it has a job for each combination."""
        return bool(self.spec.matrix) or self.spec.foreach is not None

    @property
    def max_parallel(self) -> int | None:
        """Return how many of its jobs may run at a time."""
        return (
            self.spec.foreach.max_parallel if self.spec.foreach else self.spec.matrix.max_parallel
        )


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """A pipeline to be written for another system."""

    pipeline: Pipeline
    file: str
    """The pipeline file, relative to where the other system checks the repository out."""
    home: str
    """The project's folder there: ``.`` or a path."""
    tasks: list[Task]
    """In an order in which they could run one by one."""
    values: Mapping[str, Any]
    """Of the parameters, where a run is given no others."""
    chosen: list[str]
    """Parameters that were given to the export."""
    fixed: list[str]
    """Parameters that say which jobs there are, so that they cannot be given to a run."""
    store: str
    """The object store: an address, or a folder relative to the project."""
    options: Options
    header: list[str]

    @property
    def shared(self) -> bool:
        """Tell whether every machine reaches the store: an address, or a folder by full path."""
        return is_shared(self.store)

    @property
    def name(self) -> str:
        """Return the pipeline's name."""
        return self.pipeline.name

    @property
    def given(self) -> dict[str, Parameter]:
        """Return the parameters that can be given to a run, with the values they have without."""
        return {
            name: item.model_copy(update={"default": self.values[name], "required": False})
            for name, item in self.pipeline.params.items()
            if name not in self.fixed and not item.secret
        }

    @property
    def secrets(self) -> list[str]:
        """Return the names of all secrets."""
        of_steps = {name for task in self.tasks for name in task.secrets}
        return sorted(of_steps.union(self.closing_secrets))

    @property
    def closing_secrets(self) -> list[str]:
        """Return the secrets of what follows a run: ``on_failure``, the addresses of webhooks."""
        pipeline, without = self.pipeline, self.options.without
        found: set[str] = set()
        if pipeline.on_failure and "on_failure" not in without:
            found |= {*_secrets(pipeline, pipeline.on_failure)}
        if "notify" not in without:
            found |= {item.webhook for item in pipeline.notify if item.webhook}
        return sorted(found)

    def below(self, path: str) -> str:
        """Return a path of the project as it is seen from where the repository is checked out."""
        return path if self.home == "." else f"{self.home}/{path}"

    def beside(self, path: str) -> str:
        """Return a path of the project as it is seen from the folder of the pipeline file."""
        return posixpath.relpath(self.below(path), posixpath.dirname(self.file) or ".")

    @property
    def said(self) -> list[str]:
        """Return the words that give the parameters which were given to the export."""
        return [f"-y {shell_word(json.dumps({name: self.values[name]}))}" for name in self.chosen]

    def task(self, name: str) -> Task:
        """Return a task by its name."""
        return next(task for task in self.tasks if task.name == name)

    def before(self, task: Task) -> list[Task]:
        """Return the tasks that a task needs, and those they need, in order."""
        names = set(task.needs)
        for earlier in reversed(self.tasks):
            if earlier.name in names:
                names |= set(earlier.needs)
        return [earlier for earlier in self.tasks if earlier.name in names]

    def command(self, job: str, run: str, *more: str) -> str:
        """Return the command of a job; its words are quoted for a shell by the caller."""
        return " ".join(["mlnb pipeline step", shell_word(self.file), job, "--run", run, *more])

    def closing(self, run: str, *more: str) -> str:
        """Return the command that ends a run, after all its jobs; quoted as in `command`."""
        left_out = [
            f"--without {name}" for name in ("notify", "on_failure") if name in self.options.without
        ]
        words = ["mlnb pipeline close", shell_word(self.file), "--run", run, *left_out, *more]
        return " ".join(words)

    @property
    def closing_slug(self) -> str:
        """Return a name for the last job that no step has."""
        return _slug("close", {task.slug for task in self.tasks})


def of(
    prepared: Prepared,
    base: Path,
    options: Options,
    header: list[str],
    given: Mapping[str, Any],
) -> Workflow:
    """Return what the exporters write of a plan; ``base`` is where the repository begins."""
    plan, pipeline, project = prepared.plan, prepared.pipeline, prepared.project
    folder = (project.root / plan.path).parent
    jobs: dict[str, list[PlannedStep]] = {}
    for planned in plan.steps:
        jobs.setdefault(planned.step, []).append(planned)
    steps = {planned.name: planned.step for planned in plan.steps}
    slugs: set[str] = set()
    tasks = [
        Task(
            name=name,
            slug=_slug(name, slugs),
            spec=pipeline.steps[name],
            needs=sorted(
                {steps[need] for job in group for need in job.needs} | {*pipeline.steps[name].needs}
            ),
            jobs=group,
            stage=max(job.stage for job in group),
            secrets=_secrets(pipeline, pipeline.steps[name]),
            sources=code.files(project, folder, pipeline.steps[name], group[0]),
        )
        for name, group in jobs.items()
    ]
    return Workflow(
        pipeline=pipeline,
        file=(project.root / plan.path).relative_to(base).as_posix(),
        home=project.root.relative_to(base).as_posix(),
        tasks=tasks,
        values=plan.parameters,
        chosen=sorted(given),
        fixed=_fixed(pipeline),
        store=project.settings.store,
        options=options,
        header=header,
    )


def is_shared(store: str) -> bool:
    """Tell whether every machine reaches a store: an address, or a folder by full path."""
    return "://" in store or store.startswith("/")


def _secrets(pipeline: Pipeline, step: Step) -> list[str]:
    """Return the secrets of a step: its own, and the pipeline's secret parameters."""
    return sorted({*step.secrets, *(n for n, item in pipeline.params.items() if item.secret)})


def _fixed(pipeline: Pipeline) -> list[str]:
    """Return the parameters on which it depends what jobs there are."""
    found: set[str] = set()
    for step in pipeline.steps.values():
        texts: list[Any] = [*step.matrix.axes.values(), step.matrix.include, step.matrix.exclude]
        texts += [step.foreach.items] if step.foreach else []
        for reference in expressions.references(texts, pipeline.steps):
            if reference.root == "params":
                found.add(reference.name)
    return sorted(found)


def _slug(name: str, taken: set[str]) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "step"
    plain = plain if plain[0].isalpha() else f"s-{plain}"
    slug = next(s for s in (plain, *(f"{plain}-{n}" for n in range(2, 1000))) if s not in taken)
    taken.add(slug)
    return slug


def id_of(job: PlannedStep) -> str:
    """Return a name of a job that any system takes: that of its notebook, without the ending."""
    return job.file.rpartition(".")[0] or job.file


def shell_word(text: str) -> str:
    """Return a word as a POSIX shell reads it, quoted only when it must be."""
    if re.fullmatch(r"[\w@%+=:,./-]+", text, re.ASCII):
        return text
    return "'" + text.replace("'", "'\\''") + "'"


def giving(parameters: Mapping[str, Parameter]) -> list[str]:
    """Return the words that give a step the parameters, which are in shell variables."""
    words = []
    for name, item in parameters.items():
        value = f"${variable(name)}"
        if is_text(item):
            words += ["-r", name, f'"{value}"']
        elif isinstance(item.default, list | dict) or item.type.startswith(("list", "dict")):
            words += ["-y", f'"{name}: {value}"']
        else:
            words += ["-p", name, f'"{value}"']
    return words


def variable(parameter: str) -> str:
    """Return the environment variable that holds a parameter."""
    return f"PARAM_{parameter.upper()}"


def is_text(item: Parameter) -> bool:
    """Tell whether a parameter is text, which must not be read as a number."""
    return item.type in {"str", "date", "datetime"} or (
        not item.type and isinstance(item.default, str)
    )


def default_text(item: Parameter) -> str:
    """Return a parameter's default as it is typed on a command line."""
    return item.default if isinstance(item.default, str) else json.dumps(item.default)
