"""``%%track``: a cell whose run is opened before its first line and closed after its last.

The cell is not handed to a function as text, as other cell magics are. An input transformer turns
its first line into a call that opens the run and leaves the rest as the code of the cell. So what
the cell awaits, displays and raises is IPython's business as in any other cell: the error reaches
the notebook once, with the user's own traceback, and fails the cell; the last expression is shown.
The run is closed by IPython's event after the cell.

Only the standard library is imported until a cell is tracked; a kernel that has loaded the
extension imports the rest when it has nothing to do.
"""

import atexit
import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mlnb.ui.capture import Capture, current_count

if TYPE_CHECKING:
    from mlnb.tracking.capturing import ShellFacts
    from mlnb.tracking.notebook import ExecutedCell
    from mlnb.ui.commands.track import Options

_FIRST_LINE = re.compile(r"%%track(?:[ \t]+(?P<options>[^\r\n]*))?\s*")
_logger = logging.getLogger("mlnb.tracking")


def install(shell: Any) -> None:
    """Make a shell understand ``%%track``."""
    transforms = shell.input_transformers_cleanup
    if rewrite in transforms:
        return
    from mlnb.tracking import background

    transforms.append(rewrite)
    shell.track_cell = partial(_begin_cell, shell)
    shell.events.register("pre_run_cell", partial(_cell_begins, shell))
    shell.events.register("post_run_cell", partial(_cell_ended, shell))
    if getattr(shell, "kernel", None) is not None:  # it lives long enough to be worth it
        background.warm_up(_preload())


def rewrite(lines: list[str]) -> list[str]:
    """Turn ``%%track options`` into a call, keeping the number of lines."""
    match = _FIRST_LINE.fullmatch(lines[0]) if lines else None
    if match is None:
        return lines
    from IPython.core.inputtransformer2 import cell_magic

    call = f"get_ipython().track_cell({match['options'] or ''!r})\n"
    rest = cell_magic(lines[1:])  # type: ignore[no-untyped-call]  # IPython leaves it untyped
    return [call, *rest]


def _preload() -> "Iterator[Callable[[], object]]":
    """Give, one by one, what the first tracked cell needs: the cell then waits for none of it."""
    for module in (
        "pydantic",
        "mlnb.core.settings",
        "mlnb.core.project",
        "mlnb.tracking.run",
        "mlnb.tracking.capturing.code",
        "mlnb.ui.magics",
        "mlnb.ui.commands.track",
    ):
        yield partial(import_module, module)
    from mlnb.ui.commands import track

    yield partial(track.options, "")
    from mlnb.core import project

    yield project.current


def _begin_cell(shell: Any, line: str) -> None:
    """Open the run of the cell that calls this in its first line."""
    __tracebackhide__ = True  # this frame is not the user's
    from mlnb.ui import magics

    if "{" in line or "$" in line:
        line = magics.expanded(line, shell, depth=2)  # the caller's variables
    with magics.ClearErrors():
        from mlnb.ui.commands import track

        chosen = track.options(line)
        if chosen is not None:  # None: help was asked for
            Session(shell, cells=False).begin(chosen)


def _cell_begins(shell: Any, info: Any = None) -> None:
    from mlnb.tracking import background

    background.cell_begins()
    Capture.stop_those_ended()
    for session in list(Session.open):
        if session.shell is shell:
            session.before(info)


def _cell_ended(shell: Any, result: Any = None) -> None:
    from mlnb.tracking import background

    try:
        for session in reversed(Session.open):
            if session.shell is shell:
                session.after(result)
    finally:
        background.cell_ended()


