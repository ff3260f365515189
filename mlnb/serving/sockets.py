"""The sockets of an endpoint: its own address, and those between its processes."""

import socket
import tempfile
from pathlib import Path

BACKLOG = 1024
LONGEST_PATH = 100
"""Bytes of the path of a Unix socket (systems allow 104 or 108)."""


def sockets_folder(folder: Path) -> Path:
    """Return a folder of our own whose path is short enough for Unix sockets."""
    made = folder / "sockets"
    if len(str(made)) > LONGEST_PATH - 20:
        link = folder / "sockets.short"
        if link.is_symlink() and link.resolve().is_dir():
            return link.resolve()
        short = Path(tempfile.mkdtemp(prefix="mlnb-", dir="/tmp"))
        link.unlink(missing_ok=True)
        link.symlink_to(short)
        return short
    made.mkdir(mode=0o700, exist_ok=True)
    return made


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address; raises OSError if it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def bind_any(host: str, port: int, wanted: bool) -> socket.socket:
    """Bind to a port; a port that is only remembered gives way to a free one."""
    try:
        return bind(host, port)
    except OSError:
        if wanted or not port:
            raise
        return bind(host, 0)


def answers(path: str) -> bool:
    """Tell whether somebody listens on a Unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        try:
            line.connect(path)
        except OSError:
            return False
    return True
