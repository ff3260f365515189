"""One handler for all routes: authenticated, authorized, in a thread, with one table of errors."""

import asyncio
import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

from mlnb.core import project
from mlnb.core.errors import MlnbError, UnknownName
from mlnb.core.records import Record, finite
from mlnb.ui.server.routing import Blob, Route
from mlnb.ui.server.sources import Sources

PREFIX = ("mlnb", "api")
RESOURCE = "mlnb"
"""What the server's authorizer knows all routes by."""


def problem(error: BaseException) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and JSON body of any error: the one table of all routes."""
    if isinstance(error, MlnbError):
        return error.http_status, error.to_dict()
    if isinstance(error, web.HTTPError):
        status = error.status_code
        message = error.log_message or error.reason or HTTPStatus(status).phrase
        return status, {"error": type(error).__name__, "message": message, "fix": ""}
    return 500, {
        "error": type(error).__name__,
        "message": "Something unexpected went wrong in mlnb's server extension.",
        "fix": "The Jupyter server's log has the details.",
    }


class Handler(APIHandler):
    """What all routes share: errors, and calling a route's function in a thread."""

    auth_resource = RESOURCE
    offered: tuple[str, ...] = ()
    """Methods of the path's routes."""
    _track_activity = False  # a panel that looks is no user activity: idle servers may be culled

    def initialize(self, sources: Sources) -> None:
        """Receive what the route table holds."""
        self.sources = sources

    async def answer(self, route: Route) -> None:
        """Answer a request by the route's function."""
        query = {
            name: self.get_query_arguments(name, strip=False)
            for name in self.request.query_arguments
            if not name.isdigit()  # JupyterLab's way past a browser's cache
        }
        folder = query.pop("folder", [""])[-1]
        query.pop("token", None)  # Jupyter's own
        arguments = route.arguments(self.path_kwargs, query, self.request.body)
        found = await asyncio.to_thread(self._found, route, folder, arguments)
        if isinstance(found, Blob):
            self._send(found)
        else:
            self.finish(json.dumps(finite(found.to_dict())))

    def _found(self, route: Route, folder: str, arguments: dict[str, Any]) -> Record | Blob:
        source = self.sources.at(folder)
        if source.untouched and not route.anywhere:
            raise UnknownName("record", folder or ".", fix="Nothing was recorded here yet.")
        with project.using(source.project):
            return route.answer(source, **arguments)

    def _send(self, blob: Blob) -> None:
        self.set_header("X-Content-Type-Options", "nosniff")
        if blob.name:
            name = quote(blob.name, safe="")
            self.set_header("Content-Disposition", f"inline; filename*=UTF-8''{name}")
        self.finish(blob.content, set_content_type=blob.media_type)

    @property
    def content_security_policy(self) -> str:
        """Return Jupyter's policy for its API, and that nothing answered may run anything."""
        return f"{super().content_security_policy}; sandbox"

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer any error as JSON."""
        info = kwargs.get("exc_info")
        error = info[1] if info else web.HTTPError(status_code)
        status, body = problem(error)
        self.set_status(status)
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.set_header("Allow", ", ".join(self.offered))
        self.finish(json.dumps(body))

    def log_exception(self, kind: Any, error: Any, trace: Any) -> None:
        """Log a traceback for what is unexpected only."""
        if isinstance(error, MlnbError):
            self.log.info("mlnb: %s", error)
        else:
            super().log_exception(kind, error, trace)


def handlers(
    base_url: str, sources: Sources, routes: Iterable[Route]
) -> list[tuple[str, type[Handler], dict[str, Any]]]:
    """Return the web application's table for these routes: one handler class per path."""
    prefix = url_path_join(base_url, *PREFIX)
    by_path: dict[str, list[Route]] = {}
    for route in routes:
        by_path.setdefault(route.pattern, []).append(route)
    return [
        (url_path_join(prefix, pattern), _handler(answered), {"sources": sources})
        for pattern, answered in by_path.items()
    ]


def _handler(routes: Iterable[Route]) -> type[Handler]:
    methods = {route.method.lower(): _method(route) for route in routes}
    offered = tuple(sorted(name.upper() for name in methods))
    return type("RouteHandler", (Handler,), {"__module__": __name__, "offered": offered, **methods})


def _method(route: Route) -> Callable[..., Any]:
    async def method(self: Handler, **_path: str) -> None:
        await self.answer(route)

    method.__doc__ = route.answer.__doc__
    return web.authenticated(authorized(route.action, RESOURCE)(method))