def track_cell(shell: Any, line: str, cell: str) -> None:
    """Run a cell's text in a run: ``get_ipython().run_cell_magic('track', …)`` in a script."""
    __tracebackhide__ = True  # this frame is not the user's
    _begin_cell(shell, line)
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

    def __init__(self, shell: Any, *, cells: bool) -> None:
        self.shell = shell
        self.several = cells
        self.run: Any = None
        self.error: BaseException | None = None
        """How the last cell failed, if it did."""
        self._capture = Capture(shell)
        self._first = current_count(shell)
        self._inside = 0
        self._source = ""
        self._process = os.getpid()
        self._params_auto = False

    def begin(self, chosen: "Options", *, nested: bool = True) -> Any:
        """Open the run and return it."""
        from mlnb.tracking import run as runs

        self._params_auto = chosen.params == "auto"
        source = self.shell.history_manager.input_hist_raw[-1]
        self.run = runs.start(
            chosen.name,
            experiment=chosen.experiment,
            tags=dict(chosen.tags),
            note=chosen.note,
            nested=nested,
            resume=chosen.resume,
            cell=(self._first, source),
        )
        self._capture.start()
        if not Session.open:
            atexit.unregister(_at_exit)  # there is one, and it comes before the runs' own
            atexit.register(_at_exit)
        Session.open.append(self)
        return self.run

    def finish(self, error: BaseException | None, *, status: str = "", ended: bool = False) -> None:
        """Record what the cells showed and close the run; raises nothing.

        Parameters
        ----------
        error : BaseException, optional
            How the cell failed.
        status : str
            How the run ended, where the error does not say.
        ended : bool
            Whether the last cell has ended: what it printed may still be on its way.
        """
        from mlnb.tracking import run as runs

        Session.open.remove(self)
        facts = None
        try:
            self._capture.end(at_once=not ended or bool(self._source))
            facts = self._facts(error)
        except Exception as problem:  # never the user's trouble
            _logger.warning("mlnb: the notebook of this run was not recorded: %s", problem)
        runs.close(self.run, error, status=status, facts=facts)

    def _facts(self, error: BaseException | None) -> "ShellFacts":
        from mlnb.tracking.capturing import ShellFacts

        sources = self.shell.history_manager.input_hist_raw[:]
        unlisted = self._source if self._source != sources[-1] else ""  # ran without history
        return ShellFacts(
            self.shell.user_ns,
            [unlisted] if unlisted else sources[self._first :],
            partial(self._cells, sources, error, unlisted),
            self._capture.images(),
            self._params_auto,
            error,
            self._capture.drawings,
        )

    def _cells(
        self, sources: list[str], error: BaseException | None, unlisted: str
    ) -> "list[ExecutedCell]":
        from mlnb.tracking.notebook import ExecutedCell

        self._capture.stop()
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

    def before(self, info: Any) -> None:
        """Note that a cell begins, after the one that opened the run or inside it."""
        self._inside += 1
        source = str(getattr(info, "raw_cell", "") or "")
        if self.several and self._inside == 1 and source.strip():
            self.run.mark_cell(self.shell.execution_count, source)

    def after(self, result: Any) -> None:
        """Close the run after its cell (and not after a cell that the cell itself ran)."""
        info = getattr(result, "info", None)
        if info is not None and not (info.raw_cell or "").strip():
            return
        if self._inside:
            self._inside -= 1
            if not (self.several and self._inside == 0):
                return
        error = _error_of(result)
        if self.several:
            self.error = error
            return
        if info is not None and not info.store_history:
            self._source = info.raw_cell.rstrip("\n")
        self.finish(error, ended=True)

    def at_exit(self) -> None:
        """Close what nobody stopped, truthfully."""
        if os.getpid() != self._process:  # a fork: the run is its parent's
            return
        with suppress(Exception):
            if self.error is not None:
                self.finish(self.error)
            else:
                from mlnb.tracking.journal import DIED

                self.finish(RuntimeError(DIED), status="KILLED")


def _at_exit() -> None:
    for session in reversed(Session.open):
        session.at_exit()


def _error_of(result: Any) -> BaseException | None:
    if result is None:  # the kernel gives none when the cell was cancelled
        return KeyboardInterrupt()
    error = result.error_before_exec or result.error_in_exec
    return error if isinstance(error, BaseException) else None


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
