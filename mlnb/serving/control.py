"""The line to an endpoint's supervisor: one JSON object per line, over loopback, with a secret.

Requests: ``status``, ``prepare`` (start a release without serving it), ``commit`` (let it serve),
``stop``. A line that is closed between prepare and commit discards what was prepared.
"""

import json
import socket
from types import TracebackType
from typing import Any, Self

from mlnb.core.errors import EndpointUnavailable, ReleaseFailed
from mlnb.serving.state import LocalState

QUICK = 10.0
START = 180.0
"""Seconds that a model may take to load."""
_LONGEST = 16 * 1024 * 1024


class Control:
    """An open line; used by one thread.

    Owns its connection. Every failure of the line is raised as `EndpointUnavailable`.
    """

    def __init__(self, state: LocalState) -> None:
        self._state = state
        try:
            self._socket = socket.create_connection(("127.0.0.1", state.control_port), QUICK)
        except OSError as error:
            raise EndpointUnavailable(
                state.name, f"its supervisor does not answer ({error})"
            ) from None
        self._reader = self._socket.makefile("rb")

    def ask(self, request: str, *, seconds: float = QUICK, **facts: Any) -> dict[str, Any]:
        """Send a request and return the answer.

        Raises
        ------
        ReleaseFailed
            If a release could not be started.
        EndpointUnavailable
            If the supervisor refuses or does not answer.
        """
        line = json.dumps({"request": request, "secret": self._state.secret, **facts})
        self._socket.settimeout(seconds)
        try:
            self._socket.sendall(line.encode() + b"\n")
            answer = self._reader.readline(_LONGEST)
        except OSError as error:
            raise EndpointUnavailable(
                self._state.name, f"its supervisor does not answer ({error})"
            ) from None
        if not answer:
            raise EndpointUnavailable(self._state.name, "its supervisor hung up")
        reply: dict[str, Any] = json.loads(answer)
        if reply.get("failed"):
            raise ReleaseFailed(
                reply["model"], self._state.name, reply["failed"], reply.get("serving", "")
            )
        if reply.get("refused"):
            raise EndpointUnavailable(self._state.name, reply["refused"])
        return reply

    def close(self) -> None:
        """Hang up."""
        self._reader.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()
