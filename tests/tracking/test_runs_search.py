"""Runs of a SQLite store are searched by SQL of ours: the answers are those of MLflow's search."""

import math
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlnb.core import project as projects
from mlnb.core.errors import BadInput
from mlnb.core.project import Project
from mlnb.tracking import runs, store
from mlnb.tracking.reading import client as through_mlflow
from mlnb.tracking.reading import database
from mlnb.tracking.reading.queries import Query

EXAMPLES = int(os.environ.get("EXAMPLES", "60"))
KEYS = ["auc", "a b", "x.y", "Ä/ö", "per%cent", "under_score"]
TEXTS = ["", "a", "A", "ab", "a%b", "a_b", "axb", "it's", "0.5", "10", "9", "Ünï", "ünï", " ", '"']
NUMBERS = [0.0, -1.5, 0.5, 1e300, -1e-300, math.nan, math.inf, -math.inf, 3.0]
STATUSES = ["RUNNING", "FINISHED", "FAILED", "KILLED", "SCHEDULED"]
COMPARISONS = ["=", "!=", "<", "<=", ">", ">="]
WORDS = ["=", "!=", "LIKE", "ILIKE", "like"]


def texts() -> st.SearchStrategy[str]:
    return st.sampled_from(TEXTS)


@st.composite
def stored_runs(draw: st.DrawFn) -> list[dict[str, Any]]:
    count = draw(st.integers(0, 12))
    return [
        {
            "experiment": draw(st.integers(0, 1)),
            "name": draw(texts()),
            "status": draw(st.sampled_from(STATUSES)),
            "start": draw(st.integers(1, 4)),
            "end": draw(st.none() | st.integers(1, 4)),
            "deleted": draw(st.integers(0, 9)) == 0,
            "metrics": draw(
                st.dictionaries(st.sampled_from(KEYS), st.sampled_from(NUMBERS), max_size=4)
            ),
            "params": draw(st.dictionaries(st.sampled_from(KEYS), texts(), max_size=4)),
            "tags": draw(st.dictionaries(st.sampled_from(KEYS), texts(), max_size=4)),
            "datasets": draw(
                st.lists(
                    st.tuples(st.integers(0, 3), st.sampled_from(["input", "eval", ""])), max_size=3
                )
            ),
        }
        for _ in range(count)
    ]


def quoted(text: str) -> str:
    return f'"{text}"' if "'" in text else f"'{text}'"


@st.composite
def comparisons(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from(["metric", "param", "tag", "attribute", "time", "id", "dataset"]))
    key = draw(st.sampled_from(KEYS))
    mark = draw(st.sampled_from('`"')) if not key.isidentifier() else ""
    key = f"{mark}{key}{mark}"
    if kind == "metric":
        number = draw(st.sampled_from(["0", "0.5", "-1.5", "3", "1e300", "0.0"]))
        return f"metrics.{key} {draw(st.sampled_from(COMPARISONS))} {number}"
    if kind in ("param", "tag"):
        if draw(st.integers(0, 3)) == 0:
            return f"{kind}s.{key} IS {draw(st.sampled_from(['', 'NOT ']))}NULL"
        return f"{kind}s.{key} {draw(st.sampled_from(WORDS))} {quoted(draw(texts()))}"
    if kind == "attribute":
        name = draw(st.sampled_from(["status", "run_name", "attributes.`run name`", "user_id"]))
        value = draw(st.sampled_from(STATUSES) | texts())
        return f"{name} {draw(st.sampled_from(WORDS))} {quoted(value)}"
    if kind == "time":
        name = draw(st.sampled_from(["start_time", "attributes.end_time", "created"]))
        return f"{name} {draw(st.sampled_from(COMPARISONS))} {draw(st.integers(0, 5))}"
    if kind == "id":
        ids = ", ".join(
            f"'{number:032x}'" for number in draw(st.sets(st.integers(0, 6), min_size=1))
        )
        return f"attributes.run_id {draw(st.sampled_from(['IN', 'NOT IN']))} ({ids})"
    which = draw(st.sampled_from(["name", "digest", "context"]))
    value = draw(st.sampled_from(["data-0", "data-1", "digest-1", "input", "eval", "%a%"]))
    if draw(st.booleans()):
        return f"dataset.{which} {draw(st.sampled_from(['IN', 'NOT IN']))} ('{value}', 'input')"
    return f"datasets.{which} {draw(st.sampled_from(WORDS))} '{value}'"


