"""The zygote: one process, one thread, one loop.

    python -m mlnb.execution.warm.zygote  < specification in JSON

It says ``ready`` on its standard output as soon as it can fork; modules are imported ahead one by
one while nobody asks for anything. It ends when it has had no child for a while, when it no longer
fits what lies on the disk and its last child has ended, or when told to.
"""

import gc
import json
import os
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from mlnb.execution.warm import becoming, ending, limits, places, preloading, stamps, wire
from mlnb.execution.warm.nursery import Birth, Fork, Nursery, Pool

QUIET = 2.0
"""Seconds without a request after which, though children live, the next module is imported."""
GRACE = 1.0
"""Seconds between SIGTERM and SIGKILL for a child whose owner has gone."""


class Kin:
    """A child as the zygote knows it."""

    def __init__(self, pid: int, message: dict[str, Any]) -> None:
        self.pid = pid
        self.kind = message["kind"]
        self.limits = message["limits"]
        self.independent = message["independent"]
        self.asked = False
        self.kill_at = 0.0
        self.starved = limits.out_of_memory_kills()
        self.started = time.time()


class Owner:
    """A connection, with the child that was made for it."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.reader = wire.Reader(connection)
        self.child: Kin | None = None

    def close(self) -> None:
        """Close it, with the descriptors that nobody took."""
        self.reader.close_fds()
        self.connection.close()


class Zygote:
    """The loop.

    Parameters
    ----------
    told : dict
        Specification, key, and how long to stay idle.
    listener : socket
        Bound and listening.
    preloader : Preloader
        Imports modules ahead.
    """

    def __init__(
        self, told: dict[str, Any], listener: socket.socket, preloader: preloading.Preloader
    ) -> None:
        self._told = told
        self._listener = listener
        self._preloader = preloader
        self._owners: dict[int, Owner] = {}
        self._waiting_for_warmth: list[Owner] = []
        self._born = 0
        self._why_stale = ""
        self._heard = 0.0
        self._probe: preloading.Probe | None = None
        self._stopping = False
        self._since = time.monotonic()
        self._watch = stamps.Watch(_config_files())
        self._nursery = _nursery(told)
        self._waker = _waker()
        self._undo_preparation = preloading.begin()
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)
        self._selector.register(self._waker[0], selectors.EVENT_READ)
        if not preloader.waiting:
            self._all_imported()

    def serve(self) -> Birth | None:
        """Serve until there is nothing more to do; returns a birth in the child that is born."""
        while not self._over():
            birth = self._turn()
            if birth is not None:
                return birth
        self._nursery.close()
        if self._probe is not None:
            self._probe.close()
        return None

    def _turn(self) -> Birth | None:
        for ready, _ in self._selector.select(self._patience()):
            if ready.fileobj is self._listener:
                self._accept()
            elif ready.fileobj is self._waker[0]:
                _drain(self._waker[0])
            elif self._probe is not None and ready.fd == self._probe.fd:
                self._learn(self._probe)
            elif (owner := self._owners.get(ready.fd)) is not None:
                birth = self._hear(owner)
                if birth is not None:
                    return birth
        self._reap()
        self._kill_the_late()
        if self._preloader.waiting and self._probe is None and self._is_quiet():
            self._import_one()
        return None

    def _patience(self) -> float:
        if self._preloader.waiting and self._probe is None:
            return 0.1 if any(self._kin()) else 0.0
        if any(kin.kill_at for kin in self._kin()):
            return 0.1
        return min(30.0, max(0.05, float(self._told["idle"]) / 4))

    def _over(self) -> bool:
        busy = any(owner.child for owner in self._owners.values())
        if busy or self._preloader.waiting:
            self._since = time.monotonic()
        if self._stopping or self._why_stale:
            return not busy
        if not Path(places.socket_path(self._told["key"])).exists():
            self._retire("its socket was removed")
        elif why := self._watch.changed():
            self._retire(why)
        return time.monotonic() - self._since > float(self._told["idle"])

    # -- modules ---------------------------------------------------------------------------------

    def _is_quiet(self) -> bool:
        """Tell whether nobody has asked for anything just now: an import keeps all waiting."""
        busy = any(owner.child for owner in self._owners.values())
        if self._waiting_for_warmth or not busy:
            return True
        return time.monotonic() - self._heard > QUIET

    def _import_one(self) -> None:
        self._probe = self._preloader.step()
        if self._probe is not None:
            self._selector.register(self._probe.fd, selectors.EVENT_READ)
        elif not self._preloader.waiting:
            self._all_imported()

    def _learn(self, probe: preloading.Probe) -> None:
        self._selector.unregister(probe.fd)
        self._preloader.learn(probe)
        self._probe = None

    def _all_imported(self) -> None:
        self._undo_preparation()
        self._watch.look()
        if kernel := sys.modules.get("mlnb.execution.warm.kernel"):
            kernel.note_modules()
        gc.collect()
        gc.freeze()  # a collection in a child must not touch, and so copy, what it shares
        preloading.trim()
        for owner in self._waiting_for_warmth:
            self._answer(owner, self._status())
        self._waiting_for_warmth.clear()
        self._nursery.fill()

    def _retire(self, why: str) -> None:
        """Take no more requests: the next client starts another zygote."""
        if not self._why_stale:
            self._why_stale = why
            with suppress(OSError):
                Path(places.socket_path(self._told["key"])).unlink()
            self._selector.unregister(self._listener)
            self._listener.close()

    # -- clients ---------------------------------------------------------------------------------

    def _accept(self) -> None:
        connection, _address = self._listener.accept()
        self._owners[connection.fileno()] = Owner(connection)
        self._selector.register(connection, selectors.EVENT_READ)
        self._since = time.monotonic()

    def _hear(self, owner: Owner) -> Birth | None:
        self._heard = time.monotonic()
        try:
            for message in owner.reader.read():
                birth = self._obey(owner, message)
                if birth is not None:
                    return birth
        except wire.Closed:
            self._lost(owner)
        except (ValueError, KeyError, TypeError) as error:  # no client of ours
            self._answer(owner, {"error": f"the request is malformed: {error!r}"})
            self._lost(owner)
        return None

    def _obey(self, owner: Owner, message: dict[str, Any]) -> Birth | None:
        operation = message["op"]
        if operation == "fork":
            return self._bear(owner, message)
        if operation == "signal":
            if owner.child is not None:
                owner.child.asked = True
                _kill(owner.child.pid, int(message["signal"]))
        elif operation == "warm" and (why := self._watch.changed()):
            self._retire(why)
            self._answer(owner, {"stale": why})
        elif operation == "warm" and self._preloader.waiting:
            self._waiting_for_warmth.append(owner)
        elif operation in ("status", "warm"):
            self._answer(owner, self._status())
        elif operation == "stop":
            self._answer(owner, {"stopped": os.getpid()})
            self._stop()
        else:
            self._answer(owner, {"error": f"there is no operation {operation!r}"})
        return None

    def _bear(self, owner: Owner, message: dict[str, Any]) -> Birth | None:
        if owner.child is not None:
            raise ValueError("one connection, one child")
        if why := self._watch.changed() or self._why_stale:
            self._retire(why)
            self._answer(owner, {"stale": why})
            return None
        fds = owner.reader.take_fds()
        if len(fds) < 4:
            raise ValueError("stdin, stdout, stderr and the lifeline are missing")
        try:
            birth = self._nursery.bear(message, fds, owner.connection)
        except OSError as error:
            self._answer(owner, {"error": f"no process could be started: {error}"})
            return None
        if birth.in_child:
            self._forget_all(owner)
            return birth
        for fd in fds:
            os.close(fd)
        owner.child = Kin(birth.pid, message)
        self._born += 1
        with _Pidfd(birth.pid) as pidfd:
            self._answer(owner, {"pid": birth.pid, "how": birth.how, "why": birth.why}, pidfd)
        return None

    def _answer(self, owner: Owner, message: dict[str, Any], fds: tuple[int, ...] = ()) -> None:
        with suppress(wire.Closed, OSError):
            wire.send(owner.connection, message, fds)

    def _lost(self, owner: Owner) -> None:
        """Its owner has gone: a child that does not stand on its own feet goes, too."""
        number = owner.connection.fileno()
        self._selector.unregister(owner.connection)
        del self._owners[number]
        owner.close()
        if owner in self._waiting_for_warmth:
            self._waiting_for_warmth.remove(owner)
        if (kin := owner.child) is not None:
            self._owners[-kin.pid] = owner  # to be reaped
            if not kin.independent:
                self._end(kin)

    def _end(self, kin: Kin) -> None:
        kin.asked = True
        kin.kill_at = time.monotonic() + GRACE
        _kill(kin.pid, signal.SIGTERM)
        _kill(kin.pid, signal.SIGCONT)

    def _stop(self) -> None:
        self._retire("it was told to stop")
        self._stopping = True
        self._preloader.waiting.clear()
        for kin in self._kin():
            self._end(kin)

    # -- children --------------------------------------------------------------------------------

    def _kin(self) -> list[Kin]:
        return [owner.child for owner in self._owners.values() if owner.child]

    def _reap(self) -> None:
        for number, owner in list(self._owners.items()):
            if (kin := owner.child) is not None and _has_ended(kin.pid):
                # What it left behind in its group goes first, while its number is still taken.
                _kill(kin.pid, signal.SIGKILL)
                code, killed, peak, spent = limits.status(kin.pid)
                owner.child = None
                self._since = time.monotonic()
                self._answer_end(owner, kin, code, killed, peak, spent)
                if number < 0:
                    del self._owners[number]
        self._nursery.reap()

    def _answer_end(
        self, owner: Owner, kin: Kin, code: int | None, killed: int | None, peak: int, spent: float
    ) -> None:
        if owner.connection.fileno() < 0:
            return
        starved = limits.out_of_memory_kills() > kin.starved
        reason = limits.reason(
            code, killed, kin.limits, asked=kin.asked, starved=starved, peak_bytes=peak
        )
        self._answer(
            owner,
            {
                "exit": code,
                "signal": killed,
                "reason": reason,
                "peak_bytes": peak,
                "cpu_seconds": spent,
            },
        )

    def _kill_the_late(self) -> None:
        now = time.monotonic()
        for kin in self._kin():
            if kin.kill_at and now > kin.kill_at:
                kin.kill_at = 0.0
                _kill(kin.pid, signal.SIGKILL)

    def _forget_all(self, mine: Owner) -> None:
        """In a child that was forked: close what is the zygote's."""
        self._selector.close()
        if self._listener.fileno() >= 0:
            self._listener.close()
        for end in self._waker:
            end.close()
        for owner in self._owners.values():
            if owner is not mine:
                owner.close()
        os.close(mine.connection.detach())  # the birth has a copy
        self._owners.clear()

    def _status(self) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "key": self._told["key"],
            "mode": self._told["mode"],
            "interpreter": self._told["interpreter"],
            "imported": self._preloader.imported,
            "refused": self._preloader.refused,
            "missing": self._preloader.missing,
            "waiting": self._preloader.waiting,
            "children": [kin.pid for kin in self._kin()],
            "born": self._born,
            "ready": self._nursery.ready,
            "stale": self._why_stale or self._watch.changed(),
            "threads": preloading.threads(),
            "idle": self._told["idle"],
        }


