"""Endpoints that start by themselves: a unit of systemd's for the user, written when asked for."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from mlnb.core import project
from mlnb.core.errors import BadInput
from mlnb.core.records import Record

_UNIT = """[Unit]
Description=mlnb endpoint {name} of project {project}
After=network.target

[Service]
Type=oneshot
RemainAfterExit=yes
WorkingDirectory={root}
Environment={environment}
ExecStart={python} -m mlnb endpoint start {name}
ExecStop={python} -m mlnb endpoint stop {name}
TimeoutStartSec=300
TimeoutStopSec=120

[Install]
WantedBy=default.target
"""


@dataclass(frozen=True, kw_only=True)
class Autostart(Record):
    """Whether an endpoint starts at login, and by which unit."""

    endpoint: str
    enabled: bool
    unit: str
    file: str
    """Relative to the home folder."""
    notes: list[str] = field(default_factory=list)


def autostart(name: str, *, off: bool = False) -> Autostart:
    """Have an endpoint start when its user logs in (with lingering: when the machine does).

    Writes ``~/.config/systemd/user/mlnb-….service``, which runs ``mlnb endpoint start``, and
    enables it where systemd runs for the user.

    Parameters
    ----------
    name : str
        Endpoint.
    off : bool
        Take it back.

    Raises
    ------
    UnknownName
        If there is no such endpoint.
    BadInput
        If this is no Linux.
    """
    from mlnb.serving import endpoints

    endpoints.history(name)  # it exists
    if not sys.platform.startswith("linux"):
        raise BadInput("Only systemd starts endpoints.", "Use Linux, or start it by other means.")
    unit = unit_name(name)
    file = _folder() / unit
    if off:
        _systemctl("disable", unit)
        file.unlink(missing_ok=True)
        return Autostart(endpoint=name, enabled=False, unit=unit, file=_shown(file))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(unit_text(name), encoding="utf-8")
    notes = ["To start it with the machine, before you log in: loginctl enable-linger"]
    if not (_systemctl("daemon-reload") and _systemctl("enable", unit)):
        notes.insert(
            0, f"systemd does not run for you here; enable it: systemctl --user enable {unit}"
        )
    return Autostart(endpoint=name, enabled=True, unit=unit, file=_shown(file), notes=notes)


def unit_name(name: str) -> str:
    """Return the unit of an endpoint of this project; another folder's has another."""
    here = project.current()
    place = hashlib.sha256(str(here.root).encode()).hexdigest()[:8]
    return f"mlnb-{name}-{place}.service"


def unit_text(name: str) -> str:
    """Return the unit file."""
    here = project.current()
    environment = f"MLNB_PROJECT={here.root}"
    return _UNIT.format(
        name=name,
        project=_escaped(here.name),
        root=_escaped(str(here.root)),
        environment=_quoted(environment),
        python=_quoted(sys.executable),
    )


def _escaped(text: str) -> str:
    return text.replace("%", "%%").replace("\n", " ")


def _quoted(text: str) -> str:
    quoted = _escaped(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"'


def _folder() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "systemd" / "user"


def _shown(file: Path) -> str:
    try:
        return f"~/{file.relative_to(Path.home())}"
    except ValueError:
        return file.name


def _systemctl(*arguments: str) -> bool:
    program = shutil.which("systemctl")
    if program is None:
        return False
    done = subprocess.run(  # noqa: S603  (systemd's own program)
        [program, "--user", *arguments], capture_output=True, check=False, timeout=30
    )
    return done.returncode == 0
