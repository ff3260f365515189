"""Tested notebooks as JUnit's XML, which every CI system shows."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from mlnb.execution.notebook_tests import NotebookTest


def write(tested: Sequence[NotebookTest], path: Path) -> None:
    """Write one suite per notebook, one case per cell."""
    top = ElementTree.Element("testsuites")
    for item in tested:
        suite = ElementTree.SubElement(top, "testsuite", name=item.notebook)
        for cell in item.cells:
            case = ElementTree.SubElement(
                suite,
                "testcase",
                classname=item.notebook,
                name=f"cell {cell.cell}",
                time=f"{cell.seconds:.3f}",
            )
            if cell.verdict != "passed":
                kind = "failure" if cell.verdict == "failed" else "skipped"
                first = cell.reason.partition("\n")[0]
                ElementTree.SubElement(case, kind, message=first).text = cell.reason
        if item.error:
            ElementTree.SubElement(suite, "system-err").text = item.error
        failed = sum(cell.verdict == "failed" for cell in item.cells)
        skipped = sum(cell.verdict == "skipped" for cell in item.cells)
        suite.attrib |= {
            "tests": str(len(item.cells)),
            "failures": str(failed),
            "errors": str(int(bool(item.error))),
            "skipped": str(skipped),
            "time": f"{item.seconds:.3f}",
        }
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(top).write(path, encoding="utf-8", xml_declaration=True)
