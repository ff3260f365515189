"""What cells write: ``sys.stdout`` and ``sys.stderr``, and the file descriptors below them.

C code, ``os.write`` and programs that a cell starts write to descriptors 1 and 2. These become
pipes: a thread empties them while something long runs, and every write of Python's own empties
them first, so that the order is the one in which things were written.
"""

import codecs
import io
import os
import select
import threading
from collections.abc import Callable

Deliver = Callable[[str, str], None]
_PIECE = 1 << 16


class Stream(io.TextIOBase):
    """``sys.stdout`` or ``sys.stderr`` of a notebook; any thread may write.

    A process that a cell has forked writes to the descriptor instead, as its parent would see
    the output of any program.
    """

    encoding = "utf-8"
    errors = "strict"
    newlines = None

    def __init__(self, name: str, descriptor: int, lock: threading.RLock, deliver: Deliver) -> None:
        super().__init__()
        self._name = name
        self._descriptor = descriptor
        self._lock = lock
        self._deliver = deliver
        self._process = os.getpid()
        self.pipe: Pipe | None = None

    @property
    def name(self) -> str:
        """Return ``<stdout>`` or ``<stderr>``, as ipykernel's stream does."""
        return f"<{self._name}>"

    def fileno(self) -> int:
        """Return the descriptor that programs write to."""
        return self._descriptor

    def isatty(self) -> bool:
        """Return False: nobody is at a terminal."""
        return False

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Take text; it belongs to the cell that runs."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        if os.getpid() != self._process:
            os.write(self._descriptor, text.encode(errors="replace"))
            return len(text)
        with self._lock:
            if self.pipe is not None:
                self.pipe.drain()
            self._deliver(self._name, text)
        return len(text)

    def flush(self) -> None:
        """Take what programs have written so far."""
        if self.pipe is not None and os.getpid() == self._process:
            with self._lock:
                self.pipe.drain()


class Pipe:
    """A pipe in the place of a descriptor; whoever drains it holds the lock."""

    def __init__(self, name: str, descriptor: int, deliver: Deliver) -> None:
        self._name = name
        self._deliver = deliver
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.reading, writing = os.pipe()
        os.set_blocking(self.reading, False)
        os.dup2(writing, descriptor)
        os.close(writing)

    def drain(self) -> None:
        """Deliver what is in the pipe."""
        while True:
            try:
                data = os.read(self.reading, _PIECE)
            except BlockingIOError:
                return
            if not data:
                return
            if text := self._decoder.decode(data):
                self._deliver(self._name, text)
            if len(data) < _PIECE:
                return


class Capture:
    """Both streams and both descriptors, and the thread that looks after them.

    Parameters
    ----------
    lock : threading.RLock
        Held while anything is delivered.
    deliver : callable
        Takes the name of a stream and text.
    tick : callable
        Called five times a second while a cell may run, with the lock held.
    """

    def __init__(self, lock: threading.RLock, deliver: Deliver, tick: Callable[[], None]) -> None:
        self._lock = lock
        self._tick = tick
        self.stdout = Stream("stdout", 1, lock, deliver)
        self.stderr = Stream("stderr", 2, lock, deliver)
        self._pipes = (Pipe("stdout", 1, deliver), Pipe("stderr", 2, deliver))
        self.stdout.pipe, self.stderr.pipe = self._pipes
        os.register_at_fork(after_in_child=self._forget)
        threading.Thread(target=self._look, name="mlnb-outputs", daemon=True).start()

    def drain(self) -> None:
        """Deliver everything that has been written."""
        with self._lock:
            for pipe in self._pipes:
                pipe.drain()

    def _look(self) -> None:
        poll = select.poll()
        for pipe in self._pipes:
            poll.register(pipe.reading, select.POLLIN)
        while True:
            poll.poll(200)
            with self._lock:
                for pipe in self._pipes:
                    pipe.drain()
                self._tick()

    def _forget(self) -> None:
        """In a process that a cell has forked: its parent reads the pipes."""
        self.stdout.pipe = self.stderr.pipe = None