@st.composite
def orders(draw: st.DrawFn) -> str:
    key = draw(st.sampled_from(KEYS))
    place = draw(
        st.sampled_from(
            [
                f"metrics.`{key}`",
                f"params.`{key}`",
                f"tags.`{key}`",
                "start_time",
                "end_time",
                "status",
                "run_name",
            ]
        )
    )
    return place + draw(st.sampled_from(["", " ASC", " DESC"]))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Path]:
    folder = tmp_path_factory.mktemp("searched")
    project = projects.init(folder, "searched")
    client = store.connection(project.tracking_uri)
    client.create_experiment("other")
    path = store.sqlite_file(project.tracking_uri)
    assert path is not None
    return project, path


def fill(path: Path, made: list[dict[str, Any]]) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in (
            "latest_metrics",
            "params",
            "tags",
            "input_tags",
            "inputs",
            "datasets",
            "runs",
        ):
            connection.execute(f"DELETE FROM {table}")  # noqa: S608  (the names above)
        for number in range(4):
            connection.execute(
                "INSERT INTO datasets VALUES (?, 0, ?, ?, 'mlnb', '{}', NULL, NULL)",
                (f"d{number}", f"data-{number // 2}", f"digest-{number}"),
            )
        for number, run in enumerate(made):
            insert(connection, f"{number:032x}", run)


def insert(connection: sqlite3.Connection, run_id: str, run: dict[str, Any]) -> None:
    connection.execute(
        "INSERT INTO runs (run_uuid, name, source_type, user_id, status, start_time, end_time, "
        "lifecycle_stage, artifact_uri, experiment_id) "
        "VALUES (?, ?, 'LOCAL', 'a', ?, ?, ?, ?, '', ?)",
        (
            run_id,
            run["name"],
            run["status"],
            run["start"],
            run["end"],
            "deleted" if run["deleted"] else "active",
            run["experiment"],
        ),
    )
    for key, value in run["metrics"].items():
        missing = math.isnan(value)
        stored = (
            0.0 if missing else max(-1.7976931348623157e308, min(value, 1.7976931348623157e308))
        )
        connection.execute(
            "INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) "
            "VALUES (?, ?, 1, 0, ?, ?)",
            (key, stored, missing, run_id),
        )
    for table in ("params", "tags"):
        for key, value in run[table].items():
            connection.execute(
                f"INSERT INTO {table} (key, value, run_uuid) VALUES (?, ?, ?)",  # noqa: S608  (above)
                (key, value, run_id),
            )
    connection.execute(
        "INSERT INTO tags (key, value, run_uuid) VALUES ('mlflow.runName', ?, ?)",
        (run["name"], run_id),
    )
    for source, context in dict(run["datasets"]).items():
        given = f"{run_id[-4:]}-{source}"
        connection.execute(
            "INSERT INTO inputs VALUES (?, 'DATASET', ?, 'RUN', ?, 0)",
            (given, f"d{source}", run_id),
        )
        if context:
            connection.execute(
                "INSERT INTO input_tags VALUES (?, 'mlflow.data.context', ?)", (given, context)
            )


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    made=stored_runs(),
    conditions=st.lists(comparisons(), max_size=3),
    order=st.lists(orders(), max_size=2),
    limit=st.integers(1, 5),
    offset=st.integers(0, 4),
    experiment=st.sampled_from([None, "Default", "other"]),
)
def test_as_mlflow_searches(
    place: tuple[Project, Path],
    made: list[dict[str, Any]],
    conditions: list[str],
    order: list[str],
    limit: int,
    offset: int,
    experiment: str | None,
) -> None:
    project, path = place
    fill(path, made)
    query = Query(experiment, " and ".join(conditions), tuple(order), limit, offset)
    client = store.connection(project.tracking_uri)
    with projects.using(project):
        theirs = answer(lambda: through_mlflow.search(client, query))
        with database.open_store(project.tracking_uri) as opened:
            assert opened is not None
            ours = answer(lambda: opened.search(query))
    if theirs is None or ours is None:
        assert ours == theirs
        return
    expected, more = theirs
    found, total = ours
    assert [run.id for run in found] == [run.id for run in expected]
    assert (total > offset + len(found)) == more or not found
    for one, other in zip(found, expected, strict=True):
        assert repr(sorted_out(one)) == repr(sorted_out(other))


