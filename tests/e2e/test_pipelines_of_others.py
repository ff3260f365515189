"""Pipelines and notebooks that other people wrote, as they are.

``ELYRA_EXAMPLES`` is a clone of https://github.com/elyra-ai/examples; ``HANDSON_ML3`` one of
https://github.com/ageron/handson-ml3 (Apache License 2.0), the notebooks of a book.
"""

import os
import shutil
from pathlib import Path

import pytest

from mlnb import pipelines
from mlnb.core import project as projects
from mlnb.core.errors import InvalidPipeline
from mlnb.core.hashing import digest_file
from mlnb.pipelines.planning import Plan

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

PLANNED = {
    "aa_bash_operator_example",
    "analyze_NOAA_weather_data",
    "hello-generic-world",
    "validate_python",
    "visualize_metrics",
}
REFUSED = {
    "aa_email_operator_example": "component of Apache Airflow",
    "aa_http_operator_example": "component of Apache Airflow",
    "aa_slack_api_post_operator_example": "component of Apache Airflow",
    "aa_spark_sql_operator_example": "component of Apache Airflow",
    "aa_spark_submit_operator_example": "component of Apache Airflow",
    "drop_even_rows": "component of Kubeflow Pipelines",
    "run_notebook_using_papermill": "component of Kubeflow Pipelines",
}
OFFLINE = ("validate_python", "aa_bash_operator_example", "visualize_metrics")
CHAPTERS = (
    "04_training_linear_models.ipynb",
    "extra_gradient_descent_comparison.ipynb",
    "tools_numpy.ipynb",
    "math_linear_algebra.ipynb",
)


def copied(variable: str, folder: Path) -> Path:
    """Return a project with a copy of the repository that a variable names."""
    source = os.environ.get(variable)
    if not source:
        pytest.skip(f"{variable} names no clone of the repository")
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns(".git", ".mlnb"))
    projects.init(folder, "of-others")
    return folder


def test_every_pipeline_of_elyras_examples_is_planned_or_refused_with_the_reason(
    tmp_path: Path,
) -> None:
    folder = copied("ELYRA_EXAMPLES", tmp_path / "examples")
    files = sorted(folder.rglob("*.pipeline"))
    plans: dict[str, Plan] = {}
    refused: dict[str, str] = {}
    for file in files:
        try:
            imported = pipelines.import_file(file)
            plans[file.stem] = pipelines.plan(file)
            assert imported.steps == plans[file.stem].steps
        except InvalidPipeline as error:
            refused[file.stem] = error.message
    assert set(plans) == PLANNED
    assert set(refused) == set(REFUSED)
    assert all(reason in refused[name] for name, reason in REFUSED.items())
    weather = {step.name: step.needs for step in plans["hello-generic-world"].steps}
    assert weather["Part-2-Data-Analysis"] == ["Load-weather-data", "Part-1-Data-Cleaning"]


@pytest.mark.parametrize("name", OFFLINE)
def test_pipelines_of_elyras_examples_that_need_no_network_run(tmp_path: Path, name: str) -> None:
    folder = copied("ELYRA_EXAMPLES", tmp_path / "examples")
    file = next(folder.rglob(f"{name}.pipeline"))
    run = pipelines.run(file)
    assert run.status == "FINISHED", run.error


def test_chapters_of_a_book_run_unmodified_as_steps(tmp_path: Path) -> None:
    folder = copied("HANDSON_ML3", tmp_path / "book")
    before = {name: digest_file(folder / name) for name in CHAPTERS}
    flow = pipelines.Builder("book")
    for name in CHAPTERS:
        flow.step(notebook=name)
    run = pipelines.run(flow.write(folder / "pipeline.yaml"))
    print([(step.name, step.cells_done, step.cells, step.status) for step in run.steps])
    assert run.status == "FINISHED", run.error
    assert all(step.cells_done == step.cells > 10 for step in run.steps)
    assert {name: digest_file(folder / name) for name in CHAPTERS} == before
