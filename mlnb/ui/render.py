"""Result → terminal (rich), HTML and text for the notebook, JSON.

How a record is laid out is said once, as a `View`, in ``ui/views/``; the three outputs follow.
"""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import cache, singledispatch
from io import StringIO
from typing import Any, Literal

from mlnb.core.errors import MlnbError
from mlnb.core.records import Record, finite
from mlnb.ui import stored
from mlnb.ui.grammar import Listing
from mlnb.ui.stored import MIME as MIME

ROWS = 200
"""Of a table in a notebook."""
LOG_WIDTH = 160
"""Columns where the output is no terminal: a log is not cut."""


@dataclass(frozen=True)
class Table:
    """Rows under named columns; a cell is text, number, time, None or one of `mlnb.ui.figures`."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    title: str = ""
    styles: Sequence[str] = ()
    """Per row: ``""``, ``"good"``, ``"bad"`` or ``"dim"``."""
    scrolls: bool = False
    """Whether it scrolls in a notebook when it is long."""


@dataclass(frozen=True)
class Block:
    """Text that keeps its lines: code, an output, an error."""

    text: str
    title: str = ""
    language: str = ""
    """What the text is written in, for colours in a terminal; ``""`` for none."""


@dataclass(frozen=True)
class View:
    """How a result is laid out."""

    title: str
    fields: Sequence[tuple[str, Any]] = ()
    tables: Sequence[Table] = ()
    blocks: Sequence[Block] = ()
    notes: Sequence[str] = ()
    status: str = ""
    """``""``, ``"good"`` or ``"bad"``."""


@singledispatch
def view(result: Any) -> View:
    """Lay a result out; ``ui/views/`` registers one function per record type."""
    if isinstance(result, Record):
        body = result.to_dict()
        body.pop("format")
        return View(type(result).__name__, fields=list(body.items()))
    return View("", notes=[str(result)])


@singledispatch
def row(record: Any) -> dict[str, Any]:
    """Return a record's cells in a listing; ``ui/views/`` registers one function per type."""
    body: dict[str, Any] = record.to_dict()
    body.pop("format")
    return body


@singledispatch
def live(result: Any) -> dict[str, Any]:
    """Return further forms for a running notebook, such as a widget; ``ui/views/`` registers."""
    return {}


def has_kernel() -> bool:
    """Tell whether a kernel runs this, which a widget needs to be shown."""
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


@view.register(View)
def _(result: View) -> View:
    return result


@view.register(list)
def _(result: list[Any]) -> View:
    title = result.title if isinstance(result, Listing) else ""
    if not result:
        return View(title, notes=[result.empty if isinstance(result, Listing) else "Nothing."])
    rows = [row(item) for item in result]
    columns = list(dict.fromkeys(key for cells in rows for key in cells))
    return View(title, tables=[Table(columns, [[c.get(k) for k in columns] for c in rows])])


def laid_out(result: Any) -> View:
    """Return a result's view, with the views of its noun registered."""
    from mlnb.ui.views import register_for

    fallback = view.dispatch(object)
    register_for(result, lambda kind: view.dispatch(kind) is not fallback)
    return view(result)


