"""Files of secrets: ``NAME=value`` a line, as ``.env`` files have them."""

import os
import re
from pathlib import Path

from mlnb.core import redaction
from mlnb.core.errors import BadInput
from mlnb.execution.parameters.secret import variable

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")


def load(file: Path) -> list[str]:
    """Make the secrets of a file known to this process and to what it starts.

    Each goes into the variable ``MLNB_SECRET_NAME``; one that is set already stays as it is.

    Returns
    -------
    list of str
        Their names.

    Raises
    ------
    BadInput
        If the file cannot be read, or a line is no ``NAME=value``; the line is not shown.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise BadInput(f"The file of secrets {file.name} cannot be read: {reason}.") from None
    names = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = _LINE.fullmatch(text)
        if match is None:
            raise BadInput(
                f"{file.name}, line {number}: it is no NAME=value.",
                "A value with spaces stands in quotes.",
            )
        name, value = match[1], _unquoted(match[2].strip())
        redaction.register(value)
        os.environ.setdefault(variable(name), value)
        names.append(name)
    return names


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value.split(" #")[0].rstrip()
