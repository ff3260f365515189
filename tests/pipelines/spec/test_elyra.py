import json
from pathlib import Path
from typing import Any

import pytest

from mlnb.core.errors import InvalidPipeline
from mlnb.pipelines import spec
from mlnb.pipelines.spec import Pipeline


def node(
    name: str, *needs: str, op: str = "execute-notebook-node", label: str = "", **given: Any
) -> dict[str, Any]:
    """Make a node as Elyra writes it."""
    return {
        "id": name,
        "type": "execution_node",
        "op": op,
        "app_data": {
            "component_parameters": given,
            "label": label,
            "ui_data": {"label": label or given.get("filename", ""), "x_pos": 1.5},
        },
        "inputs": [
            {
                "id": "inPort",
                "links": [{"id": f"{need}-{name}", "node_id_ref": need} for need in needs],
            }
        ],
        "outputs": [{"id": "outPort"}],
    }


COMMENT = {"id": "c", "content": "as shown", "associated_id_refs": [{"node_ref": "a"}]}


def document(*nodes: dict[str, Any], version: int = 8, **properties: Any) -> dict[str, Any]:
    """Make a file as Elyra writes it."""
    return {
        "doc_type": "pipeline",
        "version": "3.0",
        "id": "elyra-auto-generated-pipeline",
        "primary_pipeline": "primary",
        "pipelines": [
            {
                "id": "primary",
                "nodes": list(nodes),
                "app_data": {
                    "ui_data": {"comments": [COMMENT]},
                    "version": version,
                    "properties": {"name": "weather", "runtime": "Generic", **properties},
                },
                "runtime_ref": "",
            }
        ],
        "schemas": [],
    }


def read(folder: Path, body: Any) -> Pipeline:
    file = folder / "weather.pipeline"
    file.write_text(json.dumps(body), encoding="utf-8")
    return spec.load(file)


def test_nodes_become_steps_and_hand_on_their_outputs(tmp_path: Path) -> None:
    made = read(
        tmp_path,
        document(
            node(
                "a",
                filename="load_data.ipynb",
                outputs=["data/raw.csv"],
                env_vars=["URL=https://x.y/z?a=b", "TOKEN="],
                runtime_image="pandas:1",
                cpu=2,
                memory=4,
                gpu=None,
            ),
            node(
                "b", "a", label="Part 1 - Cleaning", filename="clean.ipynb", outputs=["clean.csv"]
            ),
            node(
                "c",
                "b",
                op="execute-python-node",
                filename="parts/model.py",
                dependencies=["*.json", "deep/x.py"],
                include_subdirectories=True,
                outputs=["model.bin"],
            ),
            node("d", "b", filename="clean.ipynb"),
            description="Two lines.\nOf it.",
        ),
    )
    assert (made.name, made.description) == ("weather", "Two lines.\nOf it.")
    assert list(made.steps) == ["load_data", "Part-1-Cleaning", "model", "clean"]
    load = made.steps["load_data"]
    assert load.env == {"URL": "https://x.y/z?a=b"}
    assert load.resources == {"cpus": 2, "memory": 4e9}
    assert made.steps["Part-1-Cleaning"].inputs == ["data/raw.csv"]
    model = made.steps["model"]
    assert (model.kind, model.script, model.needs) == (
        "script",
        "parts/model.py",
        ["Part-1-Cleaning"],
    )
    assert (model.cwd, load.cwd) == ("parts", None), "where Elyra runs them"
    assert model.inputs == ["parts/**/*.json", "parts/deep/x.py", "data/raw.csv", "clean.csv"]
    assert model.outputs == ["parts/model.bin"]
    assert made.steps["clean"].inputs == ["data/raw.csv", "clean.csv"]


