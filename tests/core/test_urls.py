import pytest

from mlnb.core.urls import without_secrets


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://analyst:secret@host:5432/db", "postgresql://host:5432/db"),
        ("https://secret@host/mlflow", "https://host/mlflow"),
        ("s3://bucket/data?key=secret&signature=secret", "s3://bucket/data"),
        ("http://host#secret", "http://host"),
        ("sqlite:///.mlnb/mlflow.db", "sqlite:///.mlnb/mlflow.db"),
        ("file:///srv/store", "file:///srv/store"),
        (".mlnb/store", ".mlnb/store"),
        ("a name with an @", "a name with an @"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert without_secrets(url) == shown
