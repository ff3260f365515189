"""What a child does while it waits for a request: touch the pages that its start will touch.

Memory that a process shares with its parent is copied, page by page, when it first writes there,
be it the count of a reference; three quarters of a kernel's start are that. So a child that was
forked ahead goes through the motions of a start. Nothing of it remains: no thread, no socket, no
file, nothing that a cell could see.
"""

import asyncio
import threading
import traceback
from contextlib import suppress
from os import getpid
from typing import Any

import zmq
from jupyter_client.session import Session

from mlnb.execution.warm import kernel, preloading

_SOCKETS = (zmq.ROUTER, zmq.ROUTER, zmq.ROUTER, zmq.XPUB, zmq.ROUTER)
_PATIENCE = 1000  # milliseconds for a message of one's own to come back


def rehearse() -> None:
    """Go through the motions of a start."""
    try:
        preloading.reseed()
        _thread()
        _event_loop()
        if (app := kernel.prepared()) is not None:
            app.parse_command_line([])
            with suppress(zmq.ZMQError):
                _messages(app)
    except Exception:  # a start that was not rehearsed is only slower
        traceback.print_exc()


def _thread() -> None:
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()


def _event_loop() -> None:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def _messages(app: Any) -> None:
    """Send an answer through sockets as a kernel's; they have names that nobody else can have."""
    session = Session(parent=app)
    context = zmq.Context()
    try:
        for number, kind in enumerate(_SOCKETS):
            address = f"ipc://@mlnb-{getpid()}-{number}"
            with context.socket(kind) as ours, context.socket(_PARTNERS[kind]) as theirs:
                ours.linger = theirs.linger = 0
                ours.bind(address)
                theirs.connect(address)
                if kind == zmq.ROUTER:  # a session takes no message twice
                    message = session.msg("kernel_info_reply", app.kernel.kernel_info)
                    theirs.send_multipart(session.serialize(message))
                    if ours.poll(_PATIENCE):
                        _identities, received = session.feed_identities(ours.recv_multipart())
                        session.deserialize(received)
    finally:
        context.destroy(linger=0)


_PARTNERS = {zmq.ROUTER: zmq.DEALER, zmq.XPUB: zmq.SUB}