def text_of(value: Any) -> str:
    """Return a cell's text: times local to the minute, floats to four digits, None empty."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(text_of(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}={text_of(item)}" for key, item in value.items())
    return str(value)


def to_json(result: Any) -> str:
    """Return a result as JSON text."""
    return json.dumps(finite(_jsonable(result)), ensure_ascii=False, indent=2, default=str)


def _jsonable(result: Any) -> Any:
    if isinstance(result, Record):
        return result.to_dict()
    if isinstance(result, View):
        return asdict(result)
    if isinstance(result, list | tuple):
        return [_jsonable(item) for item in result]
    return result


# -- terminal ------------------------------------------------------------------------------------


def write(result: Any, *, as_json: bool = False) -> None:
    """Print a result on standard output."""
    if as_json:
        print(to_json(result))
    elif isinstance(result, str):  # as it is, so that it can be piped into a file
        print(result.removesuffix("\n"))
    else:
        wide = None if sys.stdout.isatty() or "COLUMNS" in os.environ else LOG_WIDTH
        _print(laid_out(result), sys.stdout, width=wide)


def write_error(error: MlnbError, *, as_json: bool = False) -> None:
    """Print an error on standard error (as JSON on standard output)."""
    if as_json:
        print(json.dumps(error.to_dict(), ensure_ascii=False))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text("Error: ", style="bold red"), Text(error.message), sep="", end="\n")
    if error.fix:
        console.print(Text(error.fix))


def to_text(result: Any, width: int = 100) -> str:
    """Return a result as plain text, without colours whatever the environment forces."""
    stream = StringIO()
    _print(_bounded(laid_out(result)), stream, width=width, plain=True)
    return "\n".join(line.rstrip() for line in stream.getvalue().rstrip().splitlines())


_COLOURS = {"good": "green", "bad": "red", "dim": "dim", "": ""}


def _print(shown: View, stream: Any, width: int | None, *, plain: bool = False) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    # In a notebook rich would display instead of writing to the stream.
    console = Console(
        file=stream,
        width=width,
        highlight=False,
        force_jupyter=False,
        color_system=None if plain else "auto",
    )
    if shown.title:
        console.print(Text(shown.title, style=f"bold {_COLOURS[shown.status]}".strip()))
    if shown.fields:
        grid = RichTable.grid(padding=(0, 2))
        for name, value in shown.fields:
            if text_of(value):
                grid.add_row(Text(f"  {name}", style="dim"), Text(text_of(value)))
        console.print(grid)
    for table in shown.tables:
        drawn = RichTable(box=box.SIMPLE_HEAD, title=table.title or None, title_justify="left")
        numbers = numeric(table)
        for index, name in enumerate(table.columns):
            justify: Literal["left", "right"] = "right" if index in numbers else "left"
            drawn.add_column(Text(str(name)), justify=justify, overflow="fold")
        for index, cells in enumerate(table.rows):
            style = _COLOURS[table.styles[index]] if index < len(table.styles) else ""
            drawn.add_row(*(Text(text_of(cell)) for cell in cells), style=style)
        console.print(drawn)
    for block in shown.blocks:
        if block.title:
            console.print(Text(block.title, style="bold"))
        console.print(_padded(block))
    for note in shown.notes:
        console.print(Text(note))


def numeric(table: Table) -> set[int]:
    """Return the positions of the columns that hold numbers only, which stand at the right."""
    return {
        index
        for index in range(len(table.columns))
        if all(isinstance(cells[index], int | float | None) for cells in table.rows)
    }


def _padded(block: Block) -> Any:
    """Return a block as rich prints it, set in and with an empty line behind it."""
    from rich.padding import Padding
    from rich.text import Text

    text: Any = Text.from_ansi(block.text)
    if block.language:
        from rich.syntax import Syntax

        text = Syntax(block.text, block.language, theme="ansi_dark", word_wrap=True)
    return Padding(text, (0, 0, 1, 2))


# -- notebook ------------------------------------------------------------------------------------


def mimebundle(result: Any) -> dict[str, Any]:
    """Return the forms a notebook stores: HTML, text and the record itself."""
    bundle: dict[str, Any] = {"text/html": to_html(result), "text/plain": to_text(result)}
    if isinstance(result, Record) and (body := stored.body(result)) is not None:
        bundle[MIME] = body
    return bundle | live(result)


def to_html(result: Any) -> str:
    """Return a result as self-contained HTML; every value is escaped."""
    shown = _bounded(laid_out(result))
    return str(_template().render(view=shown, text_of=text_of, shown=_shown, numeric=numeric))


def _bounded(shown: View) -> View:
    """Return a view without the rows that would make a notebook too large to work with."""
    if all(len(table.rows) <= ROWS for table in shown.tables):
        return shown
    tables = [replace(table, rows=table.rows[:ROWS]) for table in shown.tables]
    more = [
        f"… and {len(table.rows) - ROWS:,} more rows. All of them: --json"
        for table in shown.tables
        if len(table.rows) > ROWS
    ]
    return replace(shown, tables=tables, notes=[*shown.notes, *more])


def _shown(cell: Any) -> Any:
    """Return a cell as the template prints it: those that have HTML of their own as they are."""
    return cell if hasattr(cell, "__html__") else text_of(cell)


@cache
def _template() -> Any:
    from mlnb.core.pages import templates  # Jinja

    return templates("mlnb.ui").get_template("view.html")
