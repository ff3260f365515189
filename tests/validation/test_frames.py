"""What counts as a table."""

from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from mlnb import datasets
from mlnb.core.errors import SignatureMismatch, UnknownName, UnsupportedData
from mlnb.validation.frames import column, table

FRAME = pd.DataFrame({"x": [1.5, 2.5], "name": ["a", "b"]})


def test_frames_and_files_give_the_same(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "f.csv", index=False)
    FRAME.to_parquet(tmp_path / "f.parquet")
    given = [
        FRAME.set_axis([7, 9]),
        pl.from_pandas(FRAME),
        pa.Table.from_pandas(FRAME),
        tmp_path / "f.csv",
        str(tmp_path / "f.parquet"),
    ]
    for data in given:
        frame, ref = table(data)
        assert ref == ""
        assert frame.to_dict("list") == FRAME.to_dict("list")
        assert list(frame.index) == [0, 1]


@pytest.mark.usefixtures("project")
def test_a_file_is_read_as_the_dataset_of_it_would_be(tmp_path: Path) -> None:
    file = tmp_path / "flights.csv"
    file.write_text("id,code,late\n1,NULL,1\n,007,0\n3,None,1\n")
    datasets.save(file, "flights")
    pd.testing.assert_frame_equal(table(file)[0], table("flights")[0])


def test_a_missing_file_suggests_the_nearest(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "flights.csv")
    with pytest.raises(UnknownName, match=r"Did you mean '.*flights.csv'"):
        table(tmp_path / "flihgts.csv")


def test_what_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "broken.parquet").write_text("hello")
    for wrong in (tmp_path / "notes.txt", tmp_path / "broken.parquet", {"x": [1]}, 3):
        with pytest.raises(UnsupportedData):
            table(wrong)


def test_a_missing_column_suggests_the_nearest() -> None:
    with pytest.raises(SignatureMismatch, match=r"for the label.*Did you mean 'name'"):
        column(FRAME, "nmae", "label")
