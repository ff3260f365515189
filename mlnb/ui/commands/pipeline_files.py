"""``mlnb pipeline import`` and ``mlnb pipeline schema``: the files of others, and for editors."""

from pathlib import Path

import click

from mlnb.pipelines.planning import Plan
from mlnb.ui.grammar import Verb


@click.command("import", cls=Verb)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="By default pipeline.yaml beside it."
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def import_file(file: Path, output: Path | None, force: bool) -> Plan:
    """Write the pipeline file of FILE, a pipeline of Elyra (.pipeline), and show its plan."""
    from mlnb.pipelines import importing

    return importing.import_file(file, output, force=force)


@click.command("schema", cls=Verb)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write it to.")
def schema(output: Path | None) -> str:
    """Print the JSON Schema of a pipeline file, with which editors complete and check it.

    A file names it in its first line: `# yaml-language-server: $schema=pipeline.schema.json`.
    """
    from mlnb.pipelines.spec import schema as published

    if output is None:
        return published.text()
    output.write_text(published.text(), encoding="utf-8")
    return f"{published.HINT}{output.as_posix()}"
