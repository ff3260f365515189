"""How another machine installs what the project needs, told by the files that the project has."""

from importlib.metadata import version
from pathlib import Path

from mlnb.core.project import Project
from mlnb.pipelines.exporters.workflow import shell_word


def command(project: Project, base: Path) -> str:
    """Return the command that installs the project's packages, run where the repository begins."""
    for folder in dict.fromkeys((project.root, base)):
        at = folder.relative_to(base).as_posix()
        if (folder / "requirements.txt").is_file():
            file = "requirements.txt" if at == "." else f"{at}/requirements.txt"
            return f"pip install -r {shell_word(file)}"
        if (folder / "pyproject.toml").is_file():
            return f"pip install {shell_word('.' if at == '.' else f'./{at}')}"
    return f"pip install 'mlnb=={version('mlnb')}'"
