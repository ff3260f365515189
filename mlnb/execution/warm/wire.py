"""Frames of JSON over a Unix socket, with file descriptors beside them. Standard library only."""

from __future__ import annotations

import _socket as socket  # `socket` itself imports selectors and enum
import os
import select
import sys

from mlnb.execution.warm import packing

TYPE_CHECKING = False  # to import typing would take longer than all else
if TYPE_CHECKING:
    from typing import Any

_HEAD = 4
_MOST_FDS = 64
_INT = 4
"""Bytes of C's `int`. (The module `array` imports `collections`.)"""
LONGEST = 64 * 1024 * 1024
"""Bytes of the longest frame that is taken."""


class Closed(Exception):
    """The other side has gone."""


def send(connection: socket.socket, message: dict[str, Any], fds: tuple[int, ...] = ()) -> None:
    """Send a frame; descriptors travel beside its first byte."""
    body = packing.dumps(message).encode()
    data = len(body).to_bytes(_HEAD, "big") + body
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, _packed(fds))] if fds else []
    try:
        sent = connection.sendmsg([data], ancillary)
        if sent < len(data):
            connection.sendall(data[sent:])
    except (BrokenPipeError, ConnectionResetError) as error:
        raise Closed(str(error)) from None


def _packed(fds: tuple[int, ...]) -> bytes:
    return b"".join(fd.to_bytes(_INT, sys.byteorder) for fd in fds)


class Reader:
    """Reads frames from a connection and keeps the descriptors that came beside them."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._data = bytearray()
        self.fds: list[int] = []

    def read(self) -> list[dict[str, Any]]:
        """Return the frames that one look at the connection completes.

        Raises
        ------
        Closed
            If the other side has gone.
        """
        try:
            room = socket.CMSG_SPACE(_MOST_FDS * _INT)
            data, ancillary, _flags, _address = self._connection.recvmsg(
                65536, room, socket.MSG_DONTWAIT
            )
        except BlockingIOError:
            return []
        except (ConnectionResetError, OSError) as error:
            raise Closed(str(error)) from None
        for level, kind, value in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                whole = range(0, len(value) - len(value) % _INT, _INT)
                self.fds.extend(int.from_bytes(value[n : n + _INT], sys.byteorder) for n in whole)
        if not data:
            raise Closed("the connection was closed")
        self._data += data
        return self._frames()

    def wait(self) -> list[dict[str, Any]]:
        """Wait for frames and return them.

        Raises
        ------
        Closed
            If the other side has gone.
        """
        watched = select.poll()
        watched.register(self._connection, select.POLLIN)
        while not (frames := self.read()):
            watched.poll()
        return frames

    def take_fds(self) -> list[int]:
        """Return the descriptors that came so far; they are the caller's now."""
        fds, self.fds = self.fds, []
        return fds

    def close_fds(self) -> None:
        """Close the descriptors that nobody took."""
        for fd in self.take_fds():
            os.close(fd)

    def _frames(self) -> list[dict[str, Any]]:
        frames = []
        while len(self._data) >= _HEAD:
            length = int.from_bytes(self._data[:_HEAD], "big")
            if length > LONGEST:
                raise Closed("a frame is too long")
            if len(self._data) < _HEAD + length:
                break
            text = bytes(self._data[_HEAD : _HEAD + length]).decode()
            frames.append(packing.loads(text))
            del self._data[: _HEAD + length]
        return frames
