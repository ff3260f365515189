"""Puts the JupyterLab panel into the sdist and the wheel, so that installing needs no Node.

A distribution gets a freshly built panel (Node needed, once, by whoever builds it); a wheel made
from the sdist takes the one in there. An editable install builds nothing and never needs Node:
`make panel` builds the panel and links it.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = ("src", "style", "schema", "package.json", "package-lock.json", "tsconfig.json")
BUNDLE = Path("mlnb", "ui", "labextension")
INSTALLED = "share/jupyter/labextensions/mlnb"


class PanelHook(BuildHookInterface[Any]):
    """Builds the panel when a distribution needs it."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the panel unless it is there and newer than its sources."""
        if version == "editable":
            return
        root = Path(self.root)
        extension, bundle = root / "extension", root / BUNDLE
        if _is_stale(bundle, extension):
            _build(extension)
        if self.target_name == "wheel":
            build_data["shared_data"][str(BUNDLE)] = INSTALLED
            build_data["shared_data"]["extension/install.json"] = f"{INSTALLED}/install.json"


def _is_stale(bundle: Path, extension: Path) -> bool:
    built = bundle / "package.json"
    if not built.is_file():
        return True
    sources = [extension / name for name in SOURCES]
    files = [file for source in sources for file in [source, *source.rglob("*")]]
    return any(file.stat().st_mtime > built.stat().st_mtime for file in files if file.is_file())


def _build(extension: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError(
            "Building mlnb's sdist or wheel needs Node 20 or newer (npm) for the JupyterLab panel. "
            "Install Node, or install a wheel that was built elsewhere; `pip install --editable .` "
            "works without Node."
        )
    subprocess.run([npm, "ci"], cwd=extension, check=True)
    subprocess.run([npm, "run", "build:prod"], cwd=extension, check=True)
