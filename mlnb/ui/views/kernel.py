"""How warm kernels and their parents are laid out."""

from typing import Any

from mlnb.execution.warm.managing import InstalledKernel, Zygote
from mlnb.ui.render import Table, View, row, view


@view.register(Zygote)
def _(zygote: Zygote) -> View:
    refused = [(module, reason) for module, reason in sorted(zygote.refused.items())]
    return View(
        "Warm kernels",
        fields=[
            ("process", str(zygote.pid)),
            ("interpreter", zygote.interpreter),
            ("how", "forked" if zygote.mode == "fork" else "from a pool"),
            ("imported", ", ".join(zygote.imported) or None),
            ("still importing", ", ".join(zygote.waiting) or None),
            ("not installed", ", ".join(zygote.missing) or None),
            ("kernels running", str(len(zygote.children))),
            ("kernels so far", str(zygote.born)),
            ("waiting", str(zygote.ready) if zygote.ready else None),
            ("will be replaced", zygote.stale or None),
        ],
        tables=[Table(["not imported ahead", "because"], refused)] if refused else [],
        status="good",
    )


@row.register(Zygote)
def _(zygote: Zygote) -> dict[str, Any]:
    return {
        "process": zygote.pid,
        "interpreter": zygote.interpreter,
        "imported": ", ".join(zygote.imported),
        "kernels": len(zygote.children),
        "so far": zygote.born,
        "stale": zygote.stale,
    }


@view.register(InstalledKernel)
def _(kernel: InstalledKernel) -> View:
    return View(
        f"Kernel {kernel.name}",
        fields=[("shown as", kernel.display_name), ("folder", kernel.folder)],
        notes=[f"Choose it in JupyterLab, or name it: papermill -k {kernel.name} …"],
        status="good",
    )
