"""The files beside the CI file: the container image and the checks before a commit."""

import json
from dataclasses import replace
from pathlib import Path

from mlnb.core.project import Project
from mlnb.pipelines.exporters import headers, installing
from mlnb.pipelines.exporters.exporting import base_of
from mlnb.pipelines.exporters.kubernetes import FOLDER, USER
from mlnb.pipelines.exporters.options import Options
from mlnb.pipelines.exporters.workflow import shell_word
from mlnb.pipelines.exporters.yaml_text import Flow, document

NBSTRIPOUT = "nbstripout>=0.8,<1"
_IGNORED = (
    ".git", ".mlnb", ".mlnb-previous", "**/__pycache__", "**/.ipynb_checkpoints", ".venv", "venv",
    "executed", "*.env", ".env",
)  # fmt: skip


def render(project: Project, file: Path, options: Options) -> dict[Path, str]:
    """Return the files of a project by their places.

    Parameters
    ----------
    project : Project
        The project.
    file : Path
        Its pipeline file.
    options : Options
        Of the CI file; the version of Python and the installation count here, too.
    """
    base = base_of(project)
    shown = file.relative_to(base).as_posix()
    own = replace(options, output="", runners={}, without=())
    header = headers.of_init(shown, own)
    install = options.install or installing.command(project, base)
    return {
        base / ".pre-commit-config.yaml": _pre_commit(header, shown),
        base / "Dockerfile": _dockerfile(header, shown, options, _copied(project, base), install),
        base / ".dockerignore": _comments(header) + "\n".join(_IGNORED) + "\n",
    }


def _comments(header: list[str]) -> str:
    return "".join(f"# {line}".rstrip() + "\n" for line in header) + "\n"


def _pre_commit(header: list[str], file: str) -> str:
    local = [
        {
            "id": "nbstripout",
            "name": "no outputs in notebooks",
            "entry": "nbstripout",
            "language": "python",
            "additional_dependencies": [NBSTRIPOUT],
            "types": Flow(["jupyter"]),
        },
        {
            "id": "mlnb-parameters",
            "name": "the pipeline, its notebooks and their parameters",
            "entry": f"mlnb pipeline plan {shell_word(file)}",
            "language": "system",
            "files": r"\.(ipynb|py|ya?ml|toml)$",
            "pass_filenames": False,
        },
        {
            "id": "mlnb-ci",
            "name": "the CI file matches the pipeline",
            "entry": "mlnb ci check",
            "language": "system",
            "pass_filenames": False,
        },
    ]
    return document(header, {"repos": [{"repo": "local", "hooks": local}]})


def _copied(project: Project, base: Path) -> str:
    """Return what the installation reads, so that it is not repeated for every edit."""
    for folder in dict.fromkeys((project.root, base)):
        if (folder / "requirements.txt").is_file():
            return (folder / "requirements.txt").relative_to(base).as_posix()
        if (folder / "pyproject.toml").is_file():
            return "."
    return ""


def _dockerfile(header: list[str], file: str, options: Options, copied: str, install: str) -> str:
    install = install.replace("pip install ", "pip install --no-cache-dir ")
    copy = {"": "", ".": "COPY . .\n"}.get(copied, f"COPY {copied} {copied}\n")
    return _comments(header) + (
        f"FROM python:{options.python}-slim\n\n"
        "ENV PYTHONUNBUFFERED=1\n"
        f"WORKDIR {FOLDER}\n"
        f"RUN useradd --uid {USER} --create-home runner && chown runner {FOLDER}\n\n"
        f"{copy}RUN {install}\n\n"
        f"COPY --chown={USER}:{USER} . .\n"
        f"RUN mkdir -p .mlnb && chown {USER} .mlnb\n"
        f"USER {USER}\n"
        f"CMD {json.dumps(['mlnb', 'run', file])}\n"
    )
