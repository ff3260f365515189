"""JupyterLab with the panel in a real browser, and a real S3 server.

Run by `make test-e2e`, apart from the other tests: playwright's synchronous interface leaves an
event loop running that asyncio tests cannot share.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlnb.testing.s3 import S3Server
from mlnb.testing.s3 import s3_server as run_s3_server

from .lab_browser import CHROMIUM_ARGUMENTS
from .lab_server import Lab, running_lab


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium, "The browser tests need chromium."
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Run a real S3 server for the whole session."""
    with run_s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """Give the server, with the environment set so that it is found."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with running_lab(tmp_path) as running:
        yield running
