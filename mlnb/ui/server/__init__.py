"""The Jupyter Server extension behind the JupyterLab panel.

Authenticated routes under ``/mlnb/api`` answer what a project holds; changes are pushed over
Jupyter Server's own event socket. Reading order: `messages` (what goes over the wire), `feed`
(what an event file says), `sources` (whose), `routing` (what a route is), `routes` (the functions
that answer, one module per part of the panel), `handlers` (HTTP), `push` (server → browser),
`extension` (loaded by Jupyter Server), `schema` (the wire's JSON Schema, from which the TypeScript
types are made), `openapi` (the same as a document for other clients).
"""

from typing import Any


def _load_jupyter_server_extension(serverapp: Any) -> None:
    """Add the routes; called by Jupyter Server while it starts."""
    from mlnb.ui.server.extension import load

    load(serverapp)


async def _start_jupyter_server_extension(serverapp: Any) -> None:
    """Start pushing changes; called by Jupyter Server once its loop runs."""
    from mlnb.ui.server.extension import start

    start(serverapp)
