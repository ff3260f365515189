"""``%%step``: a cell that runs only when what it depends on has changed.

As with ``%%track``, an input transformer turns the first line into a call and leaves the rest as
the code of the cell, so that what it awaits, displays and raises is IPython's business. Before
that code runs, a transformer of the syntax tree looks the result up; when there is one, the code
is left out and the call gives the result back. IPython's event after the cell stores a new one.

Only the standard library is imported until a cell is cached.
"""

import ast
import linecache
import re
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from time import perf_counter
from typing import Any

_FIRST_LINE = re.compile(r"%%step(?:[ \t]+(?P<options>[^\r\n]*))?\s*")


def install(shell: Any) -> None:
    """Make a shell understand ``%%step``."""
    transforms = shell.input_transformers_cleanup
    if rewrite not in transforms:
        transforms.append(rewrite)
    if not any(isinstance(item, StepTransformer) for item in shell.ast_transformers):
        shell.ast_transformers.append(StepTransformer(shell))


def rewrite(lines: list[str]) -> list[str]:
    """Turn ``%%step options`` into a call, keeping the number of lines."""
    match = _FIRST_LINE.fullmatch(lines[0]) if lines else None
    if match is None:
        return lines
    from IPython.core.inputtransformer2 import cell_magic

    from mlnb.ui import track_cell

    call = f"get_ipython().run_line_magic('step', {'cell ' + (match['options'] or '')!r})\n"
    rest = cell_magic(track_cell.rewrite(lines[1:]))  # type: ignore[no-untyped-call]
    return [call, *rest]


def step_cell(shell: Any, line: str, cell: str) -> None:
    """Run a cell's text as a step: ``get_ipython().run_cell_magic('step', …)`` in a script."""
    __tracebackhide__ = True  # this frame is not the user's
    from mlnb.ui.track_cell import _tracebacks_left_to_the_caller

    with _tracebacks_left_to_the_caller(shell):
        result = shell.run_cell(f"%%step {line}\n{cell}", store_history=False)
    error = result.error_before_exec or result.error_in_exec
    if error is not None:
        raise error


class StepTransformer:
    """Leaves out the code of a cached cell whose result is there."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell

    def visit(self, tree: ast.Module) -> ast.Module:
        """Return the tree of a cell as it is to run."""
        line = _line_of(tree)
        if line is None:
            return tree
        session = StepSession(self._shell)
        body = ast.Module(tree.body[1:], tree.type_ignores)
        if session.prepare(line, body):
            tree.body = tree.body[:1]
        return tree


def _line_of(tree: ast.Module) -> str | None:
    """Return the options of a cached cell; None when the tree is of another one."""
    match tree.body[:1]:
        case [
            ast.Expr(
                value=ast.Call(
                    func=ast.Attribute(attr="run_line_magic"),
                    args=[ast.Constant(value="step"), ast.Constant(value=str() as line)],
                )
            )
        ] if line.partition(" ")[0] == "cell":
            return line.partition(" ")[2]
    return None


class StepSession:
    """One cached cell in a shell, from before its code to after it."""

    open: "list[StepSession]" = []  # noqa: RUF012  (one list for all on purpose: what is open)

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._step: Any = None
        self._recorder: Any = None
        self._started = 0.0
        self._inside = 0
        self._explain = False
        self._problem: BaseException | None = None

    def prepare(self, line: str, body: ast.Module) -> bool:
        """Look the result up; returns whether the cell's code is to be left out.

        What goes wrong is raised by the call that stands in the cell's first line.
        """
        StepSession.open.clear()  # a cell that was interrupted between here and its first line
        try:
            self._prepare(line, body)
        except Exception as error:
            self._problem = error
        StepSession.open.append(self)
        return self._problem is not None or self._step.found is not None

    def _prepare(self, line: str, body: ast.Module) -> None:
        from mlnb.core import project
        from mlnb.execution.steps import code
        from mlnb.execution.steps.caching import Step
        from mlnb.ui.commands.step import options_of

        options, self._explain = options_of(shlex.split(line), self._shell.user_ns)
        here = project.current()
        understood = code.of_tree(body)
        self._step = Step(here, self._shell.user_ns, options, understood)
        self._step.replay = lambda: self._execute(understood.replayed)
        self._step.begin()

    def _execute(self, statements: Sequence[ast.stmt]) -> None:
        """Run imports and definitions; tools find their code as text without comments."""
        text = ast.unparse(ast.Module(list(statements), []))
        name = f"<step {self._step.options.name} {self._step.code.digest[:12]}>"
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        exec(compile(text, name, "exec"), self._shell.user_ns)  # noqa: S102  (the user's own code)

    def begin(self) -> Any:
        """Do what the cell's first line says: give the result back, or start recording."""
        if self._problem is not None:
            raise self._problem
        if self._step.found is not None:
            from mlnb.execution.steps import showing

            found = self._step.found
            report = self._step.give_back()
            if self._explain:
                _display(self._shell, report)
            return showing.replay(self._shell, found.outputs)
        from mlnb.execution.steps.showing import Recorder

        self._recorder = Recorder(self._shell)
        self._recorder.start()
        self._shell.events.register("pre_run_cell", self._before)
        self._shell.events.register("post_run_cell", self._after)
        self._started = perf_counter()
        return None

    def _before(self, _info: Any = None) -> None:
        self._inside += 1

    def _after(self, result: Any = None) -> None:
        """Store the result after the cell (and not after a cell that the cell itself ran)."""
        if self._inside:
            self._inside -= 1
            return
        seconds = perf_counter() - self._started
        self._shell.events.unregister("pre_run_cell", self._before)
        self._shell.events.unregister("post_run_cell", self._after)
        self._recorder.stop()
        failed = result is None or bool(result.error_before_exec or result.error_in_exec)
        try:
            report = self._step.finish(self._recorder.outputs, seconds, failed=failed)
        except Exception as error:  # never the user's trouble
            _warn(f"step {self._step.options.name!r} is not cached: {error}")
            return
        if self._explain:
            _display(self._shell, report)
        elif report.status == "ran, not cached" and report.notes:
            _warn(f"step {report.step!r} is not cached: {'; '.join(report.notes)}.")
        elif report.notes:
            _warn(f"step {report.step!r}: {'; '.join(report.notes)}.")


def _warn(text: str) -> None:
    with suppress(Exception):
        print(f"mlnb: {text}", file=sys.stderr)


def _display(shell: Any, value: Any) -> None:
    data, metadata = shell.display_formatter.format(value)
    shell.display_pub.publish(data, metadata)
