"""Settings: a file below the environment, every mistake named."""

from pathlib import Path
from typing import Any

import pytest

from mlnb.core import settings
from mlnb.core.errors import BadInput, InvalidSetting, UnknownSetting


def loaded(folder: Path, text: str | bytes = "") -> settings.Settings:
    if text:
        data = text if isinstance(text, bytes) else text.encode()
        (folder / "mlnb.toml").write_bytes(data)
    return settings.load(folder)


def test_without_a_file_there_are_defaults(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    assert (found.store, found.workers, found.endpoint_auth) == (".mlnb/store", 2, True)
    assert found.author


def test_the_file_is_below_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLNB_WORKERS", "7")
    found = loaded(tmp_path, 'workers = 3\nname = "flights"\ndrift_psi = 0.5')
    assert (found.workers, found.name, found.drift_psi) == (7, "flights", 0.5)


def test_a_truth_value_is_read_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLNB_ENDPOINT_AUTH", "0")
    assert loaded(tmp_path).endpoint_auth is False


def test_an_unknown_key_of_the_file_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownSetting, match=r"mlnb\.toml sets 'worker'.*Did you mean 'workers'"):
        loaded(tmp_path, "worker = 3")


def test_an_unknown_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLNB_STOR", "x")
    with pytest.raises(UnknownSetting, match=r"variable MLNB_STOR.*Did you mean 'store'"):
        loaded(tmp_path)


@pytest.mark.parametrize("variable", sorted(settings.CONTEXT))
def test_variables_of_our_own_kernels_are_no_settings(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "x")
    assert loaded(tmp_path) == loaded(tmp_path)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("workers = 0", "workers = 0"),
        ('workers = "many"', "workers = 'many'"),
        ("drift_alpha = 1.5", "drift_alpha"),
        ("name = 3", "name = 3"),
        ("workers = ", "mlnb.toml"),
        (b"name = '\xff'", "mlnb.toml"),
        ("[store]\nurl = 1", "store"),
    ],
)
def test_a_bad_value_is_named_with_its_place(text: Any, what: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        loaded(tmp_path, text)
    assert what in caught.value.message
    assert "mlnb.toml" in caught.value.message


def test_a_bad_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLNB_WORKERS", "many")
    with pytest.raises(InvalidSetting, match="variable MLNB_WORKERS sets workers = 'many'"):
        loaded(tmp_path, "workers = 3")


def test_settings_do_not_change(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        loaded(tmp_path).workers = 9


def test_the_table_has_every_setting_with_help() -> None:
    rows = settings.table()
    assert [row["name"] for row in rows] == list(settings.Settings.model_fields)
    for row in rows:
        assert row["help"]
        assert row["variable"] == "MLNB_" + row["name"].upper()
