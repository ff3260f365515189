"""A loop of papermill over notebooks, in one process: what people write by hand.

``python pipeline_papermill.py NOTEBOOK…`` prints the seconds of each as JSON. Importing papermill
is not counted.
"""

import json
import logging
import sys
import time

import papermill


def main(notebooks: list[str]) -> None:
    """Execute the notebooks one after the other."""
    logging.getLogger("papermill").setLevel(logging.ERROR)
    taken = []
    for name in notebooks:
        begun = time.perf_counter()
        papermill.execute_notebook(f"{name}.ipynb", f"out/{name}.ipynb", progress_bar=False)
        taken.append(time.perf_counter() - begun)
    print(json.dumps(taken))


if __name__ == "__main__":
    main(sys.argv[1:])
