import json
from pathlib import Path
from typing import Any

import pytest

from mlnb import datasets, tracking
from mlnb.core.errors import BadInput, UnknownName
from mlnb.core.project import Project, using
from mlnb.core.records import finite
from mlnb.tracking.run import Run
from mlnb.ui.server.routes import runs
from mlnb.ui.server.sources import Source, Sources

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)


@pytest.fixture
def source(project: Project, frame: Any) -> Source:
    with using(project):
        datasets.save(frame, "flights")
        with tracking.track("teacher", note="the **first**") as run:
            datasets.load("flights")
            tracking.log(params={"depth": 3}, metrics={"auc": 0.8})
            for step in range(5):
                tracking.log(
                    metrics={"loss": float("nan") if step == 2 else 1 / (step + 1)}, step=step
                )
            tracking.log(text={"notes/words.txt": "<b>bold</b>"})
            with tracking.track("pupil", nested=True):
                tracking.log(params={"depth": 4}, metrics={"auc": 0.9})
        keep(run, project)
    return Sources(project.root).at("")


@pytest.fixture
def frame() -> Any:
    import pandas as pd

    return pd.DataFrame({"carrier": ["UA", "AA"], "delay": [3.0, -2.0]})


def keep(run: Run, project: Project) -> None:
    """Put a figure, something that is none, and a link to elsewhere among the run's files."""
    folder = artifacts_of(run.id)
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    (folder / "figures" / "shape.png").write_bytes(PIXEL)
    (folder / "model.bin").write_bytes(b"\0\1\2")
    (project.root / "secret.txt").write_text("secret")
    (folder / "elsewhere.txt").symlink_to(project.root / "secret.txt")


def artifacts_of(run: str) -> Path:
    tracking.flush()
    found = tracking.store.client().get_run(run).info.artifact_uri
    return Path(found.removeprefix("file://"))


def test_a_run_is_answered_with_files_relatives_and_data(source):
    found = runs.run(source, run="teacher")
    assert (found.run.name, found.run.params, found.note) == (
        "teacher",
        {"depth": "3"},
        "the **first**",
    )
    assert ("input", "dataset", "flights@1") in [
        (one.direction, one.kind, one.ref) for one in found.links
    ]
    assert [child.name for child in found.children] == ["pupil"]
    assert runs.run(source, run="pupil").parent.name == "teacher"  # type: ignore[union-attr]  # it has one
    sizes = {file.path: file.size for file in found.files}
    assert sizes["figures/shape.png"] == len(PIXEL)
    assert sizes["notes/words.txt"] == 11
    assert found.facts["Python"].startswith("3.")


def test_a_history_has_what_was_logged_more_than_once(source):
    found = runs.history(source, run="teacher")
    assert [curve.metric for curve in found.curves] == ["loss"]
    assert found.curves[0].steps == [0, 1, 2, 3, 4]
    assert found.curves[0].values[:3] == [1.0, 0.5, None]
    assert found.whole
    json.dumps(finite(found.to_dict()), allow_nan=False)


def test_a_history_goes_on_where_it_was_left(source, project):
    before = runs.history(source, run="teacher")
    again = runs.history(source, run=before.run.id, after=before.after)
    assert (again.curves, again.after, again.whole) == ([], before.after, False)
    with using(project):
        with tracking.track(resume="teacher"):
            tracking.log(metrics={"loss": 0.1}, step=5)
        tracking.flush()
        later = runs.history(source, run=before.run.id, after=before.after)
    assert [(curve.metric, curve.steps, curve.values) for curve in later.curves] == [
        ("loss", [5], [0.1])
    ]
    assert later.after > before.after


def test_a_long_history_is_thinned_and_keeps_its_extremes(project):
    with using(project), tracking.track("long"):
        for step in range(5_000):
            tracking.log(metrics={"loss": -7.0 if step == 1234 else step % 10}, step=step)
    found = runs.history(Sources(project.root).at(""), run="long").curves[0]
    assert found.points == 5_000
    assert len(found.steps) <= 600
    assert min(value for value in found.values if value is not None) == -7.0
    assert (found.steps[0], found.steps[-1]) == (0, 4_999)


def test_a_text_is_answered_as_text(source):
    found = runs.text(source, run="teacher", path="notes/words.txt")
    assert (found.text, found.cut) == ("<b>bold</b>", False)
    assert runs.text(source, run="teacher", path="model.bin").text is None


@pytest.mark.parametrize(
    "path", ["../../../mlflow.db", "/etc/passwd", "elsewhere.txt", "figures", "nothing.txt", ""]
)
def test_a_path_that_leads_elsewhere_is_no_file(source, path):
    with pytest.raises(UnknownName):
        runs.text(source, run="teacher", path=path)


def test_an_image_is_answered_with_its_type(source):
    found = runs.image(source, run="teacher", path="figures/shape.png")
    assert (found.content, found.media_type, found.name) == (PIXEL, "image/png", "shape.png")
    with pytest.raises(BadInput, match="no image"):
        runs.image(source, run="teacher", path="notes/words.txt")


def test_packages_are_listed(source):
    found = runs.packages(source, run="teacher").packages
    assert found is not None
    assert "pandas" in found


def test_runs_are_compared_and_closely_with_their_packages(source):
    found = runs.compare(source, run=["teacher", "pupil"])
    assert found.params == {"depth": ["3", "4"]}
    assert found.packages_same is None
    assert found.curves == []
    closely = runs.compare(source, run=["teacher", "pupil"], closely=True)
    assert closely.packages_same
    assert runs.curves(source, run=["teacher", "pupil"], metric=["loss", "auc"]).curves[
        0
    ].steps == [0, 1, 2, 3, 4]


def test_so_many_runs_are_too_many(source):
    with pytest.raises(BadInput, match="too many"):
        runs.compare(source, run=[str(number) for number in range(51)])


@pytest.mark.parametrize("route", ["history", "packages", ""])
async def test_a_run_that_is_not_there_is_not_found(jp_fetch, source, route):
    from tornado.httpclient import HTTPClientError

    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("mlnb", "api", "runs", "stranger", *([route] if route else []))
    assert refused.value.code == 404
    assert json.loads(refused.value.response.body)["error"] == "UnknownName"


async def test_an_image_arrives_in_a_sandbox(jp_fetch, source):
    answer = await jp_fetch(
        "mlnb", "api", "runs", "teacher", "image", params={"path": "figures/shape.png"}
    )
    assert answer.body == PIXEL
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
