"""The import contracts hold, and each of them can break."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINT = Path(sys.executable).with_name("lint-imports")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of the copy in a folder."""
    return subprocess.run(
        [LINT, "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy the package and its configuration."""
    shutil.copytree(
        ROOT / "mlnb",
        tmp_path / "mlnb",
        ignore=shutil.ignore_patterns("__pycache__", "labextension", "static"),
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_hold(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("package", "statement", "contract"),
    [
        ("core", "import mlnb.ui.cli", "Imports go only downward"),
        ("datasets", "from mlnb import tracking", "Imports go only downward"),
        ("tracking", "from mlnb.execution import scraps", "Imports go only downward"),
        ("execution", "import mlnb.pipelines", "Imports go only downward"),
        ("serving", "import mlnb.monitoring", "Imports go only downward"),
        ("monitoring", "def f():\n    import mlnb.ui.render", "Imports go only downward"),
        ("datasets", "import mlflow", "MLflow is at home"),
        ("pipelines", "import papermill", "Kernels are at home"),
        ("ui", "from jupyter_client import manager", "Kernels are at home"),
        ("tracking", "import obstore", "Object storage is at home"),
        ("serving", "import click", "Click is at home"),
        ("pipelines", "def f():\n    from IPython import get_ipython", "IPython is at home"),
        ("serving", "from mlnb.testing import shell", "Nobody imports mlnb.testing"),
    ],
)
def test_a_forbidden_import_breaks_its_contract(
    copy: Path, package: str, statement: str, contract: str
) -> None:
    (copy / "mlnb" / package / "intruder.py").write_text(statement + "\n", encoding="utf-8")
    done = lint(copy)
    assert done.returncode == 1
    broken = [line for line in done.stdout.splitlines() if line.endswith("BROKEN")]
    assert len(broken) == 1, done.stdout
    assert broken[0].startswith(contract)
    assert f"mlnb.{package}.intruder" in done.stdout


def test_a_package_without_a_layer_is_refused(copy: Path) -> None:
    (copy / "mlnb" / "misc").mkdir()
    (copy / "mlnb" / "misc" / "__init__.py").touch()
    done = lint(copy)
    assert done.returncode == 1
    assert "misc" in done.stdout


def test_no_import_is_excused() -> None:
    assert "ignore_imports" not in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_the_package_never_imports_its_own_root() -> None:
    import ast

    offenders = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in sorted((ROOT / "mlnb").rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import) and any(alias.name == "mlnb" for alias in node.names)
    ]
    assert not offenders
