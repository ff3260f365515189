"""The object store on a real S3 server: the contract, races through conditional puts, failures."""

import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from mlnb.core.errors import ObjectMissing, StoreUnavailable
from mlnb.core.hashing import digest_bytes
from mlnb.core.store import ObjectStore
from mlnb.testing.s3 import S3Server
from mlnb.testing.stores import StoreContract

pytestmark = pytest.mark.e2e


class TestS3(StoreContract):
    resolution = 1.1

    @pytest.fixture
    def store(self, s3: S3Server) -> ObjectStore:
        return ObjectStore(f"s3://{s3.bucket}/{uuid4().hex}")


def test_a_large_object_goes_in_parts(s3: S3Server) -> None:
    store = ObjectStore(f"s3://{s3.bucket}/{uuid4().hex}")
    data = bytes(range(256)) * (100 << 10)  # 25 MiB
    digest = store.put(data)
    assert store.size(digest) == len(data)
    assert store.view(digest) == data


def test_a_log_longer_than_a_page_of_the_listing(s3: S3Server) -> None:
    url = f"s3://{s3.bucket}/{uuid4().hex}"
    writer, reader = ObjectStore(url), ObjectStore(url)
    for _ in range(1005):
        writer.append("log", lambda n: {"n": n})
    last = reader.last("log")
    assert last is not None
    assert last.number == 1005
    writer.append("log", lambda n: {"n": n})
    last = reader.last("log")
    assert last is not None
    assert last.number == 1006
    assert [entry.number for entry in reader.entries("log")] == list(range(1, 1007))


def _append_many(url: str, writer: int, count: int, barrier: Any) -> None:
    store = ObjectStore(url)
    barrier.wait()
    for step in range(count):
        store.append("log", lambda n, step=step: {"n": n, "writer": writer, "step": step})  # type: ignore[misc]


def test_racing_processes_each_get_a_number(s3: S3Server) -> None:
    context = multiprocessing.get_context("spawn")
    url, writers, count = f"s3://{s3.bucket}/{uuid4().hex}", 2, 100
    barrier = context.Barrier(writers)
    processes = [
        context.Process(target=_append_many, args=(url, number, count, barrier))
        for number in range(writers)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * writers
    entries = list(ObjectStore(url).entries("log"))
    assert [entry.number for entry in entries] == list(range(1, writers * count + 1))
    assert all(entry.data["n"] == entry.number for entry in entries)
    for writer in range(writers):
        steps = [entry.data["step"] for entry in entries if entry.data["writer"] == writer]
        assert steps == list(range(count))


# -- failures: one clear error, in bounded time ----------------------------------------------------


ACTIONS: list[Callable[[ObjectStore], object]] = [
    lambda store: store.put(b"new data"),
    lambda store: store.append("log", lambda n: {"n": n}),
    lambda store: store.last("log"),
    lambda store: list(store.entries("log")),
    lambda store: store.logs("datasets"),
    lambda store: list(store.objects()),
    lambda store: store.probe(),
]


def _each_fails(url: str, reason: str, actions: list[Callable[[ObjectStore], object]]) -> None:
    for action in actions:
        started = time.monotonic()
        with pytest.raises(StoreUnavailable, match=reason) as caught:
            action(ObjectStore(url))
        assert time.monotonic() - started < 10
        assert "secret" not in str(caught.value)
        assert len(str(caught.value)) < 400


def test_a_bucket_that_is_not_there(s3: S3Server) -> None:
    _each_fails("s3://nothing/store", "there is no such bucket", ACTIONS)


def test_wrong_credentials(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
    _each_fails(f"s3://{s3.bucket}/store", "403 Forbidden", ACTIONS)


def test_an_unknown_user(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    _each_fails(f"s3://{s3.bucket}/store", "403 Forbidden", ACTIONS)


def test_who_may_only_read_reads(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"s3://{s3.bucket}/{uuid4().hex}"
    store = ObjectStore(url)
    digest = store.put(b"data")
    store.append("log", lambda n: {"n": n})
    for name, value in s3.environment_of(s3.reader).items():
        monkeypatch.setenv(name, value)
    reader = ObjectStore(url)
    assert reader.get(digest) == b"data"
    assert reader.last("log") == store.last("log")
    with pytest.raises(ObjectMissing):
        reader.get(digest_bytes(b"never stored"))
    writing = [ACTIONS[0], ACTIONS[1], ACTIONS[-1]]
    _each_fails(url, "403 Forbidden: Access Denied", writing)
    assert [entry.number for entry in store.entries("log")] == [1]


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as found:  # bound, so that nobody takes it, and not listening
        found.bind(("127.0.0.1", 0))
        yield int(found.getsockname()[1])


def test_a_server_that_is_down(
    s3: S3Server, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed_port}")
    _each_fails(f"s3://{s3.bucket}/store", "does not answer", ACTIONS)


def test_a_server_that_hangs(s3: S3Server) -> None:
    store = ObjectStore(f"s3://{s3.bucket}/store")
    store.put(b"data")
    started = time.monotonic()
    with s3.paused(), pytest.raises(StoreUnavailable, match="does not answer"):
        store.last("log")
    assert time.monotonic() - started < 45
    assert store.last("log") is None
