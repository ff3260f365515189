"""The zygote's loop: one thread that listens, forks, imports and reaps."""

import gc
import os
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlnb.execution.warm import deferring, limits, places, preloading, stamps, wire
from mlnb.execution.warm.kin import Kin, Owner, Pidfd, has_ended, kill
from mlnb.execution.warm.nursery import Birth, Fork, Nursery, Pool

QUIET = 2.0
"""Seconds without a request after which, though children live, the next module is imported."""
GRACE = 1.0
"""Seconds between SIGTERM and SIGKILL for a child whose owner has gone."""
PAUSE = 0.03
"""Seconds after a birth until the next child is forked ahead: first this one shall get ready."""
PAUSE_WITH_SPARE = 0.2
"""The same while one still waits: a program that was born asks for another in a moment, and a fork
of a large process would keep it waiting."""


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
        self._pause_until = 0.0
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
        return self._fork_ahead()

    def _fork_ahead(self) -> Birth | None:
        """Have a child wait for the next request; in that child, return what it is to become."""
        if not self._lacks_spare() or time.monotonic() < self._pause_until:
            return None
        ready = self._nursery.ready
        waiting = self._nursery.fork_ahead()
        if waiting is None:
            if self._nursery.ready == ready:  # threads forbid it for now
                self._pause_until = time.monotonic() + QUIET
            return None
        self._forget_all(None)
        return waiting.birth()

    def _lacks_spare(self) -> bool:
        held = self._preloader.waiting or self._probe or self._why_stale or self._stopping
        return not held and self._nursery.lacks_spare

    def _patience(self) -> float:
        if self._preloader.waiting and self._probe is None:
            return 0.1 if any(self._kin()) else 0.0
        if self._lacks_spare():
            return max(0.0, self._pause_until - time.monotonic())
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
        deferring.restore()
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
            self._nursery.close()

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
                kill(owner.child.pid, int(message["signal"]))
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
        pause = PAUSE_WITH_SPARE if self._nursery.ready else PAUSE
        self._pause_until = time.monotonic() + pause
        with Pidfd(birth.pid) as pidfd:
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
        kill(kin.pid, signal.SIGTERM)
        kill(kin.pid, signal.SIGCONT)

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
            if (kin := owner.child) is not None and has_ended(kin.pid):
                # What it left behind in its group goes first, while its number is still taken.
                kill(kin.pid, signal.SIGKILL)
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
                kill(kin.pid, signal.SIGKILL)

    def _forget_all(self, mine: Owner | None) -> None:
        """In a child that was forked: close what is the zygote's."""
        self._selector.close()
        if self._listener.fileno() >= 0:
            self._listener.close()
        for end in self._waker:
            end.close()
        for owner in self._owners.values():
            if owner is not mine:
                owner.close()
        if mine is not None:
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
