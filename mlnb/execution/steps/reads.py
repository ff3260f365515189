"""Versions that code has read: whether the same code would read the same ones now."""

from collections.abc import Iterable

from mlnb.core.errors import MlnbError
from mlnb.execution.steps.records import DatasetRead


def read_of(ref: str, constants: Iterable[str]) -> DatasetRead:
    """Return what is kept of a version that was read.

    Parameters
    ----------
    ref : str
        ``name@number``.
    constants : iterable of str
        Texts in the code, and its parameters: the names by which it may have called the version.
    """
    from mlnb.datasets import versions

    name, _, number = ref.partition("@")
    # without the name: a cache must not look like somebody who needs the version
    refs = [
        said.removeprefix(name) for said in constants if said == name or said.startswith(f"{name}@")
    ]
    newest = versions.find(name).number
    return DatasetRead(name=name, number=int(number), refs=sorted(refs), latest=newest)


def is_current(read: DatasetRead) -> bool:
    """Tell whether the code that read a version would read the same one now."""
    from mlnb.datasets import versions

    try:
        if read.refs:
            return read.number in {versions.find(read.name + ref).number for ref in read.refs}
        return versions.find(read.name).number == read.latest
    except MlnbError:
        return False
