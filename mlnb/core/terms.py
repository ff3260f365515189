"""What a person types to find something: words, phrases and comparisons, all of which must hold."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt, ne
from typing import Any

_TERM = re.compile(r'"([^"]*)"?|(\S+)')
_COMPARISON = re.compile(r"([^<>=!]+)(<=|>=|!=|<|>|=)(.+)")
_HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "=": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}


@dataclass(frozen=True)
class Term:
    """One word or ``"phrase"``, or a comparison: ``roc_auc>0.8``, ``family=boosting``."""

    text: str
    """As typed, in lower case (of ASCII letters, as SQL has it)."""
    name: str = ""
    """Of a comparison: what is compared, as typed."""
    comparator: str = ""
    value: str = ""

    @property
    def number(self) -> float | None:
        """Return the value as a number, or None if it is none."""
        return number(self.value)

    def holds(self, texts: Iterable[str], values: Mapping[str, Any]) -> bool:
        """Tell whether it holds for a thing with these words, and these values by name."""
        if not self.name:
            return any(self.text in lowered(text) for text in texts)
        if self.name not in values:
            return False
        return _compared(values[self.name], self)


def parse(query: str) -> list[Term]:
    """Return the terms of a query; an unfinished comparison (``roc_auc>``) is a word."""
    found = []
    for phrase, word in _TERM.findall(query):
        comparison = _COMPARISON.fullmatch(word)
        if comparison:
            found.append(Term(lowered(word), *comparison.groups()))
        elif phrase or word:
            found.append(Term(lowered(phrase or word)))
    return found


def lowered(text: str) -> str:
    """Return a text with its ASCII letters in lower case, which is what SQLite's ``lower`` does."""
    return text.translate(_LOWER)


_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def number(value: Any) -> float | None:
    """Return a value, or a text, as a number; None if it is none, or is not finite."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if abs(found) != float("inf") and found == found else None


def _compared(value: Any, term: Term) -> bool:
    wanted, given = term.number, number(value)
    if wanted is not None:
        return given is not None and _HOLDS[term.comparator](given, wanted)
    begins = lowered(str(value)).startswith(lowered(term.value))
    return {"=": begins, "!=": not begins}.get(term.comparator, False)
