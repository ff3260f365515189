import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mlnb.serving import metrics
from mlnb.serving.metrics import SHARED, Metrics


def samples(text: bytes) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *(f"{key}={value}" for key, value in sorted(sample.labels.items()))): (
            sample.value
        )
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(SHARED, str(tmp_path))
    return tmp_path


def test_what_is_counted_is_what_prometheus_reads() -> None:
    own = Metrics("3", "m@1")
    for status, seconds, rows in ((200, 0.0004, 2), (200, 0.03, 1), (400, 0.0004, 0), (418, 99, 0)):
        own.begin()
        own.end(status, seconds, rows)
    own.begin()
    own.batch(3)
    text, media = own.exposition()
    assert media.startswith("text/plain")
    found = samples(text)
    assert found["mlnb_requests_total", "release=3", "status=200"] == 2
    assert found["mlnb_requests_total", "release=3", "status=400"] == 1
    assert found["mlnb_requests_total", "release=3", "status=other"] == 1
    assert found["mlnb_predictions_total", "model=m@1", "release=3"] == 3
    assert found["mlnb_request_seconds_bucket", "le=0.0005", "release=3"] == 2
    assert found["mlnb_request_seconds_bucket", "le=0.05", "release=3"] == 3
    assert found["mlnb_request_seconds_bucket", "le=10.0", "release=3"] == 3
    assert found["mlnb_request_seconds_bucket", "le=+Inf", "release=3"] == 4
    assert found["mlnb_request_seconds_count", "release=3"] == 4
    assert found["mlnb_request_seconds_sum", "release=3"] == pytest.approx(99.0308)
    assert found["mlnb_batch_rows_bucket", "le=4.0", "release=3"] == 1
    assert found["mlnb_batch_rows_bucket", "le=2.0", "release=3"] == 0
    assert found["mlnb_requests_in_flight", "release=3"] == 1
    assert found["mlnb_release_info", "model=m@1", "release=3"] == 1


def test_processes_count_together_and_dead_ones_have_nothing_in_flight(folder: Path) -> None:
    code = (
        "from mlnb.serving.metrics import Metrics\n"
        "own = Metrics('3', 'm@1')\n"
        "own.begin(); own.end(200, 0.001, 5); own.begin()\n"
    )
    pids = []
    for _ in range(2):
        child = subprocess.Popen([sys.executable, "-c", code])
        pids.append(child.pid)
        assert child.wait() == 0
    own = Metrics("3", "m@1")
    own.begin()
    other = Metrics("4", "m@2")
    other.begin()
    other.end(500, 0.1)
    found = metrics.read(folder)
    assert found["3"].requests == {200: 2}
    assert (found["3"].predictions, found["3"].in_flight, found["3"].alive) == (10, 1, True)
    assert (found["4"].total, found["4"].errors) == (1, 1)
    for pid in pids:
        metrics.retire(folder, pid)
    again = metrics.read(folder)
    assert (again["3"].requests, again["3"].predictions) == ({200: 2}, 10)
    assert metrics.totals(folder) == (3, 1)
    assert sorted(path.name for path in folder.glob("*.counts")) == sorted(
        ["3-0.counts", f"3-{os.getpid()}.counts", f"4-{os.getpid()}.counts"]
    )


def test_a_file_that_is_just_being_written_is_left_out(folder: Path) -> None:
    Metrics("3", "m@1").begin()
    (folder / "3-999999.counts").write_bytes(b'{"format": 1, "rel')
    (folder / "3-999998.counts").write_bytes(b"")
    assert metrics.read(folder)["3"].in_flight == 1


def test_counts_of_format_1_are_read(tmp_path: Path) -> None:
    stored = Path(__file__).parent / "formats" / "counts-1.counts"
    (tmp_path / "7-0.counts").write_bytes(stored.read_bytes())
    found = metrics.read(tmp_path)["7"]
    assert (found.model, found.requests, found.predictions) == ("m@2", {200: 2, 422: 1}, 9)
    assert (found.batch_rows, found.alive) == (9, False)


def test_a_counter_never_goes_back_while_processes_end(folder: Path) -> None:
    """Prometheus takes a counter that fell for one that began anew."""
    for pid in range(1_000_000, 1_000_060):
        counted = Metrics("1", "late@1")
        counted.begin()
        counted.end(200, 0.001)
        (folder / f"1-{os.getpid()}{metrics.SUFFIX}").rename(folder / f"1-{pid}{metrics.SUFFIX}")
    seen: set[int] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(metrics.totals(folder)[0])

    reader = threading.Thread(target=read)
    reader.start()
    while not seen:
        time.sleep(0.001)
    for pid in range(1_000_000, 1_000_060):
        metrics.retire(folder, pid)
    done.set()
    reader.join()
    assert seen == {60}
    assert [file.name for file in folder.glob("*.counts")] == ["1-0.counts"]
