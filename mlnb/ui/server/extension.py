"""Starting and stopping: routes into the web application, the pusher onto the loop."""

from pathlib import Path
from typing import Any

from mlnb.core.project import STATE
from mlnb.ui.server.feed import Feed
from mlnb.ui.server.handlers import routes
from mlnb.ui.server.push import Pusher
from mlnb.ui.server.sections import Source, project_root

SETTING = "mlnb_pusher"
"""Key of the pusher in the web application's settings."""


def load(serverapp: Any) -> None:
    """Add the routes and register the event schema."""
    server_root = Path(serverapp.root_dir)
    feed = Feed(lambda: project_root(server_root) / STATE / "events.jsonl")
    web_app = serverapp.web_app
    web_app.settings[SETTING] = Pusher(feed, serverapp.event_logger)
    base_url = web_app.settings["base_url"]
    web_app.add_handlers(".*$", routes(base_url, Source(server_root, feed)))
    serverapp.log.info("mlnb: panel routes under %s/mlnb/api", base_url.rstrip("/"))


async def start(serverapp: Any) -> None:
    """Start pushing changes to the browser."""
    await serverapp.web_app.settings[SETTING].start()