def _nursery(told: dict[str, Any]) -> Nursery:
    if told["mode"] == "pool":
        return Pool(told["pool"], tuple(told["preload"]))
    return Fork()


class _Pidfd:
    """A descriptor of a process, for as long as it takes to pass it on; none on other systems."""

    def __init__(self, pid: int) -> None:
        self._fds: tuple[int, ...] = ()
        if sys.platform == "linux":
            with suppress(OSError):
                self._fds = (os.pidfd_open(pid),)

    def __enter__(self) -> tuple[int, ...]:
        return self._fds

    def __exit__(self, *_error: object) -> None:
        for fd in self._fds:
            os.close(fd)


def _kill(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _has_ended(pid: int) -> bool:
    """Tell whether a child has ended, without reaping it."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _waker() -> tuple[socket.socket, socket.socket]:
    """Have the end of a child wake the loop."""
    inner, outer = socket.socketpair()
    inner.setblocking(False)
    outer.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(outer.fileno(), warn_on_full_buffer=False)
    return inner, outer


def _drain(inner: socket.socket) -> None:
    with suppress(BlockingIOError):
        while inner.recv(4096):
            pass


def _config_files() -> list[str]:
    kernel = sys.modules.get("mlnb.execution.warm.kernel")
    return kernel.config_files() if kernel is not None else []


def _listen(key: str) -> socket.socket:
    """Listen where only this user can come, under the final name from the first moment on."""
    path = places.socket_path(key)
    draft = f"{path}.{os.getpid()}"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listener.bind(draft)
    finally:
        os.umask(mask)
    listener.listen(128)
    os.replace(draft, path)
    return listener


def _prepare(mode: str) -> None:
    """Import what every child needs, and build what can be built ahead."""
    if mode == "pool":
        return  # its workers do
    from mlnb.execution.warm import building

    building.build()


def main() -> NoReturn:
    """Be a zygote; in a child, be that."""
    told = json.load(sys.stdin)
    if os.fork():  # nobody's child from here on
        os._exit(0)
    os.setsid()
    sys.path[:] = [entry for entry in sys.path if entry not in ("", "/")]
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    usual = {number: signal.getsignal(number) for number in signal.valid_signals()}
    key = told["key"]
    _prepare(told["mode"])
    preloader = preloading.Preloader(
        told["preload"] if told["mode"] == "fork" else [],
        Path(places.verdicts_path(key)),
        stamps.environment(),
    )
    listener = _listen(key)
    zygote = Zygote(told, listener, preloader)
    _announce()
    birth = zygote.serve()
    if birth is None:
        with suppress(OSError):
            _remove_own_socket(key, listener)
        sys.stderr.flush()
        os._exit(0)
    kept = {
        int(number): signal.getsignal(number)
        for number, handler in usual.items()
        if signal.getsignal(number) is not handler and number != signal.SIGCHLD
    }
    becoming.default_signals(kept)
    ending.end(lambda: becoming.live(birth))


def _announce() -> None:
    """Say that one can ask now, and let go of the streams of whoever started this."""
    os.write(1, b"ready\n")
    nothing = os.open(os.devnull, os.O_RDWR)
    for target in (0, 1):
        os.dup2(nothing, target)
    os.close(nothing)


def _remove_own_socket(key: str, listener: socket.socket) -> None:
    if listener.fileno() >= 0:  # else it has retired, and another may listen there
        Path(places.socket_path(key)).unlink()


if __name__ == "__main__":
    main()
