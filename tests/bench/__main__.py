"""``make bench``: what mlnb costs, side by side with what it is built on or replaces.

Each ``bench_<subject>.py`` yields `Line`s from a function ``lines``. Name subjects to run only
those: ``make bench ARGS=imports``. Both sides of a line are measured in turn, in the same
minute on the same machine, and the best of several is taken: read the ratio, not the times.
"""

import sys
from importlib import import_module
from pathlib import Path


def main(wanted: list[str]) -> None:
    """Run the benchmarks and print one table each."""
    for file in sorted(Path(__file__).parent.glob("bench_*.py")):
        subject = file.stem.removeprefix("bench_")
        if wanted and subject not in wanted:
            continue
        module = import_module(file.stem)
        print(f"\n{module.__doc__.splitlines()[0]}")
        for line in module.lines():
            print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
