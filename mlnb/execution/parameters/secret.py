"""Secrets: text that goes into a notebook by the environment and stays out of everything written.

This module is imported by users' notebooks; it needs the standard library only.
"""

import os
from collections.abc import Mapping
from typing import Self

PREFIX = "MLNB_SECRET_"
"""The environment variable of the parameter ``token`` is ``MLNB_SECRET_TOKEN``."""
MASK = "••••••"
REFERENCE = "env:"
"""How a value is given: ``env:NAME`` names a variable of the environment."""


class Secret(str):
    """Text that must not be seen: ``token: Secret = ""`` in a notebook's parameters cell.

    It is text like any other, except that its ``repr``, which is what a cell displays, is masked,
    and that no checkpoint and no cached step stores it.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Secret({MASK!r})" if self else "Secret('')"

    @classmethod
    def from_environment(cls, name: str, default: str = "") -> Self:
        """Return the value of ``MLNB_SECRET_NAME``, or a default.

        Parameters
        ----------
        name : str
            The parameter; upper or lower case.
        default : str
            When there is no such variable.
        """
        return cls(os.environ.get(variable(name), default))


def variable(name: str) -> str:
    """Return the environment variable that a parameter's value goes in by."""
    return PREFIX + name.upper()


def held(environment: Mapping[str, str] | None = None) -> list[str]:
    """Return the secrets that an environment holds, for those who take them out of outputs."""
    variables = os.environ if environment is None else environment
    return [value for name, value in variables.items() if name.startswith(PREFIX) and value]
