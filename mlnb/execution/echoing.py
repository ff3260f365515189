"""What cells show, passed on while the notebook runs: to a log, to files."""

import logging
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from mlnb.core.errors import DiskUnavailable

LOG = logging.getLogger("mlnb.execution.outputs")


class Echo:
    """Passes on outputs as papermill does; give it up with ``with``.

    Text goes to the files and, where asked, to the log: standard output as INFO, standard error
    as WARNING, the text of what is displayed as INFO.

    Parameters
    ----------
    log : bool
        Whether outputs are logged.
    stdout, stderr : Path, optional
        Files that are written anew.

    Raises
    ------
    DiskUnavailable
        If a file cannot be written.
    """

    def __init__(
        self, *, log: bool = False, stdout: Path | None = None, stderr: Path | None = None
    ) -> None:
        self._log = log
        self._paths = {"stdout": stdout, "stderr": stderr}
        self._files: dict[str, IO[str]] = {}
        self._open = ExitStack()

    def __enter__(self) -> "Echo":
        for name, path in self._paths.items():
            if path is not None:
                try:
                    file = path.open("w", encoding="utf-8", errors="replace")
                except OSError as error:
                    raise DiskUnavailable(error.strerror or str(error), str(path)) from None
                self._files[name] = self._open.enter_context(file)
        return self

    def __exit__(self, *_error: object) -> None:
        self._open.close()

    def __bool__(self) -> bool:
        return self._log or any(self._paths.values())

    def __call__(self, outputs: Iterable[dict[str, Any]]) -> None:
        """Pass on outputs in nbformat's form."""
        for output in outputs:
            if output["output_type"] == "stream":
                self._stream(output["name"], _text(output["text"]))
            elif self._log and "text/plain" in output.get("data", {}):
                LOG.info("%s", _text(output["data"]["text/plain"]))

    def _stream(self, name: str, text: str) -> None:
        if self._log:
            LOG.log(logging.INFO if name == "stdout" else logging.WARNING, "%s", text)
        if file := self._files.get(name):
            file.write(text)
            file.flush()


def _text(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "".join(value)
