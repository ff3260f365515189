"""What a shell knows of the cells that ran in a run, handed to the collectors at its end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlnb.tracking.notebook import ExecutedCell


@dataclass
class ShellFacts:
    """The cells of a run, and the shell's variables after them."""

    namespace: Mapping[str, Any]
    """The user's variables."""
    sources: list[str]
    """The code of the run's own cells, in order, each with its ``%%track`` line."""
    cells: Callable[[], list[ExecutedCell]]
    """Makes the notebook as it ran: every cell of the session, with the outputs of the run's."""
    images: list[str] = field(default_factory=list)
    """PNG images that the cells showed, base64, in order."""
    params_auto: bool = False
    """Whether ``--params auto`` was given."""
    error: BaseException | None = None
    drawings: Mapping[str, bytes] = field(default_factory=dict)
    """The SVG of matplotlib's figures among the images, by their PNG."""
