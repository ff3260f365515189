"""How exports are laid out."""

from mlnb.datasets.exports.records import DatasetExport
from mlnb.ui.render import Table, View, view
from mlnb.ui.views.dataset import size


@view.register
def _(export: DatasetExport) -> View:
    lost = [[loss.column or "(table)", loss.was, loss.now] for loss in export.lost]
    tables = [Table(["not kept", "was", "is now"], lost)] if lost else []
    notes = list(export.notes)
    if not lost and export.to != "files" and export.version.columns:
        notes.insert(0, "Everything is kept.")
    if export.checked is not None:
        notes.append(f"Compared on the first {export.checked:,} rows.")
    fields = [("to", export.path), ("format", export.to), ("size", size(export.bytes))]
    return View(f"Exported {export.ref}", fields=fields, tables=tables, notes=notes)
