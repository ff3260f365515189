"""Where an endpoint's files of this machine are: ``.mlnb/local/endpoints/``.

::

    <name>.json          state: address, process, token (0600)
    <name>.lock          held while somebody deploys, rolls back or stops
    <name>/log/          prediction log
    <name>/metrics/      counts shared by the worker processes
    <name>/server.log    what the supervisor and the workers said
"""

from pathlib import Path

from mlnb.core import project


def endpoints_folder() -> Path:
    """Return the folder of all endpoints of this machine; asking for it does not make it."""
    return project.current().root / project.STATE / "local" / "endpoints"


def state_file(name: str) -> Path:
    """Return the file that says where an endpoint runs."""
    return endpoints_folder() / f"{name}.json"


def lock_file(name: str) -> Path:
    """Return the file that is locked while an endpoint is being changed."""
    return endpoints_folder() / f"{name}.lock"


def endpoint_folder(name: str) -> Path:
    """Return an endpoint's own folder."""
    return endpoints_folder() / name


def log_folder(name: str) -> Path:
    """Return the folder of an endpoint's prediction log."""
    return endpoint_folder(name) / "log"


def server_log(name: str) -> Path:
    """Return the file the endpoint's processes write to."""
    return endpoint_folder(name) / "server.log"
