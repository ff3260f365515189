"""The registry: register, promote, roll back, load; nothing changed or pickled is loaded."""

import json
import pickle
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlnb import tracking
from mlnb.core import lineage
from mlnb.core.errors import (
    BadInput,
    GateRefused,
    InvalidName,
    InvalidReference,
    TrackingUnavailable,
    UnknownName,
    UnsupportedData,
    UntrustedModel,
)
from mlnb.core.project import Project
from mlnb.core.records import Column
from mlnb.tracking import models, requirements, runs, store


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "distance": random.normal(900, 200, 200),
            "hour": random.integers(0, 24, 200),
            "carrier": random.choice(["AA", "UA"], 200),
            "origin": pd.Categorical(random.choice(["JFK", "LGA"], 200)),
            "weekend": random.random(200) > 0.7,
            "when": pd.Timestamp("2013-01-01") + pd.to_timedelta(random.integers(0, 99, 200), "D"),
        }
    )


@pytest.fixture(scope="module")
def boosting(frame: pd.DataFrame) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    columns = ColumnTransformer(
        [
            ("scaled", StandardScaler(), ["distance", "hour"]),
            ("coded", OneHotEncoder(sparse_output=False), ["carrier", "origin"]),
        ]
    )
    made = make_pipeline(columns, HistGradientBoostingClassifier(max_iter=5, random_state=0))
    return made.fit(frame, frame["distance"] > 900)


def files(ref: str) -> Path:
    """Return a version's files in MLflow's own folder."""
    version = models.resolve(ref)
    uri = store.client().get_model_version_download_uri(version.name, str(version.number))
    return Path(uri)


def test_a_pipeline_comes_back_as_it_was(
    project: Project, boosting: Any, frame: pd.DataFrame
) -> None:
    with tracking.track("train") as run:
        lineage.record_input("dataset", "flights@3", "ab" * 32)
        made = models.register(
            boosting, "delay", example=frame, metrics={"auc": 0.7}, description="first"
        )
    assert (made.ref, made.run, made.gate, made.flavor) == ("delay@1", run.id, "none", "sklearn")
    assert (made.data, made.metrics, made.description) == (["flights@3"], {"auc": 0.7}, "first")
    assert models.signature("delay@1") == [
        Column(name="distance", type="double"),
        Column(name="hour", type="int64"),
        Column(name="carrier", type="string"),
        Column(name="origin", type="string"),
        Column(name="weekend", type="bool"),
        Column(name="when", type="timestamp[us]"),
    ]
    loaded = models.load("delay")
    assert (loaded.predict_proba(frame) == boosting.predict_proba(frame)).all()
    assert runs.show(run.id).outputs == ["delay@1"]
    assert runs.show(run.id).metrics == {"auc": 0.7}
    kinds = [event.kind for event in project.events.read()[0]]
    assert "model.registered" in kinds


def test_registering_is_fast(project: Project, boosting: Any, frame: pd.DataFrame) -> None:
    with tracking.track("train"):
        models.register(boosting, "delay", example=frame)  # imports what it needs
        start = time.perf_counter()
        models.register(boosting, "delay", example=frame)
        assert time.perf_counter() - start < 5, "MLflow's own search for requirements takes ten"


def test_without_a_run_it_gets_one_of_its_own(project: Project, boosting: Any) -> None:
    made = models.register(boosting, "delay")
    assert made.run is not None
    assert runs.show(made.run).name == "register delay"
    assert models.signature("delay") == []


@pytest.mark.parametrize(
    "reference", ["delay@2", "delay", "delay@latest", "models:/delay/2", "models:/delay@champion"]
)
def test_references(project: Project, boosting: Any, reference: str) -> None:
    with tracking.track("train"):
        models.register(boosting, "delay")
        models.register(boosting, "delay")
    models.promote("delay@2")
    assert models.resolve(reference).number == 2
    assert [version.ref for version in models.show("delay")] == ["delay@1", "delay@2"]
    assert [version.ref for version in models.list_models()] == ["delay@2"]


