"""Server → browser: changes as events on Jupyter Server's own event socket.

The push only says that something changed (and how far pipeline runs are); the REST snapshot
stays the truth, so a lost push costs a delay and never a wrong list.
"""

import asyncio
from dataclasses import replace
from typing import Any

from tornado.ioloop import PeriodicCallback

from mlnb.core.records import finite
from mlnb.ui.server.feed import Feed
from mlnb.ui.server.sources import Sources

SCHEMA_ID = "urn:mlnb:change:v1"
INTERVAL = 0.25
"""Seconds between two looks at the event file; also the most often that the panel is told."""

SCHEMA: dict[str, Any] = {
    "$id": SCHEMA_ID,
    "version": "1",
    "title": "A project changed",
    "description": "Lists that changed; pipeline runs and jobs as they are now.",
    "personal-data": False,
    "type": "object",
    "required": ["folder", "sections", "pipelines"],
    "properties": {
        "format": {"type": "integer"},
        "folder": {"type": "string"},
        "sections": {"type": "array", "items": {"type": "string"}},
        "pipelines": {"type": "array", "items": {"type": "object"}},
        "jobs": {"type": "array", "items": {"type": "object"}},
        "revision": {"type": "integer"},
    },
}


class Pusher:
    """Looks at the event files regularly and emits what they say.

    Parameters
    ----------
    sources : Sources
        The folders that are followed.
    event_logger : jupyter_events.EventLogger
        Jupyter Server's; the schema is registered with it.
    """

    def __init__(self, sources: Sources, event_logger: Any) -> None:
        self._sources = sources
        self._event_logger = event_logger
        self._told: dict[str, int] = {}
        self._looking = False
        self._timer = PeriodicCallback(self.look, INTERVAL * 1000)
        event_logger.register_event_schema(SCHEMA)

    def start(self) -> None:
        """Begin; call it on the server's loop."""
        self._timer.start()

    def stop(self) -> None:
        """Stop looking."""
        self._timer.stop()

    async def look(self) -> None:
        """Emit what is new, if anything is."""
        if self._looking:  # a slow disk: the next look finds all that is new
            return
        self._looking = True
        try:
            told: dict[str, int] = {}
            for folder, source in self._sources.followed():
                seen = self._told.get(folder, source.revision)
                told[folder] = await self._tell(folder, source.feed, seen)
            self._told = told
        finally:
            self._looking = False

    async def _tell(self, folder: str, feed: Feed, seen: int) -> int:
        if not feed.changed(seen):
            return seen
        change = await asyncio.to_thread(feed.since, seen)
        if change.sections or change.pipelines or change.jobs:
            message = finite(replace(change, folder=folder).to_dict())
            self._event_logger.emit(schema_id=SCHEMA_ID, data=message)
        return change.revision
