"""Completion of magics: verbs, flags, choices, and the names of what the project holds.

It is the kernel's own completion, so every front end has it: JupyterLab, Notebook, a console. The
grammar is the Click commands; nothing of it is imported before the first magic is completed.
"""

import re
import shlex
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from mlnb.ui.nouns import NOUNS

_MAGIC = re.compile(r"\s*(?P<signs>%{1,2})(?P<noun>\w+)\s+(?P<rest>.*)", re.DOTALL)
_FEW = 200
"""Names of one kind that are offered."""


def install(shell: Any) -> None:
    """Let a shell's completer know the magics."""
    completer = getattr(shell, "Completer", None)
    known = getattr(completer, "custom_matchers", None)
    if known is None or any(getattr(item, "__name__", "") == "mlnb_matcher" for item in known):
        return
    from IPython.core.completer import context_matcher

    @context_matcher(priority=100, identifier="mlnb")  # type: ignore[untyped-decorator]  # IPython's
    def mlnb_matcher(context: Any) -> Any:
        return _matched(context)

    mlnb_matcher.__name__ = "mlnb_matcher"
    known.append(mlnb_matcher)


def _matched(context: Any) -> dict[str, Any]:
    from IPython.core.completer import SimpleCompletion

    line = context.text_until_cursor
    with suppress(Exception):  # a completion may fail, but never the cell
        word, found = complete(line)
        return {
            "completions": [SimpleCompletion(text=text, type=kind) for text, kind in found],
            "matched_fragment": word,
            "suppress": bool(found),
        }
    return {"completions": [], "suppress": False}


def complete(line: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the word that is being typed at the end of a line, and what it may become.

    Returns
    -------
    tuple
        The word, and pairs of a text and what it is: ``verb``, ``flag``, ``choice``, ``dataset`` …
    """
    match = _MAGIC.fullmatch(line)
    if match is None or match["noun"] not in NOUNS:
        return "", []
    before, word = _split(match["rest"])
    if match["noun"] in ("track", "step") and match["signs"] == "%%":
        before.insert(0, "cell")
    command, context, said = _command(match["noun"], before)
    found = [(text, kind) for text, kind in _offered(command, context, said, word) if text != word]
    return word, [item for item in found if item[0].startswith(word)]


def _split(rest: str) -> tuple[list[str], str]:
    """Return the words that are whole, and the one that is not (yet)."""
    words = rest.split(" ")
    try:
        before = shlex.split(" ".join(words[:-1]))
    except ValueError:  # inside of quotes: there is nothing to offer
        return [], "\0"
    return before, words[-1]


def _command(noun: str, words: list[str]) -> tuple[Any, Any, list[str]]:
    """Return the command that the words lead to, its context, and the words behind it."""
    import click

    from mlnb.ui.cli import resolve

    command = resolve(NOUNS[noun].home)
    context = click.Context(command, info_name=noun)
    while isinstance(command, click.Group) and words:
        inner = command.get_command(context, words[0])
        if inner is None:
            break
        context = click.Context(inner, info_name=words[0], parent=context)
        command, words = inner, words[1:]
    return command, context, words


def _offered(command: Any, context: Any, said: list[str], word: str) -> Iterable[tuple[str, str]]:
    import click

    if isinstance(command, click.Group) and not said:
        yield from ((name, "verb") for name in command.list_commands(context))
        return
    options = [item for item in command.params if isinstance(item, click.Option)]
    flags = {flag: item for item in options for flag in item.opts}
    last = flags.get(said[-1]) if said else None
    if last is not None and not last.is_flag:
        yield from _values(last, context)
        return
    if word.startswith("-"):
        yield from ((flag, "flag") for flag in flags if flag.startswith("--"))
        yield ("--help", "flag")
        return
    arguments = [item for item in command.params if isinstance(item, click.Argument)]
    place = _place(said, flags)
    if arguments:
        yield from _values(arguments[min(place, len(arguments) - 1)], context)


def _place(said: list[str], flags: dict[str, Any]) -> int:
    """Return how many arguments were said already."""
    count, skip = 0, 0
    for word in said:
        if skip:
            skip -= 1
        elif word in flags:
            skip = 0 if flags[word].is_flag else flags[word].nargs
        else:
            count += 1
    return count


def _values(parameter: Any, context: Any) -> Iterable[tuple[str, str]]:
    import click

    if isinstance(parameter.type, click.Choice):
        yield from ((str(choice), "choice") for choice in parameter.type.choices)
        return
    noun = context.parent.info_name if context.parent else context.info_name
    kind = _OF_NOUN.get((noun, parameter.name), _KINDS.get(parameter.name, ""))
    if kind:
        yield from ((name, kind) for name in list(dict.fromkeys(_NAMES[kind]()))[:_FEW])


# -- the names that a project holds --------------------------------------------------------------


def _datasets() -> Iterable[str]:
    from mlnb import datasets

    for version in datasets.latest():
        yield version.name
        yield version.ref


def _models() -> Iterable[str]:
    from mlnb.tracking.models import list_models

    for version in list_models():
        yield version.name
        yield version.ref
        yield from (f"{version.name}@{alias}" for alias in version.aliases)


def _endpoints() -> Iterable[str]:
    from mlnb.serving import list_endpoints

    return [status.name for status in list_endpoints()]


def _runs() -> Iterable[str]:
    from mlnb.tracking.runs import list_runs

    for run in list_runs(limit=50):
        yield run.name
        yield run.id[:8]


_NAMES: dict[str, Callable[[], Iterable[str]]] = {
    "dataset": _datasets,
    "model": _models,
    "endpoint": _endpoints,
    "run": _runs,
}
_KINDS = {"endpoint": "endpoint", "run": "run", "runs": "run", "model": "model"}
"""Parameters whose name says what they take."""
_OF_NOUN = {
    **{
        ("dataset", name): "dataset" for name in ("name", "ref", "names", "refs", "before", "after")
    },
    **{("model", name): "model" for name in ("name", "ref", "refs", "names")},
    **{("endpoint", name): "endpoint" for name in ("name", "names")},
    **{("monitor", name): "endpoint" for name in ("name", "names")},
    **{("runs", name): "run" for name in ("ref", "refs", "name", "names", "ids")},
    ("rollback", "name"): "endpoint",
    ("pipeline", "run"): "",  # a pipeline's run is no tracked one
}
