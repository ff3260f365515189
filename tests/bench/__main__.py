"""``make bench``: what mlnb costs, side by side with what it is built on or replaces.

Each ``bench_<subject>.py`` yields `Line`s from a function ``lines``. Name subjects to run only
those: ``make bench ARGS=imports``. Both sides of a line are measured in turn, in the same
minute on the same machine, and the best of several is taken: read the ratio, not the times.
"""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).parent


def main(wanted: list[str]) -> int:
    """Run each subject in a process of its own."""
    known = sorted(file.stem.removeprefix("bench_") for file in FOLDER.glob("bench_*.py"))
    if unknown := set(wanted) - set(known):
        print(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(known)}.")
        return 4
    if len(wanted) == 1:
        show(wanted[0])
        return 0
    commands = [[sys.executable, str(FOLDER), subject] for subject in wanted or known]
    return max(subprocess.run(command, check=False).returncode for command in commands)


def show(subject: str) -> None:
    """Print a subject's table."""
    module = import_module(f"bench_{subject}")
    print(f"\n{module.__doc__.splitlines()[0]}", flush=True)
    for line in module.lines():
        print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
