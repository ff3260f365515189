"""Starting and stopping: routes into the web application, the pusher onto the loop."""

from pathlib import Path
from typing import Any

from mlnb.ui.server.handlers import handlers
from mlnb.ui.server.push import Pusher
from mlnb.ui.server.routes import ROUTES
from mlnb.ui.server.sources import Sources

SETTING = "mlnb_pusher"
"""Key of the pusher in the web application's settings."""


def load(serverapp: Any) -> None:
    """Add the routes and register the event schema."""
    sources = Sources(Path(serverapp.root_dir))
    web_app = serverapp.web_app
    web_app.settings[SETTING] = Pusher(sources, serverapp.event_logger)
    base_url = web_app.settings["base_url"]
    web_app.add_handlers(".*$", handlers(base_url, sources, ROUTES))
    serverapp.log.info("mlnb: panel routes under %s/mlnb/api", base_url.rstrip("/"))


def start(serverapp: Any) -> None:
    """Start pushing changes to the browser; call it on the server's loop."""
    serverapp.web_app.settings[SETTING].start()
