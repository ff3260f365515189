from collections.abc import Mapping

import pytest

from mlnb.core.errors import BadInput
from mlnb.ui.server.kept import Kept
from mlnb.ui.server.paging import Columns

ROWS = [
    {"name": f"set-{number:02d}", "rows": number or None, "tag": "ab"[number % 2]}
    for number in range(12)
]
COLUMNS: Columns[Mapping[str, object]] = Columns(
    orders={"name": lambda row: row["name"], "-rows": lambda row: row["rows"]},
    words=lambda row: (str(row["name"]), str(row["tag"])),
    values=lambda row: {"rows": row["rows"]},
)


def names(query: str = "", order: str = "", offset: int = 0, limit: int = 100) -> list[object]:
    found, _total = COLUMNS.page(ROWS, query, order, offset, limit)
    return [row["name"] for row in found]


def test_a_page_is_a_part_of_what_is_found():
    found, total = COLUMNS.page(ROWS, "set-0", "", 2, 3)
    assert [row["name"] for row in found] == ["set-02", "set-03", "set-04"]
    assert total == 10


def test_all_terms_must_hold():
    assert names("set-0 b rows>5") == ["set-07", "set-09"]
    assert names("rows<3") == ["set-01", "set-02"]


def test_an_order_is_turned_round_and_what_has_no_value_comes_last():
    assert names(order="-name")[0] == "set-11"
    assert names(order="-rows")[:2] == ["set-11", "set-10"]
    assert names(order="rows")[:2] == ["set-01", "set-02"]
    assert names(order="rows")[-1] == names(order="-rows")[-1] == "set-00"


@pytest.mark.parametrize(
    "more", [{"order": "colour"}, {"limit": 0}, {"limit": 501}, {"offset": -1}]
)
def test_what_cannot_be_is_one_error(more):
    with pytest.raises(BadInput):
        names(**more)


def test_a_list_is_read_again_when_it_changed_or_is_old(monkeypatch):
    kept, reads = Kept(), []

    def read() -> list[int]:
        reads.append(1)
        return [len(reads)]

    assert kept.get("a", 1, read) == kept.get("a", 1, read) == [1]
    assert kept.get("a", 2, read) == [2]
    assert kept.get("b", 2, read) == [3]
    assert kept.get("a", 2, read, seconds=-1) == [4]


def test_what_failed_is_not_kept():
    kept = Kept()

    def fail() -> list[int]:
        raise RuntimeError("no disk")

    with pytest.raises(RuntimeError):
        kept.get("a", 1, fail)
    assert kept.get("a", 1, lambda: [7]) == [7]
