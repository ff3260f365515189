"""What the report shows of an executed notebook: the failing cell, its outputs, its pictures."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from io import StringIO
from typing import Any

from markupsafe import Markup

from mlnb.pipelines.reading import cells
from mlnb.pipelines.reading.cells import Cell

_COMMAND = re.compile(r"\x1b\].*?(?:\x07|\x1b\\|$)", re.DOTALL)
"""A command to the terminal (OSC), such as a link."""
LIMIT = 20_000
"""Characters of a source, an output or a traceback; the rest is in the executed notebook."""
BEFORE = 2
"""So many code cells before the failing one are shown as well."""


@dataclass(frozen=True)
class Picture:
    """A picture that a cell displayed."""

    name: str
    """What it was glued as, else ``""``."""
    cell: int
    kind: str
    """Its media type."""
    body: str
    """In base64."""

    @property
    def caption(self) -> str:
        """Return what it is called on a page."""
        return f"{self.name} (cell {self.cell})" if self.name else f"cell {self.cell}"

    @property
    def uri(self) -> str:
        """Return it as ``data:``, so that a page needs no other file."""
        return f"data:{self.kind};base64,{self.body}"


@dataclass(frozen=True)
class Shown:
    """A cell as a page shows it."""

    number: int
    source: Markup
    text: str
    """What it wrote and displayed, as text."""


@dataclass(frozen=True)
class Excerpt:
    """What is worth showing of one executed notebook."""

    failed: Shown | None = None
    """The failing cell; its text is what it showed before it failed."""
    traceback: Markup | None = None
    before: list[Shown] = field(default_factory=list)
    """Code cells before the failing one."""
    pictures: list[Picture] = field(default_factory=list)


def of(notebook: Sequence[Cell], *, whole: bool = True) -> Excerpt:
    """Return what is worth showing of a notebook's cells; pictures alone unless `whole`."""
    pictures = [picture for cell in notebook for picture in pictures_of(cell)]
    failed = cells.failed(notebook) if whole else None
    if failed is None:
        return Excerpt(pictures=pictures)
    at = list(notebook).index(failed)
    code = [cell for cell in notebook[:at] if cell.is_code and not cell.injected]
    trace = cells.cut(cells.traceback(failed), LIMIT)
    return Excerpt(
        failed=_shown(failed),
        traceback=from_ansi(trace) if trace else None,
        before=[_shown(cell) for cell in code[-BEFORE:]],
        pictures=pictures,
    )


def pictures_of(cell: Cell) -> list[Picture]:
    """Return the pictures that a cell displayed, each in one form."""
    found = []
    for output in cell.outputs:
        data = output.get("data", {})
        name = str(output.get("metadata", {}).get("scrapbook", {}).get("name") or "")
        kind = next((kind for kind in cells.PICTURES if kind in data), None)
        if kind is not None:
            body = cells.joined(data[kind])
            if kind == "image/svg+xml":
                body = base64.b64encode(body.encode()).decode()
            found.append(Picture(name, cell.number, kind, "".join(body.split())))
    return found


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


def _shown(cell: Cell) -> Shown:
    source = highlighted(cells.cut(cell.source, LIMIT))
    return Shown(cell.number, source, cells.shown(cell, LIMIT))


@cache
def _lexer() -> Any:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name("ipython3")
    except ClassNotFound:
        return get_lexer_by_name("python")
