import re
from pathlib import Path
from typing import Any

import jsonschema

from mlnb.pipelines import spec
from mlnb.pipelines.spec import schema

GUIDE = Path(__file__).parents[3] / "docs" / "guide" / "pipelines.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.M | re.S)


def test_the_file_in_the_guide_is_one() -> None:
    text = next(block for block in blocks("yaml") if "\nsteps:" in block)
    pipeline = spec.parse(text, "guide")
    assert spec.needs(pipeline)["features"] == ["ingest"]
    jsonschema.validate(spec.parse_mapping(text, "guide"), schema.schema())


def test_the_builder_in_the_guide_builds() -> None:
    text = next(block for block in blocks("python") if "Builder" in block)
    names: dict[str, Any] = {}
    exec(text.replace('flow.write("pipeline.yaml")', "made = flow.build()"), names)  # noqa: S102
    assert names["made"].steps["release"].needs == ["train"]


def test_every_key_is_in_the_guide() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    for model in (spec.Pipeline, spec.Step, spec.Parameter, spec.Retries, spec.Matrix):
        for key in model.model_fields:
            if key not in ("name", "description", "steps"):
                assert re.search(rf"[`{{, ]{key}\b", guide), f"{model.__name__}.{key}"
