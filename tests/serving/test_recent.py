"""The ends of prediction logs, without reading all of them."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from mlnb.serving import recent


def test_the_latest_rows_come_first_whatever_file_they_are_in(
    served: Callable[..., Path],
) -> None:
    for release in (1, 2):
        table = pa.table({"rain": [float(release), release + 0.5]})
        served("arrivals", f"w{release}", release, table, [0, 1])
    rows = recent.recent("arrivals", 3)
    assert len(rows) == 3
    assert {row["model"] for row in recent.recent("arrivals")} == {"m@1", "m@2"}
    assert recent.recent("arrivals", 1)[0]["rain"] in (1.5, 1.0, 2.0, 2.5)


def test_a_long_file_is_read_from_its_end(served: Callable[..., Path], monkeypatch) -> None:
    file = served("arrivals", "w0", 1, pa.table({"rain": [1.0]}), [0])
    header, line = file.read_bytes().splitlines(keepends=True)[:2]
    file.write_bytes(header + line * 500)
    monkeypatch.setattr(recent, "TAIL", 10 * len(line) + 5)
    assert len(recent.recent("arrivals", 400)) == 10


def test_nothing_was_served(served: Callable[..., Path]) -> None:
    assert recent.recent("nobody") == []
