from pathlib import Path

import pytest

from mlnb.core.settings import Settings
from mlnb.execution.warm import options


def test_the_quick_way_and_the_table_have_the_same_defaults(tmp_path: Path) -> None:
    quick, table = options.options(str(tmp_path)), Settings()
    assert quick.preload == options.names(table.preload)
    assert quick.idle == table.warm_idle
    assert quick.pool == table.warm_pool
    assert quick.mode == options.resolve(table.warm_kernels)


def test_the_project_around_the_folder_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mlnb.toml").write_text('preload = "json, csv"\nwarm_kernels = "pool"\n')
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    found = options.options(str(inner))
    assert found.preload == ("json", "csv")
    assert found.mode == "pool"
    monkeypatch.setenv("MLNB_PRELOAD", "decimal")
    assert options.options(str(inner)).preload == ("decimal",)


def test_a_broken_file_is_left_to_the_table(tmp_path: Path) -> None:
    (tmp_path / "mlnb.toml").write_text("preload = [")
    assert options.options(str(tmp_path)).idle == Settings().warm_idle


@pytest.mark.parametrize(
    ("platform", "mode", "means"),
    [
        ("linux", "auto", "fork"),
        ("linux", "pool", "pool"),
        ("darwin", "auto", "pool"),
        ("win32", "auto", "off"),
        ("win32", "fork", "off"),
        ("linux", "off", "off"),
    ],
)
def test_what_auto_means(
    platform: str, mode: str, means: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    assert options.resolve(mode) == means
