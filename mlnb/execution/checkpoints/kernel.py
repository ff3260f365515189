"""Checkpoints around the cells of a notebook that runs in a kernel, which is only talked to."""

import ast
import json
from collections.abc import Awaitable, Callable
from typing import Any

from mlnb.execution.checkpoints.plan import Plan

Ask = Callable[[str], Awaitable[str]]
"""Evaluates an expression in the kernel, unseen, and returns the ``repr`` of its value."""


class KernelCheckpoints:
    """Goes on after a stored checkpoint, and stores what passes one.

    Parameters
    ----------
    plan : Plan
        Of the cells that are executed.
    resume : bool
        Whether to go on from a checkpoint.
    ask : callable
        How the kernel is talked to.
    """

    def __init__(self, plan: Plan, resume: bool, ask: Ask) -> None:
        self._plan = plan
        self._resume = resume
        self._ask = ask
        self._works = plan.has_any
        self.notes: list[dict[str, Any]] = []
        self.reason = ""

    async def start(self) -> list[dict[str, Any]]:
        """Bring variables back; returns what the cells that need not run have shown."""
        if not self._works and not self._resume:
            return []
        try:
            return await self._start()
        except Exception as error:  # of a kernel without mlnb, say
            self._works = False
            self._note({"resumed": None, "why": f"checkpoints cannot be used: {error}"})
            return []

    async def after_cell(
        self,
        place: int,
        outputs: list[dict[str, Any]],
        count: int | None,
        seconds: float,
    ) -> dict[str, Any] | None:
        """Store the variables when a cell that ran well is a checkpoint; returns a note."""
        if not self._works:
            return None
        try:
            self._plan.ran(outputs, count, seconds)
            names = self._plan.names_at(place)
            if names is None:
                return None
            await self._call("look")
            kept = await self._call("save", self._plan.key_at(place), names)
            return self._note(self._plan.keep(place, kept))
        except Exception as error:
            return self._note({"checkpoint": None, "why": f"it could not be stored: {error}"})

    async def _start(self) -> list[dict[str, Any]]:
        if self._works:
            await self._call("begin")
        if not self._resume:
            return []
        found, why = self._plan.candidates()
        for record in found:
            needed = self._plan.needed_after(record)
            problem = await self._call("restore", record.key, record.kept.to_dict(), needed)
            if problem:
                why = why or problem
                continue
            number = self._plan.number_of(record)
            self.reason = f"taken from the checkpoint after cell {number}"
            self._note({"resumed": number, "why": why, "seconds": record.seconds})
            return self._plan.resumed(record)
        self._note({"resumed": None, "why": why})
        return []

    async def _call(self, function: str, *arguments: Any) -> Any:
        """Call a function of `mlnb.execution.checkpoints.inside` in the kernel."""
        module = f"__import__('mlnb.execution.checkpoints.inside', fromlist=['{function}'])"
        given = f"__import__('json').loads({json.dumps(list(arguments))!r})"
        text = await self._ask(f"__import__('json').dumps({module}.{function}(*{given}))")
        return json.loads(ast.literal_eval(text))

    def _note(self, note: dict[str, Any]) -> dict[str, Any]:
        self.notes.append(note)
        return note
