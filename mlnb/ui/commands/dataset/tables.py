"""Save and load versions, and what they hold: save, load, list, show, diff."""

from collections.abc import MutableMapping
from keyword import iskeyword
from pathlib import Path
from typing import Any

import click

from mlnb import datasets
from mlnb.core.records import DatasetVersion
from mlnb.datasets import versions
from mlnb.datasets.difference.records import DatasetDiff
from mlnb.datasets.folders.records import FolderDiff, FolderSummary
from mlnb.datasets.loading import Engine
from mlnb.datasets.records import DamagedVersion, DatasetProfile
from mlnb.ui.commands.dataset.group import dataset
from mlnb.ui.grammar import Data, Listing, Surface


@dataset.command("save")
@click.argument("data", type=Data())
@click.argument("name")
@click.option("-m", "--message", default="", help="What changed, or where it comes from.")
@click.option("--tag", help="Point this tag at the version.")
@click.option("--author", help="Who saved it; the setting 'author' by default.")
@click.option("--key", help="Columns that identify a row, separated by commas.")
@click.option("--files", is_flag=True, help="Keep a file of a table as it is, too.")
@click.option(
    "--expect",
    is_flag=False,
    flag_value="",
    metavar="[FILE]",
    help="Save only what meets this schema, by default expectations/NAME.yaml (then put it last).",
)
def save(
    data: Any,
    name: str,
    message: str,
    tag: str | None,
    author: str | None,
    key: str | None,
    files: bool,
    expect: str | None,
) -> DatasetVersion:
    """Save DATA, a variable, a file or a folder, as the next version of dataset NAME.

    A .parquet, .csv, .json (a list of objects) or .jsonl file is a table; a folder or any other
    file is kept as it is. Data that the newest version holds already makes no new version.
    """
    expected = False if expect is None else expect or True
    return datasets.save(
        data,
        name,
        message=message,
        tag=tag,
        author=author,
        key=_names(key) or (),
        files=files,
        expect=expected,
    )


@dataset.command("load")
@click.argument("ref")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write it to this .parquet, .csv or .json(l) file; files to this folder.",
)
@click.option("--force", is_flag=True, help="Replace the file of --out, or files changed in it.")
@click.option("--into", help="In a notebook: put it in this variable, and show the version.")
@click.option("--columns", help="These columns only, separated by commas.")
@click.option(
    "--rows", metavar="FROM:TO", help="These rows only, counted from 0, without the last: 0:1000."
)
@click.option(
    "--engine",
    type=click.Choice(["pandas", "polars", "arrow", "duckdb"]),
    default="pandas",
    show_default=True,
    help="In a notebook: what to load it as.",
)
@click.pass_obj
def load(
    surface: Surface,
    ref: str,
    out: Path | None,
    force: bool,
    into: str | None,
    columns: str | None,
    rows: str | None,
    engine: Engine,
) -> Any:
    """Load version REF: name, name@3, name@tag, or name@ and a piece of its digest.

    In a notebook it is the value of the magic, or of the variable --into; in a shell it is
    written to --out.
    """
    chosen = _names(columns)
    if out is not None:
        span = _row_range(rows)
        return datasets.export(ref, out, columns=chosen, rows=span, replace=force).version
    variables = surface.namespace
    if not isinstance(variables, MutableMapping):
        raise click.UsageError("In a shell, say where to write it: --out FILE.")
    if into is not None and (not into.isidentifier() or iskeyword(into)):
        raise click.UsageError(f"{into!r} cannot name a variable.")
    frame = datasets.load(ref, columns=chosen, rows=_row_range(rows), engine=engine)
    if into is None:
        return frame
    variables[into] = frame
    return datasets.resolve(ref)


@dataset.command("list")
def list_all() -> Listing[DatasetVersion | DamagedVersion]:
    """List all datasets, each by its newest version."""
    return Listing(
        versions.newest_of_each(),
        title="Datasets",
        empty="There is no dataset yet. Save one: dataset save DATA NAME",
    )


@dataset.command("show")
@click.argument("ref")
def show(ref: str) -> DatasetProfile | FolderSummary:
    """Show version REF and what each of its columns, or the folder, holds."""
    return datasets.show(ref)


@dataset.command("diff")
@click.argument("before")
@click.argument("after")
@click.option("--key", help="Columns that identify a row, separated by commas.")
@click.option("--by-content", is_flag=True, help="Use no key: rows are the same if all values are.")
@click.option(
    "--sample",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    help="Show so many changed cells of each column.",
)
@click.option(
    "--rows",
    type=click.IntRange(min=0),
    default=0,
    help="Show so many rows of each kind: added, removed, changed.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write all rows that differ to this .parquet, .csv or .json(l) file.",
)
@click.option("--force", is_flag=True, help="Replace the file of --out.")
def diff(
    before: str,
    after: str,
    key: str | None,
    by_content: bool,
    sample: int,
    rows: int,
    out: Path | None,
    force: bool,
) -> DatasetDiff | FolderDiff:
    """Show what changed from version BEFORE to version AFTER.

    Rows are matched by --key, or by the key they were saved with, or by a column that has no
    null and no value twice; else by their content.
    """
    if key is not None and by_content:
        raise click.UsageError("--key and --by-content exclude each other.")
    chosen = _names(key)
    return datasets.diff(
        before,
        after,
        key=[] if by_content else chosen,
        sample=sample,
        rows=rows,
        out=out,
        replace=force,
    )


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",")]


def _row_range(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    start, colon, stop = text.partition(":")
    if not (colon and start.isdecimal() and stop.isdecimal()):
        raise click.UsageError(f"{text!r} is no range of rows. Say it like 0:1000.")
    return int(start), int(stop)
