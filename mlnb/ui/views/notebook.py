"""How notebooks and their parameters are laid out."""

from mlnb.execution.parameters import NotebookParameters
from mlnb.ui.render import Table, View, view


@view.register
def _(described: NotebookParameters) -> View:
    if not described.parameters:
        note = "It declares no parameters: no cell is tagged 'parameters'."
        return View(described.notebook, notes=[described.problem or note])
    rows = [
        (item.name, item.annotation, "(secret)" if item.secret else item.default, item.help)
        for item in described.parameters
    ]
    table = Table(["parameter", "type", "default", "help"], rows)
    notes = [described.problem] if described.problem else []
    return View(described.notebook, tables=[table], notes=notes)