@pytest.mark.parametrize(
    ("reference", "error", "says"),
    [
        ("delya", UnknownName, "Did you mean 'delay'"),
        ("delay@7", UnknownName, "no model version 'delay@7'"),
        ("delay@champion", UnknownName, "no model version 'delay@champion'"),
        ("delay@", InvalidReference, "Write name"),
        ("models:/", InvalidReference, "Write name"),
        ("a' or 1=1", InvalidName, "cannot name a model"),
    ],
)
def test_bad_references(
    project: Project, boosting: Any, reference: str, error: type[Exception], says: str
) -> None:
    models.register(boosting, "delay")
    with pytest.raises(error, match=says):
        models.resolve(reference)


def test_promotions_and_rollbacks_keep_their_history(project: Project, boosting: Any) -> None:
    with tracking.track("train"):
        for _ in range(3):
            models.register(boosting, "delay")
    for number in (1, 2, 3):
        assert models.promote(f"delay@{number}", reason=f"r{number}").aliases == ["champion"]
    assert models.rollback("delay", reason="worse").ref == "delay@2"
    assert models.rollback("delay").ref == "delay@1"
    with pytest.raises(BadInput, match="no earlier holder"):
        models.rollback("delay")
    assert models.resolve("delay@champion").number == 1
    models.promote("delay@3")
    assert models.rollback("delay").ref == "delay@1", "it goes back to who held it before"
    history = models.history("delay")
    assert [(item.action, item.number, item.previous) for item in history] == [
        ("promote", 1, None),
        ("promote", 2, 1),
        ("promote", 3, 2),
        ("rollback", 2, 3),
        ("rollback", 1, 2),
        ("promote", 3, 1),
        ("rollback", 1, 3),
    ]
    assert (history[1].reason, history[3].reason) == ("r2", "worse")
    kinds = [event.kind for event in project.events.read()[0]]
    assert (kinds.count("model.promoted"), kinds.count("model.rolled_back")) == (4, 3)


def test_a_holder_set_outside_mlnb_is_gone_back_to(project: Project, boosting: Any) -> None:
    with tracking.track("train"):
        models.register(boosting, "delay")
        models.register(boosting, "delay")
    store.client().set_registered_model_alias("delay", "champion", "1")
    models.promote("delay@2")
    assert models.rollback("delay").number == 1


