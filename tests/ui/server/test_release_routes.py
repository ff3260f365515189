"""What the documents of models and endpoints are told."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from mlnb import models, tracking
from mlnb.core import project as projects
from mlnb.core.errors import BadInput, UnknownName
from mlnb.core.project import Project
from mlnb.ui.server import gauges
from mlnb.ui.server.routes import endpoints
from mlnb.ui.server.routes import models as routes
from mlnb.ui.server.sources import Source, Sources


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    made = projects.init(tmp_path_factory.mktemp("documents") / "project", "documents")
    with pytest.MonkeyPatch.context() as patch, projects.using(made):
        patch.setenv("MLNB_BACKGROUND_DELIVERY", "false")
        rows = pd.DataFrame({"rain": np.linspace(-1, 1, 40)})
        for strength in (1.0, 2.0):
            with tracking.track(f"fit {strength:g}"):
                fitted = LogisticRegression(C=strength).fit(rows, rows["rain"] > 0)
                models.register(fitted, "late", example=rows.head(3), description="a | b")
        models.promote("late@1", reason="first")
        models.promote("late@2", alias="challenger", reason="next")
        yield made


@pytest.fixture
def source(lived: Project, monkeypatch: pytest.MonkeyPatch) -> Source:
    monkeypatch.chdir(lived.root)
    return Sources(lived.root).at("")


def test_a_model_is_told_with_the_history_of_all_its_aliases(source: Source) -> None:
    found = routes.model(source, name="late")
    assert [version.number for version in found.versions] == [2, 1]
    changes = [(change.alias, change.number, change.reason) for change in found.changes]
    assert changes == [("challenger", 2, "next"), ("champion", 1, "first")]
    assert found.served == []
    with pytest.raises(UnknownName):
        routes.model(source, name="lat")


def test_a_version_is_told_with_its_run_and_its_card(source: Source) -> None:
    found = routes.version(source, name="late", number=1)
    assert found.version.ref == "late@1"
    assert found.run is not None
    assert found.run.name == "fit 1"
    assert found.verdicts == []
    assert "# Model card: late@1" in found.card
    with pytest.raises(UnknownName):
        routes.version(source, name="late", number=9)


def test_an_endpoint_that_is_not_there_is_one_clear_error(source: Source) -> None:
    for ask in (endpoints.endpoint, endpoints.live, endpoints.log, endpoints.predictions):
        with pytest.raises(UnknownName):
            ask(source, name="departures")
    for wrong in (0, 10_000):
        with pytest.raises(BadInput):
            endpoints.predictions(source, name="departures", rows=wrong)


def test_points_are_shared_by_all_who_look_and_have_gaps(
    lived: Project, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(gauges.time, "time", lambda: clock[0])

    def look(seconds: float, root: Path = lived.root, after: float = 0.0) -> list[float]:
        clock[0] += seconds
        return [point.time for point in gauges.look(root, "arrivals", after)]

    with projects.using(lived):
        assert look(0) == []
        assert look(2) == [1002.0]
        assert look(0.2) == [1002.0], "others who look at once see the same"
        assert look(2, after=1002.0) == [1004.2]
        assert look(600, after=1004.2) == [1604.2], "a gap"
        assert look(2, after=1604.2) == [1606.2]
