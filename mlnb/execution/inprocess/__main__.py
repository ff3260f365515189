"""``python -P -m mlnb.execution.inprocess FD``: a fresh process that runs one request.

The request is JSON on a descriptor: it does not show in a list of processes.
"""

import json
import os
import sys
from typing import Any

from mlnb.execution.inprocess import main
from mlnb.execution.warm import limits


def _request(descriptor: int) -> dict[str, Any]:
    with os.fdopen(descriptor, encoding="utf-8") as stream:
        read: dict[str, Any] = json.load(stream)
    return read


if __name__ == "__main__":
    asked = _request(int(sys.argv[1]))
    sys.argv[:] = [str(item) for item in asked.get("argv", [""])]
    limits.limit_memory(asked.get("memory", 0))
    main(asked)
