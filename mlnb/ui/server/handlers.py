"""The routes. Every one is authenticated; work runs in an executor; errors have one table."""

import asyncio
import json
from http import HTTPStatus
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

from mlnb.core.errors import MlnbError
from mlnb.ui.server import sections
from mlnb.ui.server.messages import Section
from mlnb.ui.server.sections import LISTS
from mlnb.ui.server.sources import Source, Sources

PREFIX = ("mlnb", "api")


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
    """What all routes share: authorization under ``mlnb``, errors, the source of the lists."""

    auth_resource = "mlnb"
    _track_activity = False  # a panel that looks is no user activity: idle servers may be culled

    def initialize(self, sources: Sources) -> None:
        """Receive what the route table holds."""
        self.sources = sources

    async def source(self) -> Source:
        """Return what the query's ``folder`` asks for, the server's root folder by default."""
        return await asyncio.to_thread(self.sources.at, self.get_query_argument("folder", ""))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer any error as JSON."""
        info = kwargs.get("exc_info")
        error = info[1] if info else web.HTTPError(status_code)
        status, body = problem(error)
        self.set_status(status)
        self.finish(json.dumps(body))

    def log_exception(self, kind: Any, error: Any, trace: Any) -> None:
        """Log a traceback for what is unexpected only."""
        if isinstance(error, MlnbError):
            self.log.info("mlnb: %s", error)
        else:
            super().log_exception(kind, error, trace)


class ListHandler(Handler):
    """``GET <section>?folder=``: one list."""

    def initialize(self, sources: Sources, section: Section) -> None:  # type: ignore[override]
        """Receive what the route table holds."""
        super().initialize(sources)
        self.section = section

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer ``{"<section>": [record, …]}``."""
        records = await asyncio.to_thread(sections.read, self.section, await self.source())
        self.finish(json.dumps({self.section: records}))


class OverviewHandler(Handler):
    """``GET overview?folder=``: all lists at one moment."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer an `Overview`; a list that cannot be read is a problem, not a failure."""
        source = await self.source()
        place = await asyncio.to_thread(sections.place, source)
        answers = await asyncio.gather(
            *(asyncio.to_thread(sections.read, section, source) for section in LISTS),
            return_exceptions=True,
        )
        body: dict[str, Any] = {"format": 1, "project": place.to_dict(), "problems": {}}
        for section, answer in zip(LISTS, answers, strict=True):
            if isinstance(answer, BaseException):
                body[section] = []
                body["problems"][section] = self._problem_of(section, answer)
            else:
                body[section] = answer
        self.finish(json.dumps(body))

    def _problem_of(self, section: Section, error: BaseException) -> dict[str, Any]:
        if not isinstance(error, MlnbError):
            self.log.error("mlnb: listing %s failed", section, exc_info=error)
        return problem(error)[1]


def routes(base_url: str, sources: Sources) -> list[tuple[str, type[Handler], dict[str, Any]]]:
    """Return the route table."""
    prefix = url_path_join(base_url, *PREFIX)
    return [
        (url_path_join(prefix, "overview"), OverviewHandler, {"sources": sources}),
        *(
            (url_path_join(prefix, section), ListHandler, {"sources": sources, "section": section})
            for section in LISTS
        ),
    ]
