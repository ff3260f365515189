"""The journal of a notebook that runs in-process: JSON lines, written once, read by the parent.

=========  =====================================================================================
``hello``  the shell stands: ``language``, ``pid``
``start``  cell ``cell`` runs as number ``count``
``out``    further ``outputs`` of cell ``cell``; a stream continues the one before of its name
``clear``  the outputs of cell ``cell`` are gone
``patch``  output ``output`` of cell ``cell`` was displayed anew: ``data``, ``metadata``
``flood``  cell ``cell`` goes on writing far beyond the limit
``end``    cell ``cell`` has ended: ``status`` (``ok``, ``error``, ``skipped``), ``count``,
           ``error`` and ``value``, ``seconds``, ``reason``
``note``   what a hook returned, from ``hook``, about cell ``cell``
``exit``   a cell asked to end here, well
``done``   the last cell has ended; ``widgets`` is the state to keep in the notebook's metadata
``bye``    the process has nothing left to do: ``status``, ``problem``
=========  =====================================================================================
"""

import json
import os
from typing import Any


def bye(status: int, problem: str) -> bytes:
    """Return the last line."""
    return json.dumps({"k": "bye", "status": status, "problem": problem}).encode() + b"\n"


class Writer:
    """Writes lines to a descriptor; each is whole or absent when the process is killed."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._process = os.getpid()
        os.set_inheritable(descriptor, False)

    def write(self, *entries: dict[str, Any]) -> None:
        """Append entries; a process that a cell has forked writes none."""
        if os.getpid() != self._process or not entries:
            return
        text = "".join(json.dumps(entry, default=str) + "\n" for entry in entries)
        data = memoryview(text.encode())
        while data:
            data = data[os.write(self._descriptor, data) :]


class Reader:
    """Puts lines together from what arrives in pieces."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """Take further bytes and return the entries that are complete with them."""
        head, newline, tail = data.rpartition(b"\n")
        if not newline:
            self._pieces.append(data)
            return []
        whole = b"".join([*self._pieces, head])
        self._pieces = [tail] if tail else []
        return [json.loads(line) for line in whole.split(b"\n")]
