"""The public API is an exact list."""

import pytest

import mlnb


def test_the_names_are_exactly_these() -> None:
    assert sorted(mlnb.__all__) == [
        "MlnbError",
        "Secret",
        "__version__",
        "datasets",
        "glue",
        "inputs",
        "log",
        "models",
        "monitoring",
        "pipelines",
        "serving",
        "sharing",
        "track",
        "tracking",
        "validation",
    ]
    assert dir(mlnb) == sorted(mlnb.__all__)


@pytest.mark.parametrize("name", mlnb.__all__)
def test_every_name_can_be_had(name: str) -> None:
    assert getattr(mlnb, name) is not None


def test_every_name_of_the_packages_can_be_had() -> None:
    for package in ("datasets", "tracking", "pipelines", "serving", "validation", "monitoring"):
        module = getattr(mlnb, package)
        assert module.__all__, package
        for name in module.__all__:
            assert getattr(module, name) is not None, f"{package}.{name}"


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'dataset'"):
        mlnb.dataset  # noqa: B018  (the access is the test)


def test_the_version_is_the_extensions() -> None:
    import json
    from pathlib import Path

    package = Path(__file__).parents[1] / "extension" / "package.json"
    assert mlnb.__version__ == json.loads(package.read_text(encoding="utf-8"))["version"]