def test_parameters_defaults_and_secrets(tmp_path: Path) -> None:
    made = read(
        tmp_path,
        document(
            node(
                "a",
                filename="a.ipynb",
                env_vars=[{"env_var": "MODE", "value": "fast"}],
                pipeline_parameters=["year"],
                kubernetes_secrets=[{"env_var": "KEY", "name": "s", "key": "k"}],
            ),
            pipeline_defaults={
                "env_vars": [{"env_var": "MODE", "value": "slow"}, {"env_var": "B", "value": "1"}],
                "kubernetes_secrets": [{"env_var": "KEY", "name": "s", "key": "k"}],
            },
            pipeline_parameters=[
                {
                    "name": "year",
                    "description": "whose",
                    "default_value": {"type": "Integer", "value": 2013},
                    "required": False,
                },
                {"name": "region", "default_value": {"type": "String"}, "required": True},
            ],
        ),
    )
    step = made.steps["a"]
    assert step.env == {"MODE": "fast", "B": "1", "year": "${{ params.year }}"}
    assert step.secrets == ["KEY"]
    assert made.params["year"].default == 2013
    assert made.params["year"].help == "whose"
    assert made.params["region"].required


def test_a_file_of_the_first_versions_is_read(tmp_path: Path) -> None:
    body = document(node("a"))
    flow = body["pipelines"][0]
    flow["app_data"] = {"version": 1, "title": "old", "name": "old"}
    flow["nodes"][0]["app_data"] = {
        "filename": "a.ipynb",
        "env_vars": ["A=1"],
        "outputs": [],
        "ui_data": {"label": "a.ipynb"},
    }
    made = read(tmp_path, body)
    assert made.name == "old"
    assert made.steps["a"].notebook == "a.ipynb"
    assert made.steps["a"].env == {"A": "1"}


def test_airflows_bash_operator_is_a_call_of_its_command(tmp_path: Path) -> None:
    made = read(
        tmp_path,
        document(
            node(
                "a",
                op="bash-operator_BashOperator",
                label="Say it",
                bash_command="echo $WORD",
                env='{"WORD": "hello"}',
            )
        ),
    )
    step = made.steps["Say-it"]
    assert step.function == "mlnb.pipelines.shell:run"
    assert step.params == {"command": "echo $WORD"}
    assert step.env == {"WORD": "hello"}


def supernode() -> dict[str, Any]:
    return node("a", label="Group") | {"type": "super_node"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "weather.pipeline is no pipeline of Elyra"),
        ({"pipelines": [], "primary_pipeline": "x"}, "has no primary pipeline 'x'"),
        (document(), "weather.pipeline has no node. Add a notebook to it"),
        (document(node("a", op="execute-r-node", filename="a.r")), "'a.r' runs R (execute-r-node)"),
        (
            document(node("a", op="kfp:123", label="Download"), runtime="Kubeflow Pipelines"),
            "the node 'Download' is a component of Kubeflow Pipelines (kfp:123), which mlnb does",
        ),
        (document(supernode()), "'Group' is a super node. Expand it"),
        (document(node("a", label="x")), "the node 'x' names no file"),
        (
            document(node("a", filename="a.ipynb", env_vars=["A B=1"])),
            "'A B=1' is no environment variable",
        ),
        (
            document(node("a", op="x_BashOperator", bash_command="ls", env="{")),
            "is no JSON object",
        ),
        (
            document(node("a", "b", filename="a.ipynb"), node("b", "a", filename="b.ipynb")),
            "need each other in a circle",
        ),
    ],
)
def test_what_cannot_run_here_is_one_clear_error(tmp_path: Path, body: Any, message: str) -> None:
    with pytest.raises(InvalidPipeline) as caught:
        read(tmp_path, body)
    assert message in str(caught.value)


def test_a_file_that_is_no_json_is_said(tmp_path: Path) -> None:
    file = tmp_path / "a.pipeline"
    file.write_text("{", encoding="utf-8")
    with pytest.raises(InvalidPipeline, match=r"a\.pipeline cannot be read as Elyra's"):
        spec.load(file)