def answer(ask: Any) -> Any:
    """Return an answer; None where the question is refused."""
    try:
        return ask()
    except BadInput:
        return None
    except Exception as error:
        if "duplicate fields" in str(error):  # MLflow calls this an internal error
            return None
        raise


def sorted_out(run: Any) -> Any:
    """Return all of a run in one order, a NaN like any other."""
    return (
        run.name,
        run.experiment,
        run.status,
        run.start,
        run.end,
        run.artifact_uri,
        sorted(run.params.items()),
        sorted(run.metrics.items()),
        sorted(run.tags.items()),
        sorted(run.datasets),
    )


def test_tables_of_another_mlflow_are_read_through_mlflow(project: Project) -> None:
    client = store.client()
    made = client.create_run("0", run_name="one")
    path = store.sqlite_file(project.tracking_uri)
    assert path is not None
    with database.open_store(project.tracking_uri) as opened:
        assert opened is not None
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("ALTER TABLE runs ADD COLUMN archived BOOLEAN")
    with database.open_store(project.tracking_uri) as opened:
        assert opened is None
    (found,) = runs.list_runs()
    assert (found.id, found.name) == (made.info.run_id, "one")
    assert runs.show("one").id == found.id
    assert runs.page(limit=1).total == 1


def test_what_changes_shows_at_once(project: Project) -> None:
    client = store.client()
    made = client.create_run("0", run_name="one").info.run_id
    client.log_metric(made, "auc", 0.5)
    assert runs.list_runs()[0].metrics == {"auc": 0.5}
    client.log_metric(made, "auc", 0.75)
    client.set_tag(made, "team", "blue")
    client.update_run(made, name="renamed")
    (found,) = runs.list_runs(filter="metrics.auc > 0.7 and tags.team = 'blue'")
    assert (found.name, found.metrics) == ("renamed", {"auc": 0.75})
    assert runs.show("renamed").id == made
    client.delete_run(made)
    assert runs.list_runs() == []
    client.restore_run(made)
    assert [run.id for run in runs.list_runs()] == [made]


def test_pages(project: Project) -> None:
    client = store.client()
    for number in range(5):
        client.create_run("0", start_time=number + 1, run_name=str(number))
    first = runs.page(limit=2)
    assert ([run.name for run in first.runs], first.total, first.more) == (["4", "3"], 5, True)
    last = runs.page(limit=2, offset=4)
    assert ([run.name for run in last.runs], last.total, last.more) == (["0"], 5, False)
    assert runs.page(limit=2, offset=9).runs == []
    with pytest.raises(BadInput, match="before the first"):
        runs.page(offset=-1)


def test_a_name_is_only_ever_a_value(project: Project) -> None:
    store.client().create_run("0", run_name="x' OR 1=1 --")
    assert runs.list_runs(filter='run_name = "x\' OR 1=1 --"')[0].name == "x' OR 1=1 --"
    assert runs.list_runs(filter="params.`'; DROP TABLE runs; --` = 'x'") == []
    assert runs.show("x' OR 1=1 --").name == "x' OR 1=1 --"
    assert len(runs.list_runs()) == 1
