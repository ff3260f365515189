"""The generator of the reference."""

from pathlib import Path

import pytest

from mlnb.ui import reference


def test_writing_makes_a_stale_page_fresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert reference.main([]) == 0
    assert reference.main(["--check"]) == 0
    page = tmp_path / "docs" / "reference" / "settings.md"
    page.write_text(page.read_text().replace("workers", "wokers"))
    capsys.readouterr()
    assert reference.main(["--check"]) == 1
    assert capsys.readouterr().out == "docs/reference/settings.md is out of date; run: make docs\n"
    assert "wokers" in page.read_text(), "a check writes nothing"
    assert reference.main([]) == 0
    assert "wokers" not in page.read_text()


def test_a_page_holds_no_path_of_this_machine_or_address_of_an_object() -> None:
    for name, text in reference.pages().items():
        assert str(Path.home()) not in text or str(Path.home()) == "/", name
        assert " at 0x" not in text, name


def test_table_rows_have_as_many_cells_as_their_head() -> None:
    for name, text in reference.pages().items():
        if not name.endswith(".md"):
            continue
        width = 0
        for line in text.splitlines():
            bars = line.replace("\\|", "").count("|")
            width = bars if line.startswith("|") and not width else width
            if not line.startswith("|"):
                width = 0
            assert bars in (0, width), f"{name}: {line}"
