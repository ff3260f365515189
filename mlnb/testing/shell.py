"""An IPython shell for tests that raises what a cell raises instead of printing it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from IPython.core.interactiveshell import InteractiveShell


class RaisingShell(InteractiveShell):
    """A shell whose ``run_cell`` raises the cell's exception."""

    def run_cell(self, raw_cell: str, *args: Any, **kwargs: Any) -> Any:
        """Run a cell and return its result.

        Raises
        ------
        BaseException
            Whatever the cell raised.
        """
        result = super().run_cell(raw_cell, *args, **kwargs)  # type: ignore[no-untyped-call] # IPython has no types
        result.raise_error()
        return result

    def showtraceback(self, *args: Any, **kwargs: Any) -> None:
        """Print nothing: the exception is raised."""

    def showsyntaxerror(self, *args: Any, **kwargs: Any) -> None:
        """Print nothing: the exception is raised."""


@contextmanager
def raising_shell(extension: str = "mlnb") -> Iterator[RaisingShell]:
    """Give a fresh shell with the extension loaded; its variables are its own."""
    InteractiveShell.clear_instance()
    RaisingShell.clear_instance()
    shell: RaisingShell = RaisingShell.instance()
    try:
        if extension:
            assert shell.extension_manager is not None
            shell.extension_manager.load_extension(extension)
        yield shell
    finally:
        if shell.history_manager is not None:
            shell.history_manager.end_session()
        RaisingShell.clear_instance()
