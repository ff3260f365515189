"""Which names things may have, and references to their versions."""

import re

from mlnb.core.errors import InvalidName, InvalidReference

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def check_name(kind: str, name: str) -> str:
    """Return the name if it is a valid one.

    Raises
    ------
    InvalidName
        If it could not be a file name and a URL segment on every platform.
    """
    if not is_name(name):
        raise InvalidName(kind, name)
    return name


def is_name(name: object) -> bool:
    """Tell whether something can be the name of a thing that mlnb refers to."""
    return isinstance(name, str) and bool(_NAME.fullmatch(name)) and not name.endswith(".")


def split_reference(kind: str, reference: str) -> tuple[str, str]:
    """Split ``name`` or ``name@selector`` into its two parts.

    Parameters
    ----------
    kind : str
        What is referred to, for the error.
    reference : str
        ``flights``, ``flights@3``, ``flights@latest``, ``flights@gold``, ``flights@1f3c…``.

    Returns
    -------
    tuple of str
        Name and selector; the selector is ``"latest"`` when none is given.

    Raises
    ------
    InvalidReference
        If a part is empty or there are two ``@``.
    InvalidName
        If the name could not be one.
    """
    name, at, selector = reference.partition("@")
    if not name or (at and not selector) or "@" in selector:
        raise InvalidReference(kind, reference, "name, name@version or name@tag")
    return check_name(kind, name), selector or "latest"
