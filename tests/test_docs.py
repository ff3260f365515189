"""The documentation cannot drift: what exists is described, and what is described exists."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from mlnb.core import settings
from mlnb.ui import reference
from mlnb.ui.cli import resolve
from mlnb.ui.nouns import NOUNS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
REFERENCE = reference.pages()


def read(name: str) -> str:
    return (DOCS / "reference" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", REFERENCE)
def test_the_reference_is_what_the_code_says(name: str) -> None:
    assert read(name) == REFERENCE[name], "run: make docs"


@pytest.mark.parametrize("name", NOUNS)
def test_every_command_and_option_is_in_the_reference(name: str) -> None:
    text = read("commands.md")
    command = resolve(NOUNS[name].home)
    verbs = (
        {f"{name} {verb}": child for verb, child in command.commands.items()}
        if isinstance(command, click.Group)
        else {name: command}
    )
    for title, verb in verbs.items():
        section = text.partition(f"\n### {title}\n")[2].partition("\n#")[0]
        assert section, title
        for parameter in verb.params:
            if isinstance(parameter, click.Option) and "--json" not in parameter.opts:
                assert max(parameter.opts, key=len) in section, f"{title} {parameter.opts}"


@pytest.mark.parametrize("name", NOUNS)
def test_every_noun_and_magic_is_in_the_guide(name: str) -> None:
    guide = "\n".join(page.read_text("utf-8") for page in (DOCS / "guide").glob("*.md"))
    entry = NOUNS[name]
    if entry.program:
        assert re.search(rf"\bmlnb {name}\b", guide), f"mlnb {name}"
    if entry.line:
        assert re.search(rf"(?<!%)%{name}\b", guide), f"%{name}"
    if entry.cell:
        assert f"%%{name}" in guide


@pytest.mark.parametrize("item", settings.table(), ids=lambda item: item["name"])
def test_every_setting_is_in_the_reference(item: dict[str, str]) -> None:
    text = read("settings.md")
    assert f"| `{item['name']}` | `{item['variable']}` |" in text
    assert item["help"] in text


def test_every_route_is_in_the_reference() -> None:
    from mlnb.serving.protocols import documented
    from mlnb.ui.server.routes import ROUTES

    assert ROUTES
    for route in documented():
        assert f"`{route.method} {route.path}` |" in read("routes.md")
    for panel_route in ROUTES:
        assert f"`{panel_route.method} /mlnb/api{panel_route.path}` |" in read("routes.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in target and not target.startswith("#"):
            assert (page.parent / target.partition("#")[0]).exists(), target


QUICKSTART = ROOT / "notebooks" / "examples" / "quickstart"


def test_the_readmes_tour_is_the_quickstart() -> None:
    cells = json.loads((QUICKSTART / "quickstart.ipynb").read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    snippets = re.findall(r"```python\n(.*?)\n```", text, flags=re.DOTALL)
    assert snippets
    assert [snippet for snippet in snippets if snippet not in sources] == []


@pytest.mark.timeout(300)
def test_the_quickstart_runs_cell_by_cell(tmp_path: Path) -> None:
    folder = tmp_path / "quickstart"
    shutil.copytree(QUICKSTART, folder, ignore=shutil.ignore_patterns(".mlnb*"))
    options = ["--nbval-lax", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", "."]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "quickstart.ipynb"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "7 passed" in done.stdout


def test_the_readme_lists_every_verb() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = {
        row.split("|")[1].split("`")[1].lstrip("%"): row
        for row in text.splitlines()
        if row.startswith("| `")
    }
    for name, entry in NOUNS.items():
        command = resolve(entry.home)
        if isinstance(command, click.Group):
            verbs = set(re.findall(r"`([a-z-]+)`", rows[name].split("|")[2]))
            assert verbs == set(command.commands) - {"cell"}, name


def test_every_guide_page_is_in_the_index() -> None:
    index = (DOCS / "guide" / "index.md").read_text(encoding="utf-8")
    for page in (DOCS / "guide").glob("*.md"):
        if page.name != "index.md":
            assert f"({page.name})" in index, page.name


def test_decisions_are_numbered_and_short() -> None:
    files = sorted((DOCS / "decisions").glob("*.md"))
    assert [int(file.name[:4]) for file in files] == list(range(1, len(files) + 1))
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert text.startswith(f"# {int(file.name[:4])}. "), file.name
        for part in ("Context", "Decision", "Consequences"):
            assert f"**{part}.**" in text, file.name
        assert len([line for line in text.splitlines() if line.strip()]) <= 14, file.name
