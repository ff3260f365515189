"""The parameters of a notebook: what the cell tagged ``parameters`` declares, with types.

The cell is read, never executed. Importing this package costs nothing; pydantic is imported when a
value is checked.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlnb.execution.parameters.binding import Given as Given
    from mlnb.execution.parameters.binding import bind as bind
    from mlnb.execution.parameters.binding import check as check
    from mlnb.execution.parameters.binding import check_names as check_names
    from mlnb.execution.parameters.binding import check_values as check_values
    from mlnb.execution.parameters.declared import NotebookParameters as NotebookParameters
    from mlnb.execution.parameters.declared import Parameter as Parameter
    from mlnb.execution.parameters.declared import describe as describe
    from mlnb.execution.parameters.declared import of as of
    from mlnb.execution.parameters.declared import read as read
    from mlnb.execution.parameters.secret import Secret as Secret

_HOMES = {
    "Given": "mlnb.execution.parameters.binding",
    "NotebookParameters": "mlnb.execution.parameters.declared",
    "Parameter": "mlnb.execution.parameters.declared",
    "Secret": "mlnb.execution.parameters.secret",
    "bind": "mlnb.execution.parameters.binding",
    "check": "mlnb.execution.parameters.binding",
    "check_names": "mlnb.execution.parameters.binding",
    "check_values": "mlnb.execution.parameters.binding",
    "describe": "mlnb.execution.parameters.declared",
    "of": "mlnb.execution.parameters.declared",
    "read": "mlnb.execution.parameters.declared",
}

__all__ = [
    "Given",
    "NotebookParameters",
    "Parameter",
    "Secret",
    "bind",
    "check",
    "check_names",
    "check_values",
    "describe",
    "of",
    "read",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
