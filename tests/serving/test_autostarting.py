import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlnb import serving
from mlnb.core.errors import UnknownName
from mlnb.core.project import Project
from mlnb.core.records import ModelVersion, now
from mlnb.serving import releases
from mlnb.serving.autostarting import unit_name, unit_text


@pytest.fixture(autouse=True)
def home(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    version = ModelVersion(name="m", number=1, digest="d" * 64, created=now())
    releases.append("flights", version, reason="")
    return tmp_path / "config" / "systemd" / "user"


def test_a_unit_is_written_and_taken_away(home: Path, project: Project) -> None:
    made = serving.autostart("flights")
    (file,) = home.iterdir()
    assert made.enabled
    assert file.name == made.unit == unit_name("flights")
    text = file.read_text()
    assert f'ExecStart="{sys.executable}" -m mlnb endpoint start flights' in text
    assert f"WorkingDirectory={project.root}" in text
    assert "WantedBy=default.target" in text
    assert not serving.autostart("flights", off=True).enabled
    assert not file.exists()


def test_an_unknown_endpoint_gets_no_unit(home: Path) -> None:
    with pytest.raises(UnknownName):
        serving.autostart("nowhere")
    assert not home.exists()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd")
def test_systemd_understands_it(tmp_path: Path) -> None:
    file = tmp_path / unit_name("flights")
    file.write_text(unit_text("flights"))
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", str(file)],
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert file.name not in done.stderr
