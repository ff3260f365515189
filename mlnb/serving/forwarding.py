"""How a worker that is being replaced answers: it asks its successor.

A client's open connection belongs to the old worker after a switch. Closing it could lose a
request that is just being sent, and answering it would be an answer of the old release; so the
old worker passes such a request on to the port, where only the new ones accept, and closes after
that.
"""

from typing import Any

from mlnb.core.extras import require
from mlnb.serving.app import Request, Response

_HOP = frozenset({b"connection", b"content-length", b"transfer-encoding", b"keep-alive", b"host"})


class Forwarder:
    """Passes requests on to an address; used by one event loop.

    Parameters
    ----------
    address : str
        ``http://127.0.0.1:8000``.
    """

    def __init__(self, address: str) -> None:
        httpx = require("httpx", "serving")
        self._address = address
        self._client: Any = httpx.AsyncClient(timeout=None, trust_env=False)

    async def __call__(self, request: Request, body: bytes) -> Response:
        """Return the successor's answer."""
        query = request.scope.get("query_string", b"").decode("latin-1")
        url = self._address + request.scope["path"] + (f"?{query}" if query else "")
        headers = [(key, value) for key, value in request.scope["headers"] if key not in _HOP]
        answer = await self._client.request(
            request.scope["method"], url, content=body, headers=headers
        )
        kept = [
            (key.lower(), value)
            for key, value in answer.headers.raw
            if key.lower() not in _HOP | {b"content-type", b"date", b"server"}
        ]
        return Response(
            answer.status_code, answer.content, answer.headers.get("content-type", ""), kept
        )
