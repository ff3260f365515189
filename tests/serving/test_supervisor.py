from pathlib import Path

import pytest

from mlnb.serving.sockets import bind, sockets_folder


def test_an_address_is_bound_once() -> None:
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            bind("127.0.0.1", port)


def test_sockets_have_short_paths_however_deep_the_project_is(tmp_path: Path) -> None:
    near = tmp_path / "near"
    deep = tmp_path.joinpath(*["deep" * 10] * 4)
    for folder in (near, deep):
        folder.mkdir(parents=True)
        sockets = sockets_folder(folder)
        assert len(str(sockets)) < 90 or sockets.parent == folder
        assert sockets == sockets_folder(folder)
        assert sockets.stat().st_mode & 0o077 == 0
    sockets.rmdir()
