"""Two runs of one pipeline, shared by the tests that read them: the second one goes wrong."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlnb.core import project as projects

from .shown_runs import PLANTED, Runs, made


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, runtime: Path) -> Iterator[Runs]:
    root = tmp_path_factory.mktemp("runs") / "project"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLNB_RUNTIME_DIR", str(runtime))
        patch.setenv("MLNB_BACKGROUND_DELIVERY", "false")
        patch.setenv("DEMO_PASSWORD", PLANTED)
        patch.delenv("GITHUB_STEP_SUMMARY", raising=False)
        patch.chdir(root.parent)
        found = made(root)
        with projects.using(found.project):
            yield found
