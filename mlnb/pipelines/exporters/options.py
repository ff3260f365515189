"""What is said on the command line of an export, and written into the header of its file."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlnb.core.errors import BadInput, suggestion

TARGETS = ("github", "gitlab", "jenkins", "kfp", "dvc", "kubernetes")


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a pipeline is written for another system."""

    target: str
    output: str = ""
    """File, relative to where the repository begins; by default the target's usual one."""
    image: str = ""
    """Container image with the project and its packages."""
    install: str = ""
    """Command that installs the project's packages; by default by the files it has."""
    python: str = "3.11"
    branch: str = "main"
    """Branch whose changes start a run."""
    runners: Mapping[str, str] = field(default_factory=dict)
    """Label of the machine (runner, agent, node) by step; ``""`` is for all others."""
    without: tuple[str, ...] = ()
    """Features of the pipeline that are knowingly left out."""

    def __post_init__(self) -> None:
        """Refuse a target that there is not."""
        if self.target not in TARGETS:
            raise BadInput(
                f"Nothing can be exported to {self.target!r}.", suggestion(self.target, TARGETS)
            )

    def words(self) -> list[str]:
        """Return the options as they are typed."""
        words = ["--to", self.target]
        for name in ("output", "image", "install"):
            if value := getattr(self, name):
                words += [f"--{name}", value]
        if self.python != Options.python:
            words += ["--python", self.python]
        if self.branch != Options.branch:
            words += ["--branch", self.branch]
        for step, label in sorted(self.runners.items()):
            words += ["--runner", f"{step}={label}" if step else label]
        for feature in sorted(self.without):
            words += ["--without", feature]
        return words

    def runner(self, step: str, default: str = "") -> str:
        """Return the label of the machine that a step runs on."""
        return self.runners.get(step) or self.runners.get("") or default
