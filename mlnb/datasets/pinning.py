"""Versions that a name means in this process, whatever is newest: for work that is done again."""

from mlnb.core.errors import BadInput
from mlnb.core.names import split_reference
from mlnb.core.records import DatasetVersion
from mlnb.datasets import versions

_pins: dict[str, str] = {}


def pin(*refs: str) -> list[DatasetVersion]:
    """Let the names of datasets mean these versions when they are loaded in this process.

    ``load("flights")`` then loads what ``flights@3`` is; a version that is asked for by number or
    tag stays that one.

    Parameters
    ----------
    *refs : str
        ``name@version``, one of each name.

    Returns
    -------
    list of DatasetVersion
        The versions.

    Raises
    ------
    UnknownName, InvalidReference
        If a reference means no version; nothing is pinned then.
    BadInput
        If a name is given twice.
    """
    names = [split_reference("dataset", ref)[0] for ref in refs]
    if len(set(names)) < len(names):
        raise BadInput("A name can be pinned to one version only.", "Give each name once.")
    found = [versions.resolve(ref) for ref in refs]
    _pins.update({version.name: version.ref for version in found})
    return found


def unpin(*names: str) -> None:
    """Let names mean their newest versions again; all of them if none is given."""
    for name in names or list(_pins):
        _pins.pop(name, None)


def pinned(ref: str) -> str:
    """Return the version that a reference is pinned to, or the reference itself."""
    return _pins.get(str(ref).removesuffix("@latest"), ref)  # what is no text is refused later
