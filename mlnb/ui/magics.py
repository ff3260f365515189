"""``%noun`` and ``%%noun``: the CLI's commands, with names resolved in the notebook.

Registering imports nothing: Click and the packages are imported when a magic is first used.
"""

import builtins
import keyword
import re
import shlex
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from mlnb.ui import completing, step_cell, track_cell
from mlnb.ui.nouns import NOUNS

_NAME = re.compile(r"(?<![@{$\\])\{([^\W\d]\w*)(?:[.\[!:][^{}]*)?\}(?!\})")
_TIME = re.compile(r"(@\{\s*[0-9][^{}]*\})")


def register(shell: Any) -> None:
    """Register every magic of the table, and how records are displayed."""
    for name, entry in NOUNS.items():
        if entry.line or entry.cell:
            magic = _magic(name, shell)
            if entry.line:
                shell.register_magic_function(magic, "line", name)
            if entry.cell:
                shell.register_magic_function(magic, "cell", name)
    track_cell.install(shell)
    step_cell.install(shell)
    completing.install(shell)
    formatter = shell.display_formatter.mimebundle_formatter
    for home, kind in (
        ("mlnb.core.records", "Record"),
        ("mlnb.ui.grammar", "Listing"),
        ("mlnb.ui.render", "View"),
    ):
        formatter.for_type_by_name(home, kind, _mimebundle)
    # A listing is a list, and IPython's own text of a list would win over the bundle's.
    text = shell.display_formatter.formatters["text/plain"]
    text.for_type_by_name("mlnb.ui.grammar", "Listing", _text)


def _text(value: Any, printer: Any, _cycle: bool) -> None:
    printer.text(import_module("mlnb.ui.render").to_text(value))


def _mimebundle(value: Any, **_options: Any) -> dict[str, Any]:
    return dict(import_module("mlnb.ui.render").mimebundle(value))


def _magic(name: str, shell: Any) -> Callable[..., Any]:
    from IPython.core.magic import no_var_expand

    entry = NOUNS[name]

    @no_var_expand
    def magic(line: str, cell: str | None = None) -> Any:
        line = expanded(line, shell)
        if cell is None:
            return run_line(name, line, shell)
        module, _, function = entry.cell.partition(":")
        with ClearErrors():
            return getattr(import_module(module), function)(shell, line, cell)

    magic.__doc__ = f"{entry.help}\n\nType %{name} --help."
    return magic


def expanded(line: str, shell: Any, depth: int = 3) -> str:
    """Put the values of ``$name`` and ``{name}`` in their places, as IPython does for any magic.

    But leave times alone: of ``flights@{2026-11-10}`` it would make ``flights@2005``. The depth is
    that of the frame of who typed the magic, beyond those of ours and IPython's.

    Raises
    ------
    UnknownName
        If ``{name}`` is no variable: IPython would leave all of the line as it is, silently.
    """
    parts = _TIME.split(line)
    for index in range(0, len(parts), 2):
        part = parts[index]
        parts[index] = shell.var_expand(part, depth=depth)
        if parts[index] == part and "{" in part:
            _check_names(part, {**shell.user_ns, **sys._getframe(depth).f_locals})
    return "".join(parts)


def _check_names(text: str, namespace: dict[str, Any]) -> None:
    """Check that what stands in braces, as a name and no more than a name, is a variable."""
    for name in _NAME.findall(text):
        if name not in namespace and not hasattr(builtins, name) and not keyword.iskeyword(name):
            with ClearErrors():
                from mlnb.core.errors import UnknownName

                known = [known for known in namespace if not known.startswith("_")]
                raise UnknownName("variable", name, known)


def run_line(name: str, line: str, shell: Any) -> Any:
    """Run ``%name line`` and return its result, which the notebook then displays."""
    from mlnb.ui.cli import resolve
    from mlnb.ui.grammar import Outcome, Surface

    surface = Surface(namespace=shell.user_ns)
    with ClearErrors():
        result = resolve(NOUNS[name].home).main(
            shlex.split(line), prog_name=f"%{name}", standalone_mode=False, obj=surface
        )
        if isinstance(result, Outcome):
            if result.failure:
                _display(shell, result.result)
                raise result.failure
            result = result.result
        if isinstance(result, int) and not isinstance(result, bool):  # Click's exit code of --help
            return None
        if surface.json and result is not None:
            print(import_module("mlnb.ui.render").to_json(result))
            return None
        return result


def _display(shell: Any, value: Any) -> None:
    data, metadata = shell.display_formatter.format(value)
    shell.display_pub.publish(data, metadata)


class ClearErrors:
    """Turns usage errors and `MlnbError` into one clear message instead of a traceback."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is None:
            return
        import click

        from mlnb.core.errors import BadInput, MlnbError, of_disk

        if isinstance(error, click.exceptions.NoArgsIsHelpError):  # the message is the help
            raise _plain(BadInput(error.format_message())) from None
        if isinstance(error, click.UsageError):
            usage = error.ctx.get_usage() if error.ctx else ""
            raise _plain(BadInput(error.format_message(), usage)) from None
        if isinstance(error, ValueError) and "quotation" in str(error):
            raise _plain(BadInput(f"The line cannot be read: {error}.")) from None
        if isinstance(error, MlnbError):
            raise _plain(error) from None
        if (refused := of_disk(error)) is not None:
            raise _plain(refused) from None


def _plain(error: Any) -> Any:
    """Make IPython show the message alone."""
    lines = [f"{type(error).__name__}: {error.message}", error.fix]
    error._render_traceback_ = lambda: [line for line in lines if line]
    return error
