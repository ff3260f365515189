"""Importing is cheap: what is loaded when, asserted in fresh interpreters."""

import json
import os
import subprocess
import sys

import pytest

HEAVY = {
    "mlflow",
    "pandas",
    "pyarrow",
    "numpy",
    "sklearn",
    "scipy",
    "matplotlib",
    "nbformat",
    "nbclient",
    "papermill",
    "starlette",
    "uvicorn",
    "jupyter_server",
}

PACKAGES = (
    "datasets",
    "tracking",
    "tracking.models",
    "execution",
    "pipelines",
    "validation",
    "serving",
    "monitoring",
    "sharing",
)


def loaded_by(code: str, *, before: str = "pass") -> set[str]:
    """Return the top-level modules that running code loads."""
    script = (
        f"import json, sys\n{before}\nknown = set(sys.modules)\n{code}\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - known}\n"
        "print('\\n' + json.dumps(sorted(new)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_measure_sees_a_heavy_import() -> None:
    assert "nbformat" in loaded_by("import mlnb, nbformat")


def test_importing_mlnb_loads_only_the_standard_library() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import mlnb"],
        capture_output=True,
        text=True,
        check=True,
    )
    names = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "mlnb" in names
    foreign = HEAVY | {"IPython", "click", "pydantic", "rich", "obstore", "blake3", "jinja2"}
    assert not {name.split(".")[0] for name in names} & foreign
    own = loaded_by("import mlnb") - {"mlnb"}
    assert own <= sys.stdlib_module_names


def processor_seconds(code: str) -> float:
    """Return the processor time (user and system) of a fresh interpreter that runs code."""
    process = subprocess.Popen([sys.executable, "-c", code])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


def test_importing_mlnb_costs_under_50_ms_above_bare_python() -> None:
    pairs = [(processor_seconds("pass"), processor_seconds("import mlnb")) for _ in range(7)]
    bare, with_mlnb = (min(column) for column in zip(*pairs, strict=True))
    assert with_mlnb - bare < 0.050


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_a_package_is_cheap(package: str) -> None:
    assert not loaded_by(f"import mlnb.{package}") & HEAVY


def test_loading_the_extension_loads_no_command_and_no_package() -> None:
    loaded = loaded_by(
        "shell.extension_manager.load_extension('mlnb')",
        before=(
            "from IPython.core.interactiveshell import InteractiveShell\n"
            "shell = InteractiveShell.instance()"
        ),
    )
    assert "mlnb" in loaded
    assert not loaded & (HEAVY | {"click", "pydantic", "rich", "obstore", "blake3"})


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["dataset", "--help"]])
def test_help_loads_no_heavy_library(arguments: list[str]) -> None:
    loaded = loaded_by(f"from mlnb.ui.cli import main\nassert main({arguments!r}) == 0")
    assert "click" in loaded
    assert not loaded & HEAVY
