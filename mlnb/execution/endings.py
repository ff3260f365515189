"""How a notebook ends other than by its last cell; both ways of running cells raise these."""


class Ending(Exception):
    """The notebook has ended before its last cell."""


class KernelEnded(Ending):
    """The process ended by itself; the argument says how."""


class Stopped(Ending):
    """The notebook was stopped from outside; the argument is ``"cancelled"`` or ``"timeout"``."""


class CellStopped(Ending):
    """A single cell took longer than ``cell_timeout``."""


class Flooded(Ending):
    """A cell wrote far more than is kept, and went on."""


class CellRaised(Ending):
    """A cell raised.

    Parameters
    ----------
    name, value : str
        Exception class name and message.
    """

    def __init__(self, name: str, value: str) -> None:
        super().__init__(name, value)
        self.name = name
        self.value = value
