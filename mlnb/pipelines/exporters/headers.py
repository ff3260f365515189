"""The first lines of every file that mlnb writes: which command made it, and makes it anew."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from mlnb.core.errors import BadInput
from mlnb.pipelines.exporters.options import Options

_MARK = "Made by: mlnb pipeline export "
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


def words_of(text: str) -> list[str] | None:
    """Return the words of the command that made a file, without ``mlnb pipeline export``.

    Raises
    ------
    BadInput
        If they cannot be read.
    """
    for line in text.splitlines()[:3]:
        _, mark, rest = line.partition(_MARK)
        if mark:
            try:
                return shlex.split(rest)
            except ValueError as error:
                raise BadInput(f"The header {line!r} cannot be read: {error}.") from None
    return None


def _yaml(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value))
