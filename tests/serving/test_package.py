"""What a release consists of: recorded once, read back, and by older formats, too."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlnb.core.errors import UnknownName
from mlnb.core.project import Project
from mlnb.serving import image, sbom
from mlnb.serving import package as packages
from mlnb.serving.package import Manifest, facts_of, package
from mlnb.serving.targets.docker import DockerState
from mlnb.tracking.approvals import TypeApproval

FORMATS = Path(__file__).parent / "formats"


@pytest.mark.parametrize("kind", [Manifest, TypeApproval, DockerState])
def test_what_format_1_wrote_is_read(kind: Any) -> None:
    stored = json.loads((FORMATS / f"{kind.__name__}-1.json").read_text())
    read = kind.from_dict(stored)
    assert {key: read.to_dict()[key] for key in stored} == stored


def test_a_package_names_all_that_belongs_to_it(here: Project) -> None:
    chosen = package("late@1")
    made = chosen.manifest
    assert (made.model, made.digest) == ("late@1", chosen.version.digest)
    assert [column.name for column in made.inputs] == ["distance", "hour", "carrier"]
    assert any(re.fullmatch(r"scikit-learn==[0-9.]+", line) for line in made.packages)
    assert re.fullmatch(r"3\.\d+", made.python)
    assert made.run == chosen.version.run
    assert made.key == package("late@1").manifest.key != package("late@2").manifest.key
    key = packages.record(chosen)
    assert packages.record(chosen) == key
    assert replace(packages.recorded(key), engine="", compared="") == made  # if it was deployed
    with pytest.raises(UnknownName, match="no package 'other'"):
        packages.recorded("other")


def test_a_description_has_a_row_and_what_is_predicted(here: Project, tmp_path: Path) -> None:
    facts = facts_of(package("late@1").files)
    assert set(facts["example"]) == {"distance", "hour", "carrier"}
    assert facts["prediction_datatype"] == "INT64"
    (tmp_path / "MLmodel").write_text("]")
    assert facts_of(tmp_path) == {}


def test_an_image_is_made_of_the_package_and_of_nothing_else(here: Project, tmp_path: Path) -> None:
    chosen = package("late@1")
    image.write_context(tmp_path, chosen, "late", base="registry.example.org/python:slim")
    found = sorted(path.name for path in tmp_path.iterdir())
    assert found == ["Dockerfile", "engine", "mlnb", "model", "release.json", "requirements.txt"]
    written = (tmp_path / "Dockerfile").read_text()
    assert written.startswith("ARG BASE=registry.example.org/python:slim\n")
    assert "USER 10001:10001" in written
    release = json.loads((tmp_path / "release.json").read_text())
    assert release["package"] == chosen.manifest.to_dict()
    told = written + json.dumps(release)
    assert str(here.root) not in told
    assert str(Path.home()) not in told
    assert not list((tmp_path / "mlnb").rglob("__pycache__"))
    lines = (tmp_path / "requirements.txt").read_text().splitlines()
    names = [line.partition("==")[0] for line in lines]
    assert "scikit-learn" in names
    assert "mlflow" not in names
    assert image.tag_of(chosen, "late") != image.tag_of(package("late@2"), "late")


def test_a_bill_of_materials_names_every_package() -> None:
    made = sbom.bill("late", "1")
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.5")
    found = {item["name"].lower(): item for item in made["components"]}
    assert found["numpy"]["purl"] == f"pkg:pypi/numpy@{found['numpy']['version']}"
    assert found["python"]["type"] == "platform"
