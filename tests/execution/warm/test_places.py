import os
import stat
import tempfile
from pathlib import Path

import pytest

from mlnb.execution.warm import places


def _key(env: dict[str, str], preload: tuple[str, ...] = (), interpreter: str = "/x/python") -> str:
    return places.key_of(places.specification(interpreter, env, preload, "fork"))


def test_variables_that_imports_read_make_another_zygote() -> None:
    assert _key({"OMP_NUM_THREADS": "1"}) != _key({"OMP_NUM_THREADS": "2"})
    assert _key({"PYTHONHASHSEED": "1"}) != _key({})
    assert _key({"MPLBACKEND": "agg"}) != _key({})
    assert _key({}, ("numpy",)) != _key({}, ("pandas",))


def test_other_variables_do_not() -> None:
    assert _key({"AWS_SECRET_ACCESS_KEY": "s"}) == _key({"JPY_SESSION_NAME": "a.ipynb"}) == _key({})


def test_a_zygote_gets_no_secrets() -> None:
    env = {"AWS_SECRET_ACCESS_KEY": "s", "MLFLOW_TRACKING_TOKEN": "t", "OMP_NUM_THREADS": "1"}
    assert places.relevant(env) == {"OMP_NUM_THREADS": "1"}


def test_only_the_owner_can_enter_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as above:
        folder = Path(above, "mlnb")
        folder.mkdir()
        folder.chmod(0o777)
        monkeypatch.setenv("MLNB_RUNTIME_DIR", str(folder))
        assert places.folder() == str(folder)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_is_a_link_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.setenv("MLNB_RUNTIME_DIR", str(tmp_path / "link"))
    with pytest.raises(places.UnsafeFolder):
        places.folder()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    monkeypatch.setenv("MLNB_RUNTIME_DIR", str(folder))
    with pytest.raises(places.UnsafeFolder):
        places.folder()
