"""Model cards say what is recorded, and name what is not."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from mlnb import datasets, models, monitoring, serving, tracking, validation
from mlnb.core import project as projects
from mlnb.core.errors import EXIT_USAGE, UnknownName
from mlnb.core.project import Project
from mlnb.sharing import card
from mlnb.testing.shell import raising_shell
from mlnb.ui.cli import main

SUITE = {
    "name": "gate",
    "label": "late",
    "positive": 1,
    "resamples": 200,
    "limits": {"roc_auc": {"min": 0.6}},
    "champion": {"metric": "roc_auc", "margin": 0.01},
    "fairness": {
        "slice": "origin",
        "metric": "selection_rate",
        "max_difference": 0.5,
        "min_rows": 10,
    },
}


def flights(seed: int, shift: float = 0.0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"rain": random.normal(size=600) + shift, "origin": random.choice(["EWR", "LGA"], 600)}
    )
    return frame.assign(late=(frame["rain"] + random.normal(size=600) > shift).astype(int))


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A model with a whole life, and one that was only registered."""
    project = projects.init(tmp_path_factory.mktemp("cards") / "project", "cards")
    with projects.using(project):
        train = flights(1)
        datasets.save(train, "train", message="winter | all <airports>")
        datasets.save(flights(2), "test")
        model = LogisticRegression().fit(train[["rain"]], train["late"])
        with tracking.track("winter model"):
            tracking.log(params={"strength": 1.0})
            example = train[["rain"]].head(9)
            models.register(
                model, "late", example=example, data=["train"], description="Late | or not"
            )
        validation.run(SUITE, "late@1", "test")
        models.promote("late@1", reason="first model")
        serving.deploy("late@1", "arrivals", reason="go live")
        try:
            serving.endpoint("arrivals").predict(
                flights(3, shift=2.0)[["rain"]], times=["2013-06-01"] * 600
            )
            monitoring.report("arrivals")
        finally:
            serving.stop("arrivals")
        models.register(model, "bare", data=[])
        yield project


@pytest.fixture(autouse=True)
def here(lived: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(lived.root)
    return lived


def test_every_recorded_fact_is_there() -> None:
    text = card("late@champion")
    version = models.resolve("late@1")
    verdict = validation.latest("late@1")
    assert verdict is not None
    for fact in (
        "# Model card: late@1",
        "| Description | Late \\| or not |",
        "| Aliases | champion |",
        "| Gate | passed |",
        f"`{version.digest}`",
        "winter model",
        "| Parameter strength | 1.0 |",
        "| rain | double |",
        "- train@1: winter \\| all &lt;airports> (600 rows, 3 columns",
        "- test@1 (600 rows",
        f"| roc_auc | {verdict.metrics['roc_auc']:.4f} |",
        verdict.id,
        "The positive class is 1.",
        "| skipped | there is no champion yet |",
        "selection_rate by origin",
        "promote of late@1 to champion",
        "first model",
        "| arrivals | 1 | deploy |",
        "| arrivals | 2013-06 | drift |",
    ):
        assert fact in text, fact
    assert "no record for: Intended use, Ethical considerations." in text


def test_nothing_is_invented_for_a_bare_model() -> None:
    text = card("bare")
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# Model card: bare@1",
        "## Model details",
        "## Not recorded",
    ]
    assert "Training data, Evaluation data, Metrics and quantitative analyses" in text
    assert "| Gate | no verdict |" in text


def test_every_row_of_a_table_has_the_header_s_cells() -> None:
    header = 0
    for line in card("late@1").splitlines():
        if not line.startswith("|"):
            header = 0
            continue
        cells = line.replace("\\|", "").count("|")
        assert header in (0, cells), line
        header = cells


def test_the_command_prints_or_writes_it(capsys: pytest.CaptureFixture[str], here: Project) -> None:
    assert main(["model", "card", "late@1"]) == 0
    assert capsys.readouterr().out == card("late@1")
    assert main(["model", "card", "late@1", "--out", "card.md"]) == 0
    assert (here.root / "card.md").read_text() == card("late@1")
    assert "card.md" in capsys.readouterr().out


def test_a_notebook_shows_it_rendered() -> None:
    with raising_shell() as shell:
        shown = shell.run_cell("%model card late@1").result
        data, _ = shell.display_formatter.format(shown)
    assert data["text/markdown"] == card("late@1")


def test_an_unknown_model_writes_nothing(capsys: pytest.CaptureFixture[str], here: Project) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'late'"):
        card("laet@1")
    assert main(["model", "card", "late@9", "--out", "no.md"]) == EXIT_USAGE
    assert "late@9" in capsys.readouterr().err
    assert not (here.root / "no.md").exists()
