"""Runs as the panel lists them, over a store written by MLflow itself."""

import math
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import mlflow
import pytest

from mlnb import tracking
from mlnb.core import project as projects
from mlnb.core.errors import BadInput
from mlnb.core.project import Project
from mlnb.tracking import flushing, journal, store
from mlnb.tracking.reading import browsing, catalog, listing
from mlnb.tracking.reading.browsing import browse

FAMILIES = ("linear", "Boosting", "forest")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Make thirty runs once; gives the store's file, and their ids by name."""
    project = projects.init(tmp_path_factory.mktemp("made"), "made")
    store.use(project.tracking_uri)
    database = store.sqlite_file(project.tracking_uri)
    assert database is not None
    client = mlflow.MlflowClient(project.tracking_uri)
    experiment = client.create_experiment("flights", artifact_location="artifacts")
    chance = random.Random(7)  # noqa: S311  (no secret)
    found = {}
    for place in range(30):
        run = client.create_run(
            experiment, start_time=1000 * (place + 1), run_name=f"fit-{place:02d}"
        )
        found[f"fit-{place:02d}"] = run.info.run_id
        client.log_param(run.info.run_id, "family", FAMILIES[place % 3])
        client.log_param(run.info.run_id, "depth", place % 7)
        value = math.nan if place == 4 else round(chance.random(), 3)
        if place != 9:
            client.log_metric(run.info.run_id, "auc", value)
        for name in ("a", "b", "c", "z"):
            client.log_metric(run.info.run_id, name, place)
        client.set_tag(run.info.run_id, "mlflow.source.type", "NOTEBOOK")
        client.set_tag(run.info.run_id, "mlflow.source.name", f"notebooks/train-{place % 2}.ipynb")
        if place % 5 == 0:
            client.set_tag(run.info.run_id, "mlnb.error", "ValueError: no\nTraceback")
        status = "FAILED" if place % 5 == 0 else "FINISHED"
        client.set_terminated(run.info.run_id, status, end_time=1000 * (place + 1) + 10 * place)
    return database, found


@pytest.fixture
def runs(made: tuple[Path, dict[str, str]], project: Project) -> dict[str, str]:
    """Put the runs into the project's store; gives their ids by name."""
    database = store.sqlite_file(project.tracking_uri)
    assert database is not None
    database.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(made[0])) as source, closing(sqlite3.connect(database)) as copy:
        source.backup(copy)
    mlflow.set_tracking_uri(project.tracking_uri)
    return made[1]


def names(*arguments: str, **more: object) -> list[str]:
    return [run.name for run in browse(*arguments, **more).items]


def test_the_newest_come_first_page_by_page(runs):
    first, second = browse(limit=20), browse(limit=20, offset=20)
    assert [run.name for run in [*first.items, *second.items]] == sorted(runs, reverse=True)
    assert (first.total, second.total, second.offset) == (30, 30, 20)
    assert browse(offset=100).items == []


def test_a_line_says_little(runs):
    run = next(run for run in browse().items if run.name == "fit-05")
    assert (run.status, run.error, run.notebook) == (
        "FAILED",
        "ValueError: no",
        "notebooks/train-1.ipynb",
    )
    assert list(run.metrics) == ["a", "auc", "b"]
    assert browse().metrics == ["a", "auc", "b", "c", "z"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("fit-07", {7}),
        ("FIT-07", {7}),
        ("failed", {0, 5, 10, 15, 20, 25}),
        ("boost", set(range(1, 30, 3))),
        ("train-0 failed", {0, 10, 20}),
        ("depth=3", {3, 10, 17, 24}),
        ("depth>5 family=bo", {13}),
        ("z>=28", {28, 29}),
        ("z>27 z!=28", {29}),
        ("family!=boosting z<4", {0, 2, 3}),
        ("auc", set(range(30)) - {9}),
        ("nothing-like-it", set()),
        ("%", set()),
        ("_", set()),
        ("'; DROP TABLE runs; --", set()),
    ],
)
def test_words_and_comparisons_find_runs(runs, query, expected):
    assert set(names(query)) == {f"fit-{place:02d}" for place in expected}
    assert browse(query).total == len(expected)


