"""Data of other tools: link (pin it by reference), export (write it for them)."""

from pathlib import Path
from typing import Any

import click

from mlnb import datasets
from mlnb.core.records import DatasetVersion
from mlnb.datasets.exports.records import DatasetExport, Format
from mlnb.ui.commands.dataset.group import dataset
from mlnb.ui.grammar import Variable


@dataset.command("link")
@click.argument("source", type=Variable())
@click.argument("name")
@click.option("--at", help="Of Delta a version, of Iceberg a snapshot, of DVC a git revision.")
@click.option("--query", help="SQL, or a table's name, for a database: its result is saved.")
@click.option("-m", "--message", default="", help="What changed, or where it comes from.")
@click.option("--tag", help="Point this tag at the version.")
@click.option("--author", help="Who linked it; the setting 'author' by default.")
def link(
    source: Any,
    name: str,
    at: str | None,
    query: str | None,
    message: str,
    tag: str | None,
    author: str | None,
) -> DatasetVersion:
    """Pin SOURCE, data that stays where it is, as the next version of dataset NAME.

    SOURCE is a Delta table, an Iceberg table (a folder, a .metadata.json file or
    iceberg:CATALOG/NAME.TABLE), a Parquet file or folder, data tracked by DVC (a path, or
    REPOSITORY#PATH with a folder or git URL), or a database with --query (a DuckDB file, :memory:
    or a SQLAlchemy URL); in a notebook also a variable: a table of deltalake or pyiceberg, a
    relation of DuckDB. Loading reads exactly the pinned state, or says what is wrong with it.
    """
    return datasets.link(source, name, at=at, query=query, message=message, tag=tag, author=author)


@dataset.command("export")
@click.argument("ref")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--to",
    type=click.Choice(["parquet", "csv", "json", "jsonl", "delta", "dvc", "files"]),
    help="The format; by default what the suffix of PATH says.",
)
@click.option("--columns", help="These columns only, separated by commas.")
@click.option("--force", is_flag=True, help="Replace what is there; of a Delta table, a version.")
def export(
    ref: str, path: Path, to: Format | None, columns: str | None, force: bool
) -> DatasetExport:
    """Write version REF to PATH for other tools, and say what the format does not keep.

    With --to dvc, PATH is in a DVC repository: the data is tracked there as by `dvc add` and in
    its default remote as by `dvc push`, without DVC.
    """
    chosen = [name.strip() for name in columns.split(",")] if columns else None
    return datasets.export(ref, path, to=to, columns=chosen, replace=force)
