"""nbclient's own tests, from its source distribution, with kernels forked from a warm parent."""

import os
import re
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

NEEDED = ("flaky", "pytest-asyncio", "testpath", "xmltodict")
"""What nbclient's tests import beside what is here; it is put into a folder of its own."""
CHOSEN = os.environ.get("NBCLIENT_TESTS", "kernel or start_new or Empty or Inline or Skip")
"""pytest's ``-k``: a fifth of the tests; ``NBCLIENT_TESTS=`` for all 89 of them."""


def test_nbclients_tests_pass_on_warm_kernels(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    wanted = ["--no-deps", "--no-binary", "nbclient", f"nbclient=={version('nbclient')}"]
    for command in (
        [*pip, "download", "-d", str(tmp_path), *wanted],
        [*pip, "install", "--no-deps", "--target", str(tmp_path / "libraries"), *NEEDED],
    ):
        got = subprocess.run(command, capture_output=True, text=True)
        if got.returncode:
            pytest.skip(f"what nbclient's tests need cannot be had: {got.stderr[-300:]}")
    with tarfile.open(next(tmp_path.glob("nbclient-*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    source = next(item for item in tmp_path.glob("nbclient-*") if item.is_dir())
    runtime = tmp_path / "r"
    runtime.mkdir(mode=0o700)
    env = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    env |= {
        "PYTHONPATH": str(tmp_path / "libraries"),
        "JUPYTER_DEFAULT_PROVISIONER_NAME": "mlnb-warm",
        "MLNB_RUNTIME_DIR": str(runtime),
        "MLNB_PROJECT": str(tmp_path),
    }
    pytest_ = [sys.executable, "-m", "pytest", "-q", "-rf", "-p", "no:cacheprovider"]
    pytest_ += ["-o", "addopts=", "-o", "filterwarnings="]

    def run(*chosen: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*pytest_, *chosen], cwd=source, env=env, capture_output=True, text=True, timeout=800
        )

    done = run("tests/test_client.py", "-k", CHOSEN)
    passed = re.search(r"(\d+) passed", done.stdout)
    if failed := re.findall(r"^FAILED (\S+)", done.stdout, re.MULTILINE):
        done = run(*failed)  # some wait a second for a kernel that a busy machine gives more
    mlnb = [sys.executable, "-m", "mlnb", "kernel", "list", "--json"]
    listed = subprocess.run(mlnb, env=env, capture_output=True, text=True)
    subprocess.run([*mlnb[:-2], "stop"], env=env, capture_output=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert passed, done.stdout[-2000:]
    born = re.search(r'"born": (\d+)', listed.stdout)
    assert born, listed.stdout + listed.stderr
    print(f"\n{passed[0]}; {born[1]} kernels were forked")
    assert int(born[1]) >= int(passed[1]) // 4, "these were kernels of the warm parent"
