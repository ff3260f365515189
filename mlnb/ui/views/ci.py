"""How files for other systems are laid out."""

from typing import Any

from mlnb.pipelines.ci import CiCheck
from mlnb.pipelines.exporters import Exported
from mlnb.ui import render
from mlnb.ui.render import Table, View

_STYLES = {"matches": "good", "differs": "bad", "unknown": "dim"}


@render.view.register(Exported)
def _(made: Exported) -> View:
    return View(made.path, notes=["Written." if made.changed else "It was like this already."])


@render.row.register(Exported)
def _(made: Exported) -> dict[str, Any]:
    return {"file": made.path, "state": "written" if made.changed else "as it was"}


@render.view.register(CiCheck)
def _(check: CiCheck) -> View:
    rows = [[file.path, file.state] for file in check.files]
    styles = [_STYLES[file.state] for file in check.files]
    differs = any(file.state == "differs" for file in check.files)
    return View(
        "Files for CI",
        tables=[Table(["file", "beside the pipeline"], rows, styles=styles)],
        notes=[file.diff for file in check.files if file.diff],
        status="bad" if differs else "good",
    )
