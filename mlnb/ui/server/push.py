"""Server → browser: changes as events on Jupyter Server's own event socket.

The push only says that something changed (and how far pipeline runs are); the REST snapshot
stays the truth, so a lost push costs a delay and never a wrong list.
"""

import asyncio
from dataclasses import replace
from typing import Any

from tornado.ioloop import PeriodicCallback

from mlnb.core.records import finite
from mlnb.ui.server.sources import Sources

SCHEMA_ID = "urn:mlnb:change:v1"
INTERVAL = 0.4
"""Seconds between two looks at the event file; also the most often that the panel is told."""

SCHEMA: dict[str, Any] = {
    "$id": SCHEMA_ID,
    "version": "1",
    "title": "A project changed",
    "description": "Lists that changed, and pipeline runs as they are now.",
    "personal-data": False,
    "type": "object",
    "required": ["folder", "sections", "pipelines"],
    "properties": {
        "format": {"type": "integer"},
        "folder": {"type": "string"},
        "sections": {"type": "array", "items": {"type": "string"}},
        "pipelines": {"type": "array", "items": {"type": "object"}},
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
        for folder, feed in self._sources.followed():
            if not feed.changed():
                continue
            change = await asyncio.to_thread(feed.take)
            if change.sections or change.pipelines:
                message = finite(replace(change, folder=folder).to_dict())
                self._event_logger.emit(schema_id=SCHEMA_ID, data=message)
