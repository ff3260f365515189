"""The commands that the Lab panel teaches exist, with these options."""

import re
import shlex
from pathlib import Path

import click
import pandas as pd
import pytest

from mlnb.ui.cli import resolve
from mlnb.ui.grammar import Surface
from mlnb.ui.nouns import NOUNS

SOURCES = Path(__file__).parents[2] / "extension" / "src"
LISTS = {file.parent.name: file.read_text("utf-8") for file in SOURCES.glob("*/list.tsx")}
TAUGHT = {name: re.findall(r"code: '([^']+)'", text) for name, text in LISTS.items()}
MENUS = {file.parent.name: file.read_text("utf-8") for file in SOURCES.glob("*/menu.ts")}
SAMPLES = {
    "variable(name)": "flights",
    "number": "3",
    "name": "flights",
    "row.name": "flights",
    "ref(row)": "flights@3",
    "row.id": "flights-1",
    "row.id.slice(0, SHORT)": "0123456789ab",
}
"""What stands for an expression in a menu's line."""


def filled(line: str) -> str:
    return re.sub(r"\$\{([^}]+)\}", lambda found: SAMPLES[found[1]], line)


FILLED = sorted(
    {filled(line) for text in MENUS.values() for line in re.findall(r"`(%[^`…]+)`", text)}
)
COMMANDS = [*(code for codes in TAUGHT.values() for code in codes), *FILLED]


def test_every_list_teaches_its_first_command():
    assert set(TAUGHT) == {"runs", "datasets", "models", "endpoints", "pipelines"}
    assert all(len(codes) == 1 for codes in TAUGHT.values())
    assert len(FILLED) == 9


@pytest.mark.parametrize("line", COMMANDS)
def test_a_taught_command_is_understood(line):
    frame = pd.DataFrame({"x": [1]})
    surface = Surface(namespace={"df": frame, "X": frame, "model": object()})
    noun, *arguments = shlex.split(line.removeprefix("mlnb "))
    entry = NOUNS[noun.lstrip("%")]
    if line.startswith("%%"):
        assert entry.cell
        arguments.insert(0, "cell")
    elif line.startswith("%"):
        assert entry.line
    else:
        assert entry.program
    command = resolve(entry.home)
    if isinstance(command, click.Group):
        verb, *arguments = arguments
        command = command.commands[verb]
    context = command.make_context(line, arguments, obj=surface)
    assert context.params
