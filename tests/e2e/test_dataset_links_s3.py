"""Linked tables on a real S3 server, with the credentials of the environment alone."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pyiceberg.catalog.sql import SqlCatalog

from mlnb import datasets
from mlnb.core.errors import BrokenLink
from mlnb.core.project import Project
from mlnb.testing.s3 import S3Server

pytestmark = pytest.mark.e2e

FIRST = pa.table({"id": [1, 2, 3], "name": ["x", "y", None]})
MORE = pa.table({"id": [4], "name": ["z"]})


@pytest.fixture(autouse=True)
def plain_http(s3: S3Server, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")  # delta-rs asks for it


def engines(ref: str) -> dict[str, Any]:
    return {
        "polars": datasets.scan(ref).select(pl.col("id").sum()).collect().item(),
        "duckdb": datasets.scan(ref, engine="duckdb").aggregate("sum(id)").fetchall()[0][0],
        "load": sum(datasets.load(ref)["id"]),
    }


def test_a_delta_table(s3: S3Server) -> None:
    url = f"s3://{s3.bucket}/{uuid4().hex}"
    write_deltalake(url, FIRST)
    datasets.link(url, "flights")
    write_deltalake(url, MORE, mode="append")
    DeltaTable(url).delete("id = 1")
    assert engines("flights@1") == {"polars": 6, "duckdb": 6, "load": 6}
    assert datasets.show("flights").source["location"] == url
    assert s3.writer.secret not in str(datasets.show("flights"))
    DeltaTable(url).vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)
    with pytest.raises(BrokenLink, match="flights@1 links Delta table s3://"):
        datasets.load("flights@1")


def test_an_iceberg_table(s3: S3Server) -> None:
    place = {
        "uri": f"sqlite:///{Path.cwd()}/catalog.db",
        "warehouse": f"s3://{s3.bucket}/{uuid4().hex}",
        "s3.endpoint": s3.endpoint,
        "s3.access-key-id": s3.writer.key,
        "s3.secret-access-key": s3.writer.secret,
    }
    catalog = SqlCatalog("lake", **place)
    catalog.create_namespace("air")
    table = catalog.create_table("air.flights", schema=FIRST.schema)
    table.append(FIRST)
    datasets.link(table, "flights")
    table.append(MORE)
    catalog.close()
    assert engines("flights@1") == {"polars": 6, "duckdb": 6, "load": 6}
    assert s3.writer.secret not in str(datasets.show("flights"))
