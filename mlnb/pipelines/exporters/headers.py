"""The first lines of every file that mlnb writes: which command made it, and makes it anew."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlnb.core.errors import BadInput
from mlnb.pipelines.exporters.options import Options

_MARK = "Made by: mlnb pipeline export "
_INIT = "Made by: mlnb ci init "
_NOTE = "Run that again when the pipeline has changed; `mlnb ci check` says when."


def of(file: str, options: Options, parameters: Mapping[str, Any]) -> list[str]:
    """Return the header of an export, without the marks of comments."""
    words = [file, *options.words()]
    for name, value in sorted(parameters.items()):
        words += ["-y", _yaml({name: value})]
    return [_MARK + shlex.join(words), _NOTE]


def is_ours(text: str) -> bool:
    """Tell whether a file was made by mlnb."""
    return any("Made by: mlnb " in line for line in text.splitlines()[:3])


def of_init(file: str, options: Options) -> list[str]:
    """Return the header of what ``mlnb ci init`` writes beside the CI file."""
    return [_INIT + shlex.join([file, *options.words()]), _NOTE]


@dataclass(frozen=True)
class Origin:
    """The command that made a file."""

    file: str
    """The pipeline file, relative to where the repository begins."""
    options: Options
    parameters: dict[str, Any]
    init: bool
    """Whether ``mlnb ci init`` made it, and not an export."""


def origin(text: str) -> Origin | None:
    """Return the command that made a file; None for a file of somebody else.

    Raises
    ------
    BadInput
        If the header has been changed so that it cannot be read.
    """
    for line in text.splitlines()[:3]:
        for mark in (_MARK, _INIT):
            if mark in line:
                try:
                    return _read(shlex.split(line.partition(mark)[2]), init=mark == _INIT)
                except (ValueError, TypeError, AttributeError) as error:
                    raise BadInput(f"The header {line!r} cannot be read: {error}.") from None
    return None


def _read(words: list[str], *, init: bool) -> Origin:
    file, *rest = words
    if len(rest) % 2:
        raise ValueError(f"{rest[-1]} has no value")
    given: dict[str, Any] = {"without": (), "runners": {}}
    parameters: dict[str, Any] = {}
    for option, value in zip(rest[::2], rest[1::2], strict=True):
        if option == "-y":
            parameters |= json.loads(value)
        elif option == "--runner":
            step, equals, label = value.partition("=")
            given["runners"] |= {step: label} if equals else {"": value}
        elif option == "--without":
            given["without"] = (*given["without"], value)
        else:
            given["target" if option == "--to" else option.removeprefix("--")] = value
    return Origin(file, Options(**given), parameters, init)


def _yaml(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value))
