"""``mlnb model card`` / ``%model card``: a verb of the noun `mlnb.ui.commands.model`."""

from pathlib import Path

import click

from mlnb.ui.grammar import Verb
from mlnb.ui.render import View


class Markdown(str):
    """Markdown, shown rendered in a notebook and as it is in a shell."""

    def _repr_markdown_(self) -> str:
        return str(self)


@click.command("card", cls=Verb)
@click.argument("ref")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the card to this file."
)
def card(ref: str, out: Path | None) -> Markdown | View:
    """Write the model card of a version (NAME@3) in Markdown: what is recorded about it."""
    from mlnb.sharing import card as make

    text = make(ref)
    if out is None:
        return Markdown(text)
    out.write_text(text, encoding="utf-8")
    return View(f"Wrote the card of {ref} to {out}")
