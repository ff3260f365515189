"""Nouns, verbs and parameter types."""

from pathlib import Path
from typing import Any

import click
import pytest

from mlnb.core.errors import UnknownName
from mlnb.ui.cli import resolve
from mlnb.ui.grammar import Data, KeyValue, Listing, Noun, Surface, Variable, Verb
from mlnb.ui.nouns import NOUNS


@click.group("thing", cls=Noun)
def thing() -> None:
    """A noun."""


@thing.command("echo")
@click.argument("data", type=Data())
@click.option("--with", "other", type=Variable(), help="An object.")
@click.option("-p", "pairs", type=KeyValue(), multiple=True, help="Pairs.")
def echo(data: Any, other: Any, pairs: tuple[tuple[str, str], ...]) -> Any:
    """Return what was given."""
    return data, other, pairs


def run(*arguments: str, namespace: dict[str, Any] | None = None) -> Any:
    surface = Surface(namespace=namespace)
    return thing.main(list(arguments), prog_name="thing", standalone_mode=False, obj=surface)


def test_an_unknown_verb_is_answered_with_the_nearest() -> None:
    with pytest.raises(click.UsageError) as caught:
        run("ecko")
    assert "There is no thing 'ecko'. Did you mean 'echo'?" in caught.value.message


def test_every_verb_takes_json() -> None:
    surface = Surface(namespace={"table": 1})
    thing.main(["echo", "table", "--json"], standalone_mode=False, obj=surface)
    assert surface.json
    assert isinstance(echo, Verb)


def test_data_in_a_notebook_is_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table").touch()
    value = object()
    assert run("echo", "table", namespace={"table": value})[0] is value
    assert run("echo", "table", namespace={})[0] == Path("table")


def test_data_in_a_shell_is_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flights.csv").touch()
    assert run("echo", "flights.csv")[0] == Path("flights.csv")


def test_unknown_data_is_answered_with_the_nearest_variable_or_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flights.csv").touch()
    with pytest.raises(UnknownName, match=r"no file 'fligths.csv'. Did you mean 'flights.csv'"):
        run("echo", "fligths.csv")
    with pytest.raises(UnknownName, match=r"variable or file 'fligths'. Did you mean 'flights'"):
        run("echo", "fligths", namespace={"flights": 1, "_fligths": 2})


def test_a_variable_is_an_object_in_a_notebook_and_text_in_a_shell(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.touch()
    value = object()
    assert run("echo", str(file), "--with", "model", namespace={"model": value})[1] is value
    assert run("echo", str(file), "--with", "model")[1] == "model"


def test_pairs_split_at_the_first_equals_sign(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.touch()
    assert run("echo", str(file), "-p", "a=b=c", "-p", "d=")[2] == (("a", "b=c"), ("d", ""))
    for bad in ("a", "=a"):
        with pytest.raises(click.BadParameter, match="not of the form key=value"):
            run("echo", str(file), "-p", bad)


def test_a_listing_is_a_list_with_a_title() -> None:
    listing = Listing([1, 2], title="Numbers", empty="None yet.")
    assert listing == [1, 2]
    assert (listing.title, listing.empty) == ("Numbers", "None yet.")


def commands() -> list[tuple[str, click.Command]]:
    """Return every command of the grammar with its name."""
    found: list[tuple[str, click.Command]] = []
    for name, entry in NOUNS.items():
        command = resolve(entry.home)
        found.append((name, command))
        if isinstance(command, click.Group):
            found += [(f"{name} {verb}", command.commands[verb]) for verb in command.commands]
    return found


@pytest.mark.parametrize(("name", "entry"), NOUNS.items())
def test_every_noun_and_verb_is_there_and_says_what_it_does(name: str, entry: Any) -> None:
    command = resolve(entry.home)
    assert command.help, name
    assert entry.help.endswith("."), name
    verbs = command.commands.values() if isinstance(command, click.Group) else [command]
    assert verbs, f"{name} has no verb"
    for verb in verbs:
        assert isinstance(verb, Verb), f"{name} {verb.name} is no Verb"
        assert verb.help, f"{name} {verb.name}"
        for parameter in verb.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{name} {verb.name} {parameter.opts}"


@pytest.mark.parametrize(("name", "entry"), [(n, e) for n, e in NOUNS.items() if e.cell])
def test_every_cell_magic_has_its_function(name: str, entry: Any) -> None:
    assert callable(resolve(entry.cell)), name
