"""Versions of tables: save, load, log, show, tag, diff.

A version is immutable: a number, a digest of its logical content, and who saved it when and why.
Importing this package imports neither pandas nor Arrow.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlnb.core.records import DatasetVersion
    from mlnb.datasets.checking import verify
    from mlnb.datasets.collection import collect
    from mlnb.datasets.difference.comparing import diff
    from mlnb.datasets.difference.records import DatasetDiff
    from mlnb.datasets.expectations import check, expect
    from mlnb.datasets.exports.exporting import export
    from mlnb.datasets.exports.records import DatasetExport
    from mlnb.datasets.folders.checkout import checkout
    from mlnb.datasets.folders.records import Checkout, FolderDiff, FolderSummary
    from mlnb.datasets.links.linking import link
    from mlnb.datasets.links.scanning import scan
    from mlnb.datasets.loading import batches, load, show
    from mlnb.datasets.pinning import pin, unpin
    from mlnb.datasets.records import (
        CheckReport,
        DatasetProfile,
        Expectations,
        GarbageCollection,
        RemovedVersion,
        TagHistory,
        VerifyReport,
    )
    from mlnb.datasets.remotes.records import Progress, RepairReport, TransferReport
    from mlnb.datasets.remotes.repair import repair
    from mlnb.datasets.remotes.transfer import pull, push
    from mlnb.datasets.removal import remove
    from mlnb.datasets.restoring import restore
    from mlnb.datasets.saving import save
    from mlnb.datasets.tagging import tag, tags, untag
    from mlnb.datasets.versions import latest, log, names, resolve

_HOMES = {
    "batches": "mlnb.datasets.loading",
    "CheckReport": "mlnb.datasets.records",
    "Checkout": "mlnb.datasets.folders.records",
    "DatasetDiff": "mlnb.datasets.difference.records",
    "DatasetExport": "mlnb.datasets.exports.records",
    "DatasetProfile": "mlnb.datasets.records",
    "DatasetVersion": "mlnb.core.records",
    "Expectations": "mlnb.datasets.records",
    "FolderDiff": "mlnb.datasets.folders.records",
    "FolderSummary": "mlnb.datasets.folders.records",
    "GarbageCollection": "mlnb.datasets.records",
    "Progress": "mlnb.datasets.remotes.records",
    "RemovedVersion": "mlnb.datasets.records",
    "RepairReport": "mlnb.datasets.remotes.records",
    "TagHistory": "mlnb.datasets.records",
    "TransferReport": "mlnb.datasets.remotes.records",
    "VerifyReport": "mlnb.datasets.records",
    "check": "mlnb.datasets.expectations",
    "checkout": "mlnb.datasets.folders.checkout",
    "collect": "mlnb.datasets.collection",
    "diff": "mlnb.datasets.difference.comparing",
    "expect": "mlnb.datasets.expectations",
    "export": "mlnb.datasets.exports.exporting",
    "latest": "mlnb.datasets.versions",
    "link": "mlnb.datasets.links.linking",
    "load": "mlnb.datasets.loading",
    "log": "mlnb.datasets.versions",
    "names": "mlnb.datasets.versions",
    "pin": "mlnb.datasets.pinning",
    "pull": "mlnb.datasets.remotes.transfer",
    "push": "mlnb.datasets.remotes.transfer",
    "remove": "mlnb.datasets.removal",
    "repair": "mlnb.datasets.remotes.repair",
    "resolve": "mlnb.datasets.versions",
    "restore": "mlnb.datasets.restoring",
    "save": "mlnb.datasets.saving",
    "scan": "mlnb.datasets.links.scanning",
    "show": "mlnb.datasets.loading",
    "tag": "mlnb.datasets.tagging",
    "tags": "mlnb.datasets.tagging",
    "unpin": "mlnb.datasets.pinning",
    "untag": "mlnb.datasets.tagging",
    "verify": "mlnb.datasets.checking",
}

__all__ = [
    "CheckReport",
    "Checkout",
    "DatasetDiff",
    "DatasetExport",
    "DatasetProfile",
    "DatasetVersion",
    "Expectations",
    "FolderDiff",
    "FolderSummary",
    "GarbageCollection",
    "Progress",
    "RemovedVersion",
    "RepairReport",
    "TagHistory",
    "TransferReport",
    "VerifyReport",
    "batches",
    "check",
    "checkout",
    "collect",
    "diff",
    "expect",
    "export",
    "latest",
    "link",
    "load",
    "log",
    "names",
    "pin",
    "pull",
    "push",
    "remove",
    "repair",
    "resolve",
    "restore",
    "save",
    "scan",
    "show",
    "tag",
    "tags",
    "unpin",
    "untag",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mlnb.datasets' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
