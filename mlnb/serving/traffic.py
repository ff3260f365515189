"""Which generation has which part of an endpoint's traffic, and how that changes without a gap.

Whoever takes over serves before the one before it is told to leave; one that left keeps its model
in memory, so that going back to it takes no longer than forking its workers.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from mlnb.serving.generation import Generation, WorkerFailed
from mlnb.serving.routing import Role, Route, Split

_logger = logging.getLogger("mlnb.serving.supervisor")


class Traffic:
    """An endpoint's generations; used by the supervisor's event loop.

    Parameters
    ----------
    changed : callable
        Called after each change, before the old generation leaves: what serves is written down.
    warm : bool
        Whether the generation that served before is kept.
    """

    def __init__(self, changed: Callable[[], None], warm: bool) -> None:
        self._changed = changed
        self._warm = warm
        self.current: Generation | None = None
        self.canary: Generation | None = None
        self.shadow: Generation | None = None
        self.standby: Generation | None = None
        """What served before the current one, its model in memory."""
        self._ending: set[asyncio.Task[None]] = set()

    def __iter__(self) -> Iterator[Generation]:
        everybody = (self.current, self.canary, self.shadow, self.standby)
        return iter([each for each in everybody if each is not None])

    @property
    def route(self) -> Route:
        """Return what the current release's workers do."""
        return Route(
            canary=self.canary.way if self.canary else None,
            shadow=self.shadow.way if self.shadow else None,
        )

    def beside(self, role: Role) -> Generation | None:
        """Return the canary or the shadow."""
        return self.canary if role == "canary" else self.shadow

    async def take(self, new: Generation, release: int, split: Split) -> None:
        """Let a prepared generation have its part.

        Raises
        ------
        WorkerFailed
            If it cannot; nothing has changed then.
        """
        if split.role == "current":
            await self._switch(new, release, split)
            return
        if self.current is None:
            raise WorkerFailed("nothing serves that it could be beside")
        if self.beside(split.role) is not None:
            raise WorkerFailed(f"there is a {split.role} already")
        await new.serve(release, split, Route())
        self._set(split.role, new)
        self._changed()
        await self.current.follow(self.route)

    async def _switch(self, new: Generation, release: int, split: Split) -> None:
        was_canary = new is self.canary
        canary = None if was_canary or self.canary is None else self.canary.way
        route = Route(canary=canary, shadow=self.shadow.way if self.shadow else None)
        await new.serve(release, split, route)
        old, self.current = self.current, new
        if was_canary:
            self.canary = None
        left, self.standby = self.standby, None
        if left is not None and left is not new:
            self._end(left.stop())
        if old is not None:
            old.release = None
            self.standby = old
        self._changed()
        if old is not None:
            await self._retire(old, new)

    async def _retire(self, old: Generation, new: Generation) -> None:
        try:
            await old.drain(new.place.gate)
        except WorkerFailed as error:
            _logger.error("%s did not leave in order: %s", old.model, error)
            self._dismiss(old)
        for each in self:
            if each is not new:
                await each.succeed(new.place.gate)
        if not self._warm:
            self._dismiss(old)

    def _dismiss(self, old: Generation) -> None:
        if self.standby is old:
            self.standby = None
            self._changed()
        self._end(old.stop())

    async def shift(self, share: float) -> None:
        """Give the canary another share."""
        canary, current = self.canary, self.current
        if canary is None or current is None:
            raise WorkerFailed("there is no canary")
        canary.split = Split.from_dict({**canary.split.to_dict(), "share": share})
        self._changed()
        await current.follow(self.route)

    async def promote(self, role: Role) -> None:
        """Let the canary (or the shadow) have everything."""
        new = self.beside(role)
        if new is None or new.release is None:
            raise WorkerFailed(f"there is no {role}")
        if role == "shadow":
            self.shadow = None
        try:
            await self._switch(new, new.release, Split())
        except BaseException:
            self._set(role, new)
            raise

    async def withdraw(self, role: Role) -> None:
        """End the canary or the shadow; the current release answers everything."""
        old, current = self.beside(role), self.current
        if old is None:
            raise WorkerFailed(f"there is no {role}")
        self._set(role, None)
        self._changed()
        if current is not None:
            await current.follow(self.route)
            await old.drain(current.place.gate)
        self._end(old.stop())

    async def replace(self, old: Generation, new: Generation) -> None:
        """Put a generation in the place of one whose loader has ended."""
        release, split = old.release, old.split
        if release is None:
            raise WorkerFailed("it served nothing")
        route = self.route if old is self.current else Route()
        await new.serve(release, split, route)
        if old is self.current:
            self.current = new
        else:
            self._set(split.role, new)
        self._changed()
        if self.current is not None and old is not self.current:
            await self.current.follow(self.route)

    def forget(self, old: Generation) -> None:
        """Take note that a generation is gone for good."""
        for name in ("current", "canary", "shadow", "standby"):
            if getattr(self, name) is old:
                setattr(self, name, None)
        self._changed()

    def _set(self, role: Role, new: Generation | None) -> None:
        if role == "canary":
            self.canary = new
        else:
            self.shadow = new

    def _end(self, work: Awaitable[Any]) -> None:
        task = asyncio.ensure_future(work)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def stop(self) -> None:
        """End everything."""
        await asyncio.gather(*(each.stop() for each in self), *self._ending)
