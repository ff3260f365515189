"""What is installed beside this, as a CycloneDX list: ``python -m mlnb.serving.sbom``."""

import json
import sys
from importlib import metadata
from typing import Any


def bill(subject: str, version: str) -> dict[str, Any]:
    """Return the software bill of materials, CycloneDX 1.5.

    Parameters
    ----------
    subject, version : str
        What it is the bill of: a model and its number.
    """
    found = {}
    for package in metadata.distributions():
        name, number = package.metadata["Name"], package.version
        said = package.metadata.json if hasattr(package.metadata, "json") else {}
        kind = str(said.get("license_expression", ""))
        found[name.lower()] = {
            "type": "library",
            "name": name,
            "version": number,
            "purl": f"pkg:pypi/{name.lower().replace('_', '-')}@{number}",
            **({"licenses": [{"expression": kind}]} if kind else {}),
        }
    python = ".".join(map(str, sys.version_info[:3]))
    interpreter = {"type": "platform", "name": "python", "version": python}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {"type": "machine-learning-model", "name": subject, "version": version}
        },
        "components": [interpreter, *(found[name] for name in sorted(found))],
    }


if __name__ == "__main__":
    print(json.dumps(bill(*sys.argv[1:3]), indent=1))
