"""A project in which every name and text that may be anything is a piece of HTML that runs code.

Run as a program in the project's folder. What it prints is JSON: what to open.
"""

import json
import subprocess
import sys
from pathlib import Path

import mlflow
import nbformat
import pandas as pd
import yaml
from PIL import Image
from sklearn.dummy import DummyClassifier

import mlnb
from mlnb.core import project


def evil(where: str) -> str:
    """Return a text that says where it was run, if it ever is."""
    return f"<img src=x onerror=\"window.pwned='{where}'\">{where}</script><b>"


SCRIPT = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20" onload="window.pwned=1">'
    "<script>window.pwned='svg'; top.pwned='svg'</script><rect width='40' height='20'/></svg>"
)


def datasets() -> None:
    """Save two versions, so that they can be compared."""
    first = pd.DataFrame(
        {evil("column"): [1, 2, 3], "carrier": [evil("value"), "AA", "javascript:window.pwned=1"]}
    )
    mlnb.datasets.save(first, "flights", message=evil("dataset message"), author=evil("author"))
    second = first.assign(**{evil("new column"): [0.5, 1.5, 2.5]})
    second.loc[0, "carrier"] = evil("changed value")
    mlnb.datasets.save(second, "flights", message=evil("second message"))


def runs() -> dict[str, str]:
    """Track one run that succeeded and one that failed."""
    drawing = Path("drawing.svg")
    drawing.write_text(SCRIPT, encoding="utf-8")
    page = Path("page.html")
    page.write_text(f"<script>window.pwned='page'</script>{evil('page')}", encoding="utf-8")
    tags = {"team": evil("tag")}
    with mlnb.track(evil("run"), tags=tags, note=evil("note")) as run:
        mlnb.datasets.load("flights")
        mlnb.log(
            params={"family": evil("param"), "link": "javascript:window.pwned=1"},
            figures={"hours": Image.new("RGB", (40, 20), "navy")},
            text={"notes.md": f"# {evil('text')}\n\n[click](javascript:window.pwned=1)"},
            tables={"rows": pd.DataFrame({evil("table column"): [evil("cell")]})},
            artifacts=[drawing, page],
        )
        for step, loss in enumerate((0.9, 0.5, 0.4)):
            mlnb.log(metrics={"loss": loss}, step=step)
        estimator = DummyClassifier().fit([[0.0], [1.0]], [0, 1])
        example = pd.DataFrame({"x": [0.0, 1.0]})
        mlnb.models.register(
            estimator,
            "late",
            example=example,
            metrics={"auc": 0.5},
            description=evil("model description"),
        )
    mlnb.models.promote("late@1", reason=evil("promotion"))
    try:
        with mlnb.track(evil("failed run")):
            raise ValueError(evil("error"))
    except ValueError:
        pass
    with mlnb.track("other"):
        mlnb.log(params={"family": evil("other param")}, metrics={"loss": 0.3})
    return {"run": run.id}


def strangers() -> None:
    """Write what others may have written into the shared stores."""
    mlflow.set_tracking_uri(project.current().settings.tracking_uri)
    client = mlflow.MlflowClient()
    client.create_registered_model(evil("model").replace("/", "|").replace(":", ";"))
    log = project.current().events
    step = evil("stranger's step")
    for kind, data in (
        ("pipeline.started", {"pipeline": evil("pipeline"), "steps": [{"name": step}]}),
        ("step.started", {"step": step}),
        ("step.finished", {"step": step, "status": "FAILED", "error": evil("step error")}),
        ("step.finished", {"step": step}),
        ("pipeline.finished", {"status": "FAILED", "error": evil("pipeline error")}),
        ("pipeline.started", {"steps": [step]}),
    ):
        log.emit(kind, "stranger", pipeline_run="stranger", **data)


def pipelines() -> dict[str, str]:
    """Run a pipeline whose notebook fails as badly as it can."""
    name = "x<img src=y onerror=window.pwned=1>.ipynb"
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "P", "language": "python"}
    text = evil("step error")
    notebook.cells = [
        nbformat.v4.new_code_cell('family = ""', metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(f"print({evil('output')!r})"),
        nbformat.v4.new_code_cell(f"raise ValueError({text!r})"),
    ]
    nbformat.write(notebook, name)
    steps = {"divide": {"notebook": name, "matrix": {"family": [evil("matrix"), "plain"]}}}
    spec = {"name": "nightly", "steps": steps}
    Path("pipeline.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "mlnb", "run", "pipeline.yaml"], check=False, stdout=sys.stderr
    )
    return {"pipeline": mlnb.pipelines.runs()[0].id}


def main() -> None:
    """Make all of it."""
    datasets()
    found = runs()
    mlnb.serving.deploy("late@1", "delays", reason=evil("release"))
    found |= pipelines()
    strangers()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
