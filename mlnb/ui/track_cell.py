"""``%%track``: a cell whose run is opened before its first line and closed after its last.

The cell is not handed to a function as text, as other cell magics are. An input transformer turns
its first line into a call that opens the run and leaves the rest as the code of the cell. So what
the cell awaits, displays and raises is IPython's business as in any other cell: the error reaches
the notebook once, with the user's own traceback, and fails the cell; the last expression is shown.
The run is closed by IPython's event after the cell.

Only the standard library is imported until a cell is tracked.
"""

import atexit
import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from mlnb.ui.capture import Capture, current_count

if TYPE_CHECKING:
    from mlnb.tracking.notebook import ExecutedCell

_FIRST_LINE = re.compile(r"%%track(?:[ \t]+(?P<options>[^\r\n]*))?\s*")
_logger = logging.getLogger("mlnb.tracking")


def install(shell: Any) -> None:
    """Make a shell understand ``%%track``."""
    transforms = shell.input_transformers_cleanup
    if rewrite not in transforms:
        transforms.append(rewrite)


def rewrite(lines: list[str]) -> list[str]:
    """Turn ``%%track options`` into a call, keeping the number of lines."""
    match = _FIRST_LINE.fullmatch(lines[0]) if lines else None
    if match is None:
        return lines
    from IPython.core.inputtransformer2 import cell_magic

    call = f"get_ipython().run_line_magic('track', {'cell ' + (match['options'] or '')!r})\n"
    rest = cell_magic(lines[1:])  # type: ignore[no-untyped-call]  # IPython leaves it untyped
    return [call, *rest]


def track_cell(shell: Any, line: str, cell: str) -> None:
    """Run a cell's text in a run: ``get_ipython().run_cell_magic('track', …)`` in a script."""
    __tracebackhide__ = True  # this frame is not the user's
    shell.run_line_magic("track", f"cell {line}")
    with _tracebacks_left_to_the_caller(shell):
        result = shell.run_cell(cell, store_history=False)
    error = result.error_before_exec or result.error_in_exec
    if error is not None:
        raise error


@contextmanager
def _tracebacks_left_to_the_caller(shell: Any) -> Iterator[None]:
    names = ("showtraceback", "showsyntaxerror")
    for name in names:
        setattr(shell, name, lambda *_args, **_kwargs: None)
    try:
        yield
    finally:
        for name in names:
            delattr(shell, name)


class Session:
    """A run that follows the cells of a shell, one (``%%track``) or several (``%track start``)."""

    open: "list[Session]" = []  # noqa: RUF012  (one list for all on purpose: what is open)

    def __init__(self, shell: Any, *, cells: bool, params_auto: bool = False) -> None:
        self._shell = shell
        self._several = cells
        self._params_auto = params_auto
        self._capture = Capture(shell)
        self._first = current_count(shell)
        self._inside = 0
        self._error: BaseException | None = None
        self._source = ""
        self._process = os.getpid()
        self.run: Any = None

    def begin(
        self, name: str | None, experiment: str | None, tags: Mapping[str, str], note: str
    ) -> Any:
        """Open the run and return it."""
        from mlnb import tracking

        nested = tracking.active() is not None
        self.run = tracking.start(name, experiment=experiment, tags=tags, note=note, nested=nested)
        self.run.mark_cell(self._first, self._shell.history_manager.input_hist_raw[-1])
        self._capture.start()
        self._shell.events.register("pre_run_cell", self._before)
        self._shell.events.register("post_run_cell", self._after)
        atexit.register(self._at_exit)
        Session.open.append(self)
        return self.run

    def finish(self, error: BaseException | None, *, status: str = "") -> None:
        """Record what the cells showed and close the run; raises nothing."""
        Session.open.remove(self)
        atexit.unregister(self._at_exit)
        self._shell.events.unregister("pre_run_cell", self._before)
        self._shell.events.unregister("post_run_cell", self._after)
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        self._capture.stop()
        from mlnb.tracking import run as runs

        facts = None
        try:
            facts = self._facts(error)
        except Exception as problem:  # never the user's trouble
            _logger.warning("mlnb: the notebook of this run was not recorded: %s", problem)
        runs.close(self.run, error, status=status, facts=facts)

    def _facts(self, error: BaseException | None) -> Any:
        from mlnb.tracking.capturing import ShellFacts

        sources = self._shell.history_manager.input_hist_raw
        unlisted = self._source if self._source != sources[-1] else ""  # ran without history
        return ShellFacts(
            self._shell.user_ns,
            [unlisted] if unlisted else list(sources[self._first :]),
            lambda: self._cells(error, unlisted),
            self._capture.images(),
            self._params_auto,
            error,
            self._capture.drawings,
        )

    def _cells(self, error: BaseException | None, unlisted: str) -> "list[ExecutedCell]":
        from mlnb.tracking.notebook import ExecutedCell

        sources = self._shell.history_manager.input_hist_raw
        cells = []
        for count in range(1, len(sources)):
            mine = count >= self._first and not unlisted
            outputs = self._capture.outputs(count) if mine else []
            cells.append(ExecutedCell(count, sources[count], outputs, self.run.id if mine else ""))
        if unlisted:
            outputs = self._capture.outputs(self._first)
            cells.append(ExecutedCell(len(sources), unlisted, outputs, self.run.id))
        if error is not None and cells and not _shows_error(cells[-1].outputs):
            cells[-1].outputs.append(_error_output(error))
        return cells

    def _before(self, info: Any = None) -> None:
        self._inside += 1
        source = str(getattr(info, "raw_cell", "") or "")
        if self._several and self._inside == 1 and source.strip():
            self.run.mark_cell(self._shell.execution_count, source)

    def _after(self, result: Any = None) -> None:
        """Close the run after its cell (and not after a cell that the cell itself ran)."""
        info = getattr(result, "info", None)
        if info is not None and not (info.raw_cell or "").strip():
            return
        if self._inside:
            self._inside -= 1
            if not (self._several and self._inside == 0):
                return
        error = _error_of(result)
        if self._several:
            self._error = error
            return
        self._source = info.raw_cell.rstrip("\n") if info is not None else ""
        status = "KILLED" if _was_interrupted(error) else ""
        self.finish(error, status=status)

    def _at_exit(self) -> None:
        if os.getpid() != self._process:  # a fork: the run is its parent's
            return
        with suppress(Exception):
            if self._error is not None:
                self.finish(self._error)
            else:
                from mlnb.tracking.journal import DIED

                self.finish(RuntimeError(DIED), status="KILLED")


def _error_of(result: Any) -> BaseException | None:
    if result is None:  # the kernel gives none when the cell was cancelled
        return KeyboardInterrupt()
    error = result.error_before_exec or result.error_in_exec
    return error if isinstance(error, BaseException) else None


def _was_interrupted(error: BaseException | None) -> bool:
    from asyncio import CancelledError

    return isinstance(error, KeyboardInterrupt | CancelledError)


def _shows_error(outputs: list[dict[str, Any]]) -> bool:
    return any(output["output_type"] == "error" for output in outputs)


def _error_output(error: BaseException) -> dict[str, Any]:
    import traceback

    return {
        "output_type": "error",
        "ename": type(error).__name__,
        "evalue": str(error),
        "traceback": "".join(traceback.format_exception(error)).splitlines(),
    }
