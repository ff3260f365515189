"""An endpoint's state on this machine: where it listens, who runs it, its secrets (0600)."""

import json
import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from mlnb.core.errors import MlnbError
from mlnb.core.extras import require
from mlnb.core.records import Record


@dataclass(frozen=True, kw_only=True)
class LocalState(Record):
    """What the supervisor of a local endpoint writes down."""

    name: str
    host: str
    port: int
    token: str
    """What clients send."""
    secret: str
    """What the control line asks for."""
    auth: bool = True
    workers: int = 1
    control_port: int = 0
    pid: int | None = None
    """Of the supervisor; None when it was stopped."""
    created: float | None = None
    """When that process was created, so that another process with its pid is not taken for it."""
    release: int | None = None
    model: str = ""
    since: datetime | None = None
    generations: list[dict[str, Any]] = field(default_factory=list)
    """Where the processes of each release are (`mlnb.serving.generation.Place`), the one that
    serves first; those without a release are kept warm."""

    @property
    def url(self) -> str:
        """Return the address clients on this machine use."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104  (compared with, not bound)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def read(file: Path) -> LocalState | None:
    """Return a state file's content, or None when there is none or it is damaged."""
    try:
        return LocalState.from_dict(json.loads(file.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, MlnbError):
        return None


def write(file: Path, state: LocalState) -> None:
    """Replace a state file; readable by its owner only from its first moment."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(state.to_dict(), stream, indent=2)
    draft.replace(file)


def _supervises(process: Any, name: str) -> bool:
    command = process.cmdline()
    if "mlnb.serving.standby" in command:  # it was started before its name was known
        lock = f"/{name}/supervisor.lock"
        return any(file.path.endswith(lock) for file in process.open_files())
    return "mlnb.serving.supervisor" in command and f'"name": "{name}"' in " ".join(command)


def process(state: LocalState | None) -> Any:
    """Return the supervisor's psutil process, or None when it is gone (or its pid is another's)."""
    psutil = require("psutil", "serving")
    if state is None or state.pid is None or state.created is None:
        return None
    try:
        found = psutil.Process(state.pid)
        # The clock may have been set since; then the command line tells.
        same = abs(found.create_time() - state.created) < 1 or _supervises(found, state.name)
        return found if same and found.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def loaders(state: LocalState | None) -> list[Any]:
    """Return the psutil processes of an endpoint's loaders that run."""
    psutil = require("psutil", "serving")
    found = []
    for place in state.generations if state is not None else []:
        try:
            process = psutil.Process(place["pid"])
            same = abs(process.create_time() - place["created"]) < 1
            if same and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found
