"""Lineage is what was recorded, in both directions, however much there is of it."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from mlnb import datasets, models, serving, tracking
from mlnb.core import project as projects
from mlnb.core.errors import BadInput, UnknownName
from mlnb.core.project import Project
from mlnb.sharing import lineage
from mlnb.sharing.lineage_graph import FAN, LineageGraph
from mlnb.sharing.lineage_sources import Ident, Key, Sources

READERS = FAN + 5


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """raw → clean → features → fit → late@1 and late@2 → arrivals, which was rolled forward."""
    project = projects.init(tmp_path_factory.mktemp("lineage") / "project", "lineage")
    random = np.random.default_rng(1)
    frame = pd.DataFrame({"rain": random.normal(size=60)})
    with projects.using(project):
        datasets.save(frame, "raw")
        with tracking.track("clean"):
            rows = datasets.load("raw")
            datasets.save(rows.assign(late=(rows["rain"] > 0).astype(int)), "features")
        for strength in (1.0, 2.0):
            with tracking.track(f"fit {strength:g}"):
                rows = datasets.load("features")
                fitted = LogisticRegression(C=strength).fit(rows[["rain"]], rows["late"])
                tracking.log(metrics={"auc": 0.9})
                models.register(fitted, "late", example=rows[["rain"]].head(3))
        with tracking.track("score"):
            models.load("late@2")
        for number in range(READERS):
            with tracking.track(f"look {number}"):
                datasets.load("raw")
        try:
            serving.deploy("late@1", "arrivals")
            serving.deploy("late@2", "arrivals")
        finally:
            serving.stop("arrivals")
        yield project


@pytest.fixture(autouse=True)
def here(lived: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(lived.root)


def edges(graph: LineageGraph) -> set[tuple[str, str]]:
    titles = {node.id: node.title for node in graph.nodes}
    return {(titles[edge.source], titles[edge.target]) for edge in graph.edges}


def test_an_endpoint_is_followed_up_to_the_raw_data() -> None:
    graph = lineage("endpoint", "arrivals", up=9)
    assert edges(graph) == {
        ("raw@1", "clean"),
        ("clean", "features@1"),
        ("features@1", "fit 1"),
        ("features@1", "fit 2"),
        ("fit 1", "late@1"),
        ("fit 2", "late@2"),
        ("late@1", "arrivals"),
        ("late@2", "arrivals"),
    }
    earlier = [edge.source for edge in graph.edges if edge.earlier]
    assert earlier == ["model:late@1"]
    facts = {node.title: node for node in graph.nodes}
    assert facts["raw@1"].detail == "60 rows"
    assert facts["fit 1"].status == "finished"
    assert facts["fit 1"].detail == "auc 0.9"
    assert facts["arrivals"].status == "stopped"
    assert facts["arrivals"].detail == "late@2"
    assert not any(node.further_up for node in graph.nodes)


def test_data_is_followed_down_to_the_endpoint() -> None:
    graph = lineage("dataset", "features", up=0, down=9)
    assert ("late@2", "score") in edges(graph)
    assert ("late@2", "arrivals") in edges(graph)
    assert ("clean", "features@1") not in edges(graph)
    [center] = [node for node in graph.nodes if node.id == graph.center]
    assert center.further_up, "there is more, and the graph says so"
    assert not center.further_down


def test_steps_end_where_they_were_asked_to() -> None:
    graph = lineage("model", "late@1", up=1, down=1)
    assert edges(graph) == {("fit 1", "late@1"), ("late@1", "arrivals")}
    further = {node.title for node in graph.nodes if node.further_up}
    assert further == {"fit 1"}


def test_very_many_neighbours_are_folded_until_asked_for() -> None:
    graph = lineage("dataset", "raw@1", up=0, down=1)
    more = [node for node in graph.nodes if node.kind == "more"]
    assert [node.hidden for node in more] == [READERS + 1 - FAN]
    assert more[0].title == f"{READERS + 1 - FAN} more runs"
    assert len(graph.nodes) == 1 + FAN + 1
    assert ("raw@1", f"look {READERS - 1}") in edges(graph), "the latest are shown"
    unfolded = lineage("dataset", "raw@1", up=0, down=1, unfold=[more[0].of])
    assert len(unfolded.nodes) == 1 + READERS + 1


def test_a_run_has_what_it_read_and_what_it_wrote() -> None:
    graph = lineage("run", "score", up=1)
    assert edges(graph) == {("late@2", "score")}
    assert edges(lineage("run", "clean", up=1, down=1)) == {
        ("raw@1", "clean"),
        ("clean", "features@1"),
    }


def test_what_is_no_more_is_named_as_unknown() -> None:
    gone: dict[Ident, str] = {
        "dataset": "gone@1",
        "run": "0" * 32,
        "model": "gone@2",
        "endpoint": "gone",
    }
    keys = [Key(kind, ref) for kind, ref in gone.items()]
    facts = Sources().facts(keys)
    assert [facts[key].known for key in keys] == [False] * 4
    assert facts[keys[0]].title == "gone@1"
    for way in ("before", "after"):
        assert not any(Sources().neighbours(keys, way).values())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "ref", "steps", "error"),
    [
        ("dataset", "rwa", 1, UnknownName),
        ("model", "late@7", 1, UnknownName),
        ("run", "nobody", 1, UnknownName),
        ("endpoint", "departures", 1, UnknownName),
        ("notebook", "x", 1, BadInput),
        ("dataset", "raw", -1, BadInput),
        ("dataset", "raw", 99, BadInput),
    ],
)
def test_what_is_not_there_is_one_clear_error(
    kind: str, ref: str, steps: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        lineage(kind, ref, up=steps)
