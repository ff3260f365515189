"""A Kubernetes Job, or a CronJob where the pipeline has a schedule: a container for each step.

The containers of a Pod share a volume and run one after the other (``initContainers``, then the
last step); a failing one fails the Job. Kubernetes itself knows of no needs between Jobs.
"""

import math
import re
from typing import Any

from mlnb.core.errors import BadInput
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
from mlnb.pipelines.plans import PlannedStep

FOLDER = "/project"
"""Where the image has the repository; the Dockerfile of ``mlnb ci init`` puts it there."""
USER = 1000


def path(workflow: Workflow) -> str:
    """Return where it is written."""
    return f"kubernetes/{name_of(workflow)}.yaml"


def name_of(workflow: Workflow) -> str:
    """Return the name of the Job: as DNS allows."""
    return re.sub(r"[^a-z0-9-]+", "-", workflow.name.lower()).strip("-")[:52].rstrip("-")


def write(workflow: Workflow) -> str:
    """Return the manifest.

    Raises
    ------
    BadInput
        If there is no image to run, or a store that its containers would not share.
    """
    if not workflow.options.image:
        raise BadInput(
            "A Kubernetes Job needs the container image with the project.",
            "Build one (`mlnb ci init` writes a Dockerfile) and name it with --image.",
        )
    if not workflow.shared and not workflow.store.startswith(".mlnb/"):
        raise BadInput(
            f"The containers of a Pod would not share the store {workflow.store!r}.",
            "Let the setting `store` be an address, or a folder in .mlnb.",
        )
    header = list(workflow.header)
    name = name_of(workflow)
    if workflow.secrets:
        keys = ", ".join(workflow.secrets)
        header += ["", f"The Secret {name!r} must have the keys: {keys}."]
    labels = {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/managed-by": "mlnb",
    }
    job = _job(workflow, labels)
    schedule = workflow.pipeline.schedule
    body: dict[str, Any] = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": labels},
        "spec": job,
    }
    if schedule and "schedule" not in workflow.options.without:
        body["kind"] = "CronJob"
        body["spec"] = {
            "schedule": schedule.cron,
            "timeZone": schedule.timezone,
            "concurrencyPolicy": "Forbid",
            "jobTemplate": {"metadata": {"labels": labels}, "spec": job},
        }
    return document(header, body)


def _job(workflow: Workflow, labels: dict[str, str]) -> dict[str, Any]:
    pairs = [(task, job) for task in workflow.tasks for job in task.jobs]
    containers = [_container(workflow, task, job) for task, job in pairs]
    pod: dict[str, Any] = {"restartPolicy": "Never"}
    if label := workflow.options.runner(""):
        key, _, value = label.partition("=")
        pod["nodeSelector"] = {key: value}
    pod["securityContext"] = {"runAsNonRoot": True, "runAsUser": USER, "fsGroup": USER}
    if containers[:-1]:
        pod["initContainers"] = containers[:-1]
    pod["containers"] = containers[-1:]
    pod["volumes"] = [{"name": "state", "emptyDir": {}}]
    job: dict[str, Any] = {"backoffLimit": 0, "ttlSecondsAfterFinished": 7 * 24 * 3600}
    if all(task.spec.timeout for task in workflow.tasks):
        seconds = sum(store_passing.longest(task) for task, _ in pairs)
        job["activeDeadlineSeconds"] = math.ceil(seconds)
    return job | {"template": {"metadata": {"labels": labels}, "spec": pod}}


def _container(workflow: Workflow, task: Task, job: PlannedStep) -> dict[str, Any]:
    name = re.sub(r"[^a-z0-9]+", "-", id_of(job).lower()).strip("-")
    env: list[dict[str, Any]] = [
        {"name": "RUN", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    ]
    for parameter, item in workflow.given.items():
        value = _plain(default_text(item))
        env.append({"name": variable(parameter), "value": value})
    for secret in task.secrets:
        key = {"name": name_of(workflow), "key": secret}
        env.append({"name": secret, "valueFrom": {"secretKeyRef": key}})
    command = workflow.command(shell_word(job.name), '"$RUN"', *giving(workflow.given))
    made: dict[str, Any] = {
        "name": name[:63].rstrip("-"),
        "image": workflow.options.image,
        "command": Flow(["sh", "-c"]),
        "args": [f"exec {_plain(command)}"],  # exec: to get Kubernetes' signals itself
        "workingDir": FOLDER,
        "env": env,
    }
    if task.spec.resources:
        made["resources"] = _resources(task)
    state = f"{FOLDER}/{workflow.below('.mlnb')}"
    return made | {
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "state", "mountPath": state}],
    }


def _resources(task: Task) -> dict[str, Any]:
    """Return what a container asks for; other names only share out one machine."""
    names = {"cpus": "cpu", "cpu": "cpu", "memory": "memory", "gpu": "nvidia.com/gpu"}
    limits: dict[str, str] = {}
    for resource, amount in task.spec.resources.items():
        if resource in names:
            limits[names[resource]] = f"{amount:.15g}"
    return {"requests": limits, "limits": limits}


def _plain(text: str) -> str:
    """Return text that Kubernetes leaves as it is: it replaces ``$(NAME)``."""
    return text.replace("$(", "$$(")