def test_the_beginning_of_an_id_finds_a_run(runs):
    assert "fit-12" in names(runs["fit-12"][:10])


@pytest.mark.parametrize("order", ["metrics.auc", "-metrics.auc", "started", "-started", "name"])
def test_orders_are_those_of_mlflow(runs, order):
    """What has no such value comes last, then the newest first."""
    keys = {"started": "attributes.start_time", "name": "attributes.run_name"}
    key = keys.get(order.removeprefix("-"), order.removeprefix("-"))
    theirs = mlflow.search_runs(
        search_all_experiments=True,
        order_by=[f"{key} {'DESC' if order.startswith('-') else 'ASC'}"],
        output_format="list",
    )
    ours, expected = names(order=order), [run.info.run_name for run in theirs]
    if "metrics" in order:  # MLflow puts what is no number before what is not there
        assert ours[:28] == expected[:28]
        assert set(ours[28:]) == {"fit-04", "fit-09"}
    else:
        assert ours == expected


def test_runs_are_ordered_by_how_long_they_took(runs):
    assert names(order="-duration")[:2] == ["fit-29", "fit-28"]
    assert names(order="duration")[0] == "fit-00"


def test_the_metric_of_the_order_is_among_those_shown(runs):
    assert set(browse(order="-metrics.z").items[0].metrics) == {"a", "auc", "z"}


@pytest.mark.parametrize("order", ["speed", "metrics.", "-"])
def test_an_unknown_order_is_one_error(runs, order):
    with pytest.raises(BadInput, match="ordered by"):
        browse(order=order)


@pytest.mark.parametrize("more", [{"limit": 0}, {"limit": 501}, {"offset": -1}])
def test_a_page_that_is_none_is_one_error(runs, more):
    with pytest.raises(BadInput):
        browse(**more)


def test_nothing_recorded_is_an_empty_list_and_makes_no_store(project):
    assert browse("x").total == 0
    assert store.absent(project.tracking_uri)


def test_a_change_of_the_store_is_seen_at_once(runs, project):
    assert len(names("fit-03")) == 1
    mlflow.MlflowClient().delete_run(runs["fit-03"])
    assert names("fit-03") == []
    assert browse().total == 29


def test_the_next_page_reads_only_its_rows(runs, monkeypatch):
    browse("boost", limit=3)
    monkeypatch.setattr(catalog, "_statement", pytest.fail)
    assert len(names("boost", limit=3, offset=3)) == 3


def test_runs_that_wait_in_the_journal_are_among_the_others(runs, project, monkeypatch):
    monkeypatch.setattr(browsing, "_deliver_meanwhile", lambda _project: None)
    monkeypatch.setattr(flushing, "_deliver", lambda _project: None)
    monkeypatch.setenv("MLNB_BACKGROUND_DELIVERY", "false")
    with tracking.track("waits"):
        tracking.log(params={"family": "Boosting"}, metrics={"z": 15.5})
        assert journal.files(project)
        assert names()[0] == "waits"
        assert browse().total == 31
        assert "waits" in names("boost")
        assert "waits" not in names("linear")
        order = names(order="-metrics.z")
        assert order.index("fit-16") < order.index("waits") < order.index("fit-15")
        assert next(run for run in browse().items if run.name == "waits").waiting


def test_a_store_that_only_mlflow_reads_is_asked_through_mlflow(runs, monkeypatch):
    monkeypatch.setattr(catalog.Catalog, "find", pytest.fail)
    monkeypatch.setitem(browsing.database.TABLES, "runs", "other columns")
    assert names("fit-0", order="-metrics.z", limit=3) == ["fit-09", "fit-08", "fit-07"]
    assert names("z>27") == ["fit-29", "fit-28"]
    assert names("family=Boosting", limit=1) == ["fit-28"]
    assert listing.page(limit=1).runs[0].name == "fit-29"
    with pytest.raises(BadInput, match="how long"):
        browse(order="duration")
