"""What the report shows of an executed notebook: the failing cell, its traceback, its pictures."""

import base64
import re
from dataclasses import dataclass, field
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

from markupsafe import Markup

from mlnb.execution import notebooks
from mlnb.execution.notebooks import Cell, source_of

_COMMAND = re.compile(r"\x1b\].*?(?:\x07|\x1b\\|$)", re.DOTALL)
"""A command to the terminal (OSC), such as a link."""
NOT_OF_THE_SOURCE = {"injected-parameters", "papermill-error-cell-tag"}


@dataclass(frozen=True)
class Picture:
    """A picture that a cell displayed."""

    caption: str
    uri: str
    """``data:``, so that the report needs no other file."""


@dataclass(frozen=True)
class Excerpt:
    """What is worth showing of one executed notebook."""

    source: Markup | None = None
    """The failing cell's source, highlighted."""
    traceback: Markup | None = None
    pictures: list[Picture] = field(default_factory=list)


def read(notebook: Path) -> Excerpt:
    """Read an executed notebook."""
    source = trace = None
    pictures: list[Picture] = []
    number = 0
    for cell in notebooks.read(notebook).cells:
        metadata = cell.get("metadata", {})
        number += not NOT_OF_THE_SOURCE & set(metadata.get("tags", []))
        pictures += _pictures(cell, number)
        if metadata.get("papermill", {}).get("status") == "failed":
            source = highlighted(source_of(cell))
            text = _traceback(cell)
            trace = from_ansi(text) if text else None
    return Excerpt(source, trace, pictures)


def highlighted(source: str) -> Markup:
    """Return Python (with magics) as HTML with Pygments' classes."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter

    return Markup(highlight(source, _lexer(), HtmlFormatter(nowrap=True)))  # noqa: S704  (escaped by Pygments)


def style_sheet(style: str) -> Markup:
    """Return the style sheet of highlighted code."""
    from pygments.formatters import HtmlFormatter

    formatter: Any = HtmlFormatter(style=style)
    return Markup(formatter.get_style_defs(".code"))  # noqa: S704  (Pygments' own)


def from_ansi(text: str) -> Markup:
    """Return text with terminal colours as HTML; its links become text.

    rich writes a link's address into the page as it is.
    """
    from rich.console import Console
    from rich.terminal_theme import MONOKAI
    from rich.text import Text

    console = Console(
        file=StringIO(), record=True, width=400, force_terminal=True, color_system="truecolor"
    )
    console.print(Text.from_ansi(_COMMAND.sub("", text)), soft_wrap=True)
    html = console.export_html(theme=MONOKAI, inline_styles=True, code_format="{code}")
    return Markup(html)  # noqa: S704  (escaped by rich)


@cache
def _lexer() -> Any:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name("ipython3")
    except ClassNotFound:
        return get_lexer_by_name("python")


def _traceback(cell: Cell) -> str:
    outputs = cell.get("outputs", [])
    for output in outputs:
        if output.get("output_type") == "error":
            return "\n".join(output.get("traceback", []))
    errors = [output for output in outputs if output.get("name") == "stderr"]
    return "".join(_joined(output.get("text", "")) for output in errors)


def _pictures(cell: Cell, number: int) -> list[Picture]:
    found = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        name = output.get("metadata", {}).get("scrapbook", {}).get("name")
        caption = f"{name} (cell {number})" if name else f"cell {number}"
        for kind in ("image/png", "image/jpeg", "image/svg+xml"):
            if kind in data:
                body = _joined(data[kind])
                if kind == "image/svg+xml":
                    body = base64.b64encode(body.encode()).decode()
                found.append(Picture(caption, f"data:{kind};base64,{''.join(body.split())}"))
                break
    return found


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)
