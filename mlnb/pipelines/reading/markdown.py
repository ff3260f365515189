"""Markdown for pages of GitHub and GitLab, made of texts that nobody has looked at.

What comes from notebooks stands in code: there no HTML, no link, no picture and no mention of a
person is made of it. A `Page` never outgrows its limit: what does not fit is left out and said.
"""

import re
from collections.abc import Iterable, Sequence

_TICKS = re.compile("`+")
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Control characters, and those that change the direction of text."""


def code(value: object, limit: int = 120) -> str:
    """Return text as code within a line, also of a table; ``""`` of nothing."""
    text = " ".join(_HIDDEN.sub("\N{REPLACEMENT CHARACTER}", str(value)).split())
    if not text:
        return ""
    text = text if len(text) <= limit else f"{text[: limit - 1]}…"
    fence = "`" * (_longest(text) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")


def block(text: str, language: str = "") -> str:
    """Return text as a block of code."""
    fence = "`" * max(3, _longest(text) + 1)
    clean = "\n".join(_HIDDEN.sub("\N{REPLACEMENT CHARACTER}", line) for line in text.split("\n"))
    return f"{fence}{language}\n{clean.rstrip()}\n{fence}"


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int] = ()
) -> str:
    """Return a table; the cells are Markdown.

    Parameters
    ----------
    columns : sequence of str
        Their titles.
    rows : iterable of sequence of str
        The cells.
    numbers : iterable of int
        Positions of the columns that are set to the right.
    """
    right = set(numbers)
    rule = ["---:" if index in right else "---" for index in range(len(columns))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [columns, rule, *rows])


def folded(title: str, body: str, *, is_open: bool = False) -> str:
    """Return a part that is opened with a click; the title is HTML or plain words."""
    start = "<details open>" if is_open else "<details>"
    return f"{start}<summary>{title}</summary>\n\n{body}\n\n</details>"


class Page:
    """Paragraphs within a limit of bytes, which is one of characters all the more."""

    RESERVE = 200
    """Bytes for saying that something was left out."""

    def __init__(self, limit: int) -> None:
        self._parts: list[str] = []
        self._room = limit - self.RESERVE
        self._left_out: list[str] = []

    @property
    def room(self) -> int:
        """Return how many bytes still fit."""
        return self._room

    def add(self, text: str, what: str = "") -> bool:
        """Add a paragraph, if it fits.

        Parameters
        ----------
        text : str
            Markdown; nothing is added of ``""``.
        what : str
            What is said to be left out when it does not fit.
        """
        size = len(text.encode(errors="replace")) + 2
        if text and size <= self._room:
            self._room -= size
            self._parts.append(text)
            return True
        if text and what and what not in self._left_out:
            self._left_out.append(what)
        return not text

    def add_table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        what: str,
        numbers: Iterable[int] = (),
    ) -> None:
        """Add a table with as many of its rows as fit."""
        share = self._room // 2
        kept, size = 0, 0
        for cells in rows:
            size += len(" | ".join(cells).encode(errors="replace")) + 5
            if size > share:
                break
            kept += 1
        if kept < len(rows):
            self._left_out.append(f"{len(rows) - kept:,} more {what}")
        if kept:
            self.add(table(columns, rows[:kept], numbers), what)

    def text(self) -> str:
        """Return the page."""
        said = ", ".join(self._left_out)
        said = f"{said[:120]} …" if len(said) > 120 else said
        notes = [f"Left out for its size: {said}."] if said else []
        return "\n\n".join([*self._parts, *notes]) + "\n"


def _longest(text: str) -> int:
    return max((len(ticks) for ticks in _TICKS.findall(text)), default=0)
