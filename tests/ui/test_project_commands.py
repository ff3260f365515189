"""``mlnb project``: init, settings, status, doctor."""

import json
import socket
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mlnb.core import project as projects
from mlnb.core.project import Project
from mlnb.ui.cli import main


def read_json(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


# -- init and settings


def test_init_makes_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["project", "init", "flights"]) == 0
    assert "Project flights" in capsys.readouterr().out
    assert (tmp_path / "flights" / "mlnb.toml").read_text() == 'name = "flights"\n'
    assert projects.find_root(tmp_path / "flights") == tmp_path / "flights"


def test_init_never_overwrites(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("mlnb.toml").read_text()
    assert main(["project", "init", "--name", "other"]) == 4
    assert "exists already" in capsys.readouterr().err
    assert Path("mlnb.toml").read_text() == before


def test_init_refuses_a_bad_name_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["project", "init", "new", "--name", "a b"]) == 4
    assert "'a b' cannot name a project" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_settings_shows_the_values_in_force(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLNB_WORKERS", "7")
    assert main(["project", "settings", "--json"]) == 0
    rows = {row[0]: row[1] for row in read_json(capsys)["tables"][0]["rows"]}
    assert rows["name"] == "test-project"
    assert rows["workers"] == "7"


@pytest.mark.parametrize("verb", ["settings", "status", "doctor"])
def test_no_absolute_path_of_the_project_is_shown(
    project: Project, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    main(["project", verb, "--json"])
    assert str(project.root) not in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["settings", "status", "doctor"])
def test_no_secret_of_a_store_is_shown(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    monkeypatch.setenv("MLNB_STORE", "memory://analyst:hunter2@x/y?token=hunter2")
    if verb == "settings":  # the others would ask the server
        monkeypatch.setenv("MLNB_TRACKING_URI", "postgresql://analyst:hunter2@127.0.0.1:9/mlflow")
    main(["project", verb, "--json"])
    said = capsys.readouterr()
    assert "memory://x/y" in said.out
    assert "hunter2" not in said.out + said.err


def test_an_unknown_setting_is_refused_with_the_nearest(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mlnb.toml").write_text("wokers = 3\n")
    assert main(["project", "settings"]) == 4
    assert "mlnb.toml sets 'wokers', which is no setting." in (err := capsys.readouterr().err)
    assert "Did you mean 'workers'?" in err


# -- status


def test_the_status_of_a_new_project_is_empty(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["project", "status"]) == 0
    out = capsys.readouterr().out
    assert "test-project" in out
    assert "Nothing has run here yet." in out


def test_the_status_shows_what_the_project_holds(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    from mlnb import datasets, tracking

    datasets.save(pd.DataFrame({"a": [1, 2]}), "numbers")
    datasets.save(pd.DataFrame({"a": [1, 2, 3]}), "numbers")
    with tracking.track("first"):
        tracking.log(metrics={"loss": 0.5})
    assert main(["project", "status", "--json"]) == 0
    status = read_json(capsys)
    assert (status["datasets"], status["versions"]) == (1, 2)
    assert [run["name"] for run in status["runs"]] == ["first"]
    assert main(["project", "status"]) == 0
    out = capsys.readouterr().out
    assert "Newest runs" in out
    assert "first" in out


# -- doctor


def findings(capsys: pytest.CaptureFixture[str], *, code: int) -> dict[str, dict[str, str]]:
    assert main(["project", "doctor", "--json"]) == code
    return {item["check"]: item for item in read_json(capsys)["findings"]}


def test_a_healthy_project_has_nothing_to_fix(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    found = findings(capsys, code=0)
    assert {"python", "libraries", "git", "project", "kernel", "store", "tracking"} <= set(found)
    assert found["git"]["status"] == "ok"
    assert not [item for item in found.values() if item["status"] == "problem"]
    assert all(item["fix"] for item in found.values() if item["status"] != "ok")


def test_the_doctor_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    found = findings(capsys, code=0)
    assert found["project"]["fix"] == "Run: mlnb project init"
    assert found["store"]["detail"] == "will be made on first use"
    assert not list(tmp_path.iterdir())


def test_stores_in_use_are_really_opened(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.store.put(b"something")
    before = [path for path in sorted(Path(".mlnb").rglob("*")) if path.is_file()]
    found = findings(capsys, code=0)
    assert (found["store"]["status"], found["store"]["detail"]) == ("ok", ".mlnb/store")
    after = [path for path in sorted(Path(".mlnb").rglob("*")) if path.is_file()]
    assert after == before


@pytest.mark.parametrize(
    ("setting", "check", "detail"),
    [
        ('store = "mlnb.toml/store"', "store", "is no folder that can be written to"),
        ('store = "mlnb.toml"', "store", "not available"),
        ('tracking_uri = "sqlite:///mlnb.toml"', "tracking", "not available"),
        ('tracking_uri = "sqlite:///mlnb.toml/x.db"', "tracking", "is no folder"),
        ('kernel = "pyhton3"', "kernel", "no kernelspec 'pyhton3'"),
        ("wokers = 3", "settings", "'wokers', which is no setting"),
    ],
)
def test_a_broken_part_is_named_with_its_fix(
    project: Project,
    capsys: pytest.CaptureFixture[str],
    setting: str,
    check: str,
    detail: str,
) -> None:
    Path("mlnb.toml").write_text(setting + "\n")
    found = findings(capsys, code=1)
    assert found[check]["status"] == "problem"
    assert detail in found[check]["detail"]
    assert found[check]["fix"]
    assert [name for name, item in found.items() if item["status"] == "problem"] == [check]


def test_a_tracking_server_that_is_down_is_a_problem(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    Path("mlnb.toml").write_text(f'tracking_uri = "http://127.0.0.1:{port}"\n')
    assert findings(capsys, code=1)["tracking"]["status"] == "problem"


def test_libraries_that_are_missing_or_too_old_are_named(
    project: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("scipy", "jinja2"):  # an older copy, found first
        info = tmp_path / "old" / f"{name}-0.1.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
    monkeypatch.syspath_prepend(tmp_path / "old")
    found = findings(capsys, code=1)
    assert found["extra validation"]["status"] == "optional"
    assert "scipy 0.1 is outside >=" in found["extra validation"]["detail"]
    assert found["extra validation"]["fix"] == "Run: pip install 'mlnb[validation]'"
    assert found["libraries"]["status"] == "problem"
    assert "jinja2 0.1" in found["libraries"]["detail"]


def test_a_machine_without_git_is_told_what_it_loses(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    found = findings(capsys, code=0)
    assert found["git"]["status"] == "optional"
    assert "Install git" in found["git"]["fix"]


def test_what_must_be_fixed_is_the_error_of_the_program(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mlnb.toml").write_text('kernel = "nope"\n')
    assert main(["project", "doctor"]) == 1
    out, err = capsys.readouterr()
    assert "Something must be fixed" in out
    assert err == "Error: 1 must be fixed: kernel.\n"