def test_writers_at_once_agree(project: Project, boosting: Any) -> None:
    with tracking.track("train"):
        for _ in range(4):
            models.register(boosting, "delay")
    threads = [
        threading.Thread(target=models.promote, args=(f"delay@{number}",)) for number in range(1, 5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    history = models.history("delay")
    assert sorted(item.number for item in history) == [1, 2, 3, 4]
    assert models.resolve("delay@champion").number == history[-1].number


def test_the_gate_refuses_a_promotion_unless_forced(project: Project, boosting: Any) -> None:
    models.register(boosting, "delay")
    models.set_gate("delay@1", False, "suite-7")
    assert models.resolve("delay").gate == "refused"
    with pytest.raises(GateRefused, match=r"delay@1: validation suite-7 failed"):
        models.promote("delay@1")
    assert models.history("delay") == []
    assert models.resolve("delay").aliases == []
    assert models.promote("delay@1", force=True).aliases == ["champion"]
    models.set_gate("delay@1", True, "suite-8")
    assert models.promote("delay@1", alias="challenger").aliases == ["challenger", "champion"]


@pytest.mark.parametrize("name", ["model.skops", "MLmodel", "requirements.txt"])
def test_a_flipped_bit_is_noticed_before_anything_is_loaded(
    project: Project, boosting: Any, name: str
) -> None:
    models.register(boosting, "delay")
    models.load("delay")  # a verified copy is kept from here on
    file = files("delay") / name
    body = bytearray(file.read_bytes())
    body[len(body) // 2] ^= 1
    file.write_bytes(body)
    for use in (models.load, models.local_path):
        with pytest.raises(UntrustedModel, match="not those that were registered"):
            use("delay")


def test_a_changed_copy_is_fetched_again(project: Project, boosting: Any) -> None:
    models.register(boosting, "delay")
    copy = models.local_path("delay")
    (copy / "model.skops").write_bytes(b"changed")
    (copy / "extra.py").write_text("added")
    assert models.local_path("delay") == copy
    assert not (copy / "extra.py").exists()
    models.load("delay")


class Bomb:
    """Something whose unpickling leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.trace,))


def test_a_pickle_is_never_loaded(project: Project, boosting: Any, tmp_path: Path) -> None:
    trace = tmp_path / "exploded"
    pickle.loads(pickle.dumps(Bomb(trace)))  # noqa: S301  (shows that the bomb works)
    assert trace.exists()
    trace.unlink()

    models.register(boosting, "delay")
    folder = files("delay")
    (folder / "model.skops").write_bytes(pickle.dumps(Bomb(trace)))
    described = (folder / "MLmodel").read_text()
    (folder / "MLmodel").write_text(
        described.replace("serialization_format: skops", "serialization_format: pickle")
    )
    with pytest.raises(UntrustedModel, match="not those that were registered"):
        models.load("delay")

    # … not even when whoever put it there could also write the registry's digest
    from mlnb.core.hashing import digest_folder

    store.client().set_model_version_tag("delay", "1", "mlnb.digest", digest_folder(folder))
    with pytest.raises(UntrustedModel, match="pickle"):
        models.load("delay")
    assert not trace.exists()


def test_a_type_that_was_not_registered_is_not_loaded(project: Project, boosting: Any) -> None:
    models.register(boosting, "delay")
    store.client().set_model_version_tag("delay", "1", "mlnb.trusted_types", "[]")
    with pytest.raises(UntrustedModel, match="TreePredictor"):
        models.load("delay")


def test_a_version_of_another_tool_is_not_trusted(project: Project) -> None:
    client = store.client()
    client.create_registered_model("other")
    client.create_model_version("other", "file:///nowhere", None)
    with pytest.raises(UntrustedModel, match="recorded no digest"):
        models.load("other")


def test_names_of_other_tools_do_not_hide_the_models(project: Project) -> None:
    client = store.client()
    for name in ("Delays (v2), tuned", "<b>bold</b>".replace("/", "|"), "empty", "other"):
        client.create_registered_model(name)
        if name != "empty":
            client.create_model_version(name, "file:///nowhere", None)
    assert [item.ref for item in models.list_models()] == ["other@1"]


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda: {"a": 1}, "A dict cannot be registered"),
        (lambda: "no.skops", "no model file"),
        (lambda: _with_lambda(), "cannot be stored safely|not trusted"),
    ],
)
def test_what_cannot_be_stored_safely_is_refused(project: Project, made: Any, says: str) -> None:
    with pytest.raises(UnsupportedData, match=says):
        models.register(made(), "delay")
    assert models.list_models() == []
    assert runs.list_runs() == []


def _with_lambda() -> Any:
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    return make_pipeline(FunctionTransformer(lambda x: x), LinearRegression())


def test_bad_input_registers_nothing(project: Project, boosting: Any) -> None:
    with pytest.raises(InvalidName):
        models.register(boosting, "no/name")
    with pytest.raises(BadInput, match="no number"):
        models.register(boosting, "delay", metrics={"auc": "high"})
    with pytest.raises(UnknownName):
        models.register(boosting, "delay", data="nothing@1")
    assert models.list_models() == []
    assert runs.list_runs() == []


def test_without_the_store_registering_says_so(
    project: Project, boosting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLNB_TRACKING_URI", "sqlite:///blocked/mlflow.db")
    (project.root / "blocked").write_text("in the way")
    with tracking.track("away"), pytest.raises(TrackingUnavailable):
        models.register(boosting, "delay")


def test_a_skops_file_can_be_registered(project: Project, boosting: Any) -> None:
    import skops.io

    skops.io.dump(boosting, project.root / "model.skops")
    assert models.register(Path("model.skops"), "delay").ref == "delay@1"
    (project.root / "bad.skops").write_bytes(pickle.dumps(1))
    with pytest.raises(UnsupportedData, match="is a pickle"):
        models.register("bad.skops", "delay")


def test_stock_mlflow_sees_it(project: Project, boosting: Any, frame: pd.DataFrame) -> None:
    import mlflow

    models.register(boosting, "delay", example=frame)
    models.promote("delay@1")
    found = mlflow.MlflowClient(project.tracking_uri).get_model_version_by_alias(
        "delay", "champion"
    )
    assert found.version == "1" or found.version == 1
    assert json.loads(found.tags["mlnb.inputs"])[0] == {"name": "distance", "type": "double"}
    described = mlflow.models.get_model_info(str(models.local_path("delay")))
    assert [item.name for item in described.signature.inputs.inputs] == list(frame.columns)


# -- packages, and what autologging logs -----------------------------------------------------------


def test_the_packages_are_those_that_mlflow_finds(project: Project, boosting: Any) -> None:
    models.register(boosting, "delay")
    folder = models.local_path("delay")
    ours = (folder / "requirements.txt").read_text().splitlines()
    from mlflow.models import infer_pip_requirements

    found = set(infer_pip_requirements(str(folder / "model.skops"), "sklearn"))
    required = {line for line in found if line.partition("==")[0] in requirements.LOADERS}
    assert required <= set(ours)
    assert {line.partition("==")[0] for line in ours} == set(requirements.LOADERS)
    assert f"  - {ours[0]}\n" in (folder / "conda.yaml").read_text()


def test_the_packages_of_other_libraries_types_are_found() -> None:
    found = requirements.pinned(["yaml.nodes", "json.decoder", "__main__", "no_such_module.x"])
    assert [line.partition("==")[0] for line in found] == [*requirements.LOADERS, "PyYAML"]
    assert all("==" in line for line in found)


def test_the_packages_of_a_pickle_are_read_without_loading_it(tmp_path: Path) -> None:
    import yaml

    trace = tmp_path / "exploded"
    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps([yaml.ScalarNode("a", "b"), Bomb(trace)]))
    found = requirements.of_file(file)
    assert "PyYAML" in [line.partition("==")[0] for line in found]
    assert not trace.exists()


def test_stock_mlflow_loads_it(project: Project, boosting: Any, frame: pd.DataFrame) -> None:
    import mlflow

    models.register(boosting, "delay", example=frame)
    mlflow.set_tracking_uri(project.tracking_uri)
    expected = boosting.predict(frame)
    plain = frame.astype({"origin": str})  # MLflow's check takes no categories
    assert (mlflow.pyfunc.load_model("models:/delay/1").predict(plain) == expected).all()
    assert (mlflow.sklearn.load_model("models:/delay/1").predict(frame) == expected).all()


def test_a_model_that_autologging_has_logged_is_logged_once(
    project: Project, frame: pd.DataFrame
) -> None:
    import mlflow
    from sklearn.linear_model import LogisticRegression

    numbers, target = frame[["distance", "hour"]], frame["distance"] > 900
    mlflow.sklearn.autolog(silent=True)
    try:
        with tracking.track("train") as run:
            model = LogisticRegression(max_iter=1000).fit(numbers, target)
            first = models.register(model, "delay")
            model.coef_[0, 0] += 1
            second = models.register(model, "delay")
    finally:
        mlflow.sklearn.autolog(disable=True, silent=True)
    client = store.client()
    ids = [
        client.get_model_version("delay", str(item.number)).source.removeprefix("models:/")
        for item in (first, second)
    ]
    experiment = client.get_run(run.id).info.experiment_id
    logged = {item.model_id for item in client.search_logged_models([experiment])}
    assert logged == set(ids), "the first is autologging's own"
    assert len(logged) == 2, "a changed model is another"
    assert first.digest != second.digest
    assert models.load("delay@1").coef_[0, 0] == pytest.approx(model.coef_[0, 0] - 1)
    assert runs.show(run.id).params["max_iter"] == "1000"


def test_outside_a_run_mlflow_does_as_ever(project: Project) -> None:
    import mlflow.models

    from mlnb.tracking import autologging

    with tracking.track("installs it"):
        assert autologging._is_open()
    assert not autologging._is_open()
    assert mlflow.models.infer_pip_requirements("no-file", "sklearn", fallback=["x"]) == ["x"]
