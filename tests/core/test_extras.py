"""Optional libraries."""

from pathlib import Path

import pytest

from mlnb.core.errors import MissingExtra
from mlnb.core.extras import require


def test_an_installed_library_is_imported() -> None:
    assert require("json.decoder", "any").JSONDecoder


def test_a_missing_library_names_the_extra() -> None:
    with pytest.raises(MissingExtra, match=r"pip install 'mlnb\[cloud\]'"):
        require("surely_not_installed.part", "cloud")


def test_a_library_that_lacks_something_itself_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_installed.py").write_text("import surely_not_installed")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="surely_not_installed"):
        require("half_installed", "cloud")
