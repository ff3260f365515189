"""The panel's style sheets, which all act on one page."""

import re
from collections import defaultdict
from pathlib import Path

STYLE = Path(__file__).parents[2] / "extension" / "style"
ALONE = re.compile(r"(\.mlnb-Document )?\.mlnb-[\w-]+")


def test_a_class_is_styled_by_one_sheet() -> None:
    """What two sheets say of one class would act in both places, the later one winning."""
    homes: dict[str, set[str]] = defaultdict(set)
    for file in STYLE.glob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
        for selectors in re.findall(r"([^{}]+)\{", text):
            for selector in map(str.strip, selectors.split(",")):
                if ALONE.fullmatch(selector):
                    homes[selector].add(file.name)
    assert len(homes) > 100
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}
