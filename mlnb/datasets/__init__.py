"""Versions of tables: save, load, log, show, tag, diff.

A version is immutable: a number, a digest of its logical content, and who saved it when and why.
Importing this package imports neither pandas nor Arrow.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlnb.core.records import DatasetVersion
    from mlnb.datasets.difference.comparing import diff
    from mlnb.datasets.exports.exporting import export
    from mlnb.datasets.exports.records import DatasetExport
    from mlnb.datasets.links.linking import link
    from mlnb.datasets.links.scanning import scan
    from mlnb.datasets.loading import load, show
    from mlnb.datasets.records import DatasetDiff, DatasetProfile
    from mlnb.datasets.removal import remove
    from mlnb.datasets.saving import save
    from mlnb.datasets.tagging import tag, tags, untag
    from mlnb.datasets.versions import latest, log, names, resolve

_HOMES = {
    "DatasetDiff": "mlnb.datasets.records",
    "DatasetExport": "mlnb.datasets.exports.records",
    "DatasetProfile": "mlnb.datasets.records",
    "DatasetVersion": "mlnb.core.records",
    "diff": "mlnb.datasets.difference.comparing",
    "export": "mlnb.datasets.exports.exporting",
    "latest": "mlnb.datasets.versions",
    "link": "mlnb.datasets.links.linking",
    "load": "mlnb.datasets.loading",
    "log": "mlnb.datasets.versions",
    "names": "mlnb.datasets.versions",
    "remove": "mlnb.datasets.removal",
    "resolve": "mlnb.datasets.versions",
    "save": "mlnb.datasets.saving",
    "scan": "mlnb.datasets.links.scanning",
    "show": "mlnb.datasets.loading",
    "tag": "mlnb.datasets.tagging",
    "tags": "mlnb.datasets.tagging",
    "untag": "mlnb.datasets.tagging",
}

__all__ = [
    "DatasetDiff",
    "DatasetExport",
    "DatasetProfile",
    "DatasetVersion",
    "diff",
    "export",
    "latest",
    "link",
    "load",
    "log",
    "names",
    "remove",
    "resolve",
    "save",
    "scan",
    "show",
    "tag",
    "tags",
    "untag",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mlnb.datasets' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
