import json
from pathlib import Path

import pytest

from mlnb.core.errors import Conflict, InvalidPipeline, MissingNotebook, UnknownName
from mlnb.core.project import Project
from mlnb.pipelines import spec
from mlnb.pipelines.importing import import_file
from mlnb.testing.notebooks import write_notebook


@pytest.fixture
def source(project: Project) -> Path:
    """Make a pipeline of Elyra with two notebooks."""
    for name in ("load.ipynb", "clean it.ipynb"):
        write_notebook(project.root / "flow" / name, "1")
    nodes = [
        {
            "id": name,
            "type": "execution_node",
            "op": "execute-notebook-node",
            "app_data": {"component_parameters": {"filename": f"{name}.ipynb", "outputs": made}},
            "inputs": [{"links": [{"node_id_ref": need} for need in needs]}],
        }
        for name, needs, made in (("load", [], ["raw.csv"]), ("clean it", ["load"], []))
    ]
    flow = {"id": "p", "nodes": nodes, "app_data": {"properties": {"name": "weather"}}}
    file = project.root / "flow" / "weather.pipeline"
    file.write_text(json.dumps({"primary_pipeline": "p", "pipelines": [flow]}))
    return file


def test_a_pipeline_of_elyra_is_planned_as_it_is_and_as_the_file_written_of_it(
    source: Path,
) -> None:
    from mlnb.pipelines import plan

    before = source.read_bytes()
    planned = import_file(source)
    written = source.parent / "pipeline.yaml"
    assert planned == plan(written)
    assert planned.path == "flow/pipeline.yaml"
    assert [step.notebook for step in planned.steps] == ["flow/load.ipynb", "flow/clean it.ipynb"]
    assert planned.steps[1].needs == ["load"]
    assert planned.steps == plan(source).steps
    assert spec.load(written) == spec.load(source)
    assert written.read_text().startswith("# Imported from weather.pipeline.\nname: weather\n")
    assert source.read_bytes() == before


def test_a_file_that_is_there_is_replaced_only_by_force(source: Path) -> None:
    target = source.with_name("pipeline.yaml")
    target.write_text("mine")
    with pytest.raises(Conflict, match="Replace it with --force"):
        import_file(source)
    assert target.read_text() == "mine"
    import_file(source, force=True)
    assert spec.load(target).name == "weather"
    import_file(source, target.with_name("other.yaml"))
    assert spec.load(target.with_name("other.yaml")).name == "weather"


def test_nothing_is_written_when_something_is_wrong(source: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidPipeline, match="in another folder"):
        import_file(source, tmp_path / "p.yaml")
    (source.parent / "load.ipynb").unlink()
    with pytest.raises(MissingNotebook, match="Step 'load'"):
        import_file(source)
    with pytest.raises(UnknownName, match=r"Did you mean '.*weather\.pipeline'"):
        import_file(source.with_name("wether.pipeline"))
    with pytest.raises(InvalidPipeline, match="no pipeline of another tool"):
        import_file(source.parent / "clean it.ipynb")
    assert not source.with_name("pipeline.yaml").exists()
