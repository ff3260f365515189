"""The history of datasets on a real S3 server: collecting beside a save, and 1,000 versions."""

from typing import Any
from uuid import uuid4

import pytest

from mlnb import datasets
from mlnb.core import project as projects
from mlnb.core.project import Project
from mlnb.core.records import now
from mlnb.datasets.history import versions_log
from mlnb.datasets.records import StoredVersion
from mlnb.testing.s3 import S3Server

from ..datasets.racing import race  # noqa: TID252  (tests are no package to import from)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@pytest.fixture
def on_s3(s3: S3Server, project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("MLNB_STORE", f"s3://{s3.bucket}/{uuid4().hex}")
    return projects.current()


def test_a_saver_and_a_collector_in_a_race_lose_nothing(on_s3: Project) -> None:
    done = race(on_s3, grace=4, seconds=25)  # times on S3 are whole seconds
    assert done["saved"] > 10
    assert done["freed"] > 0


def test_a_long_history_is_read_at_once(on_s3: Project) -> None:
    def make(number: int) -> dict[str, Any]:
        return StoredVersion(
            name="many",
            number=number,
            digest=f"{number:064x}",
            columns=[],
            rows=1,
            bytes=1,
            parent=number - 1 or None,
            message="",
            author="analyst",
            created=now(),
        ).to_dict()

    for _ in range(200):
        on_s3.store.append(versions_log("many"), make)
    assert len(datasets.log("many")) == 200
    assert datasets.resolve("many@~3").number == 197
    assert datasets.resolve(f"many@{150:064x}").number == 150
