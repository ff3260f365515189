"""Releases as containers, on a real daemon: the target's contract, an image and its registry."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest

from mlnb import models, serving
from mlnb.core import project as projects
from mlnb.core.project import Project
from mlnb.serving import docker as images
from mlnb.serving import image
from mlnb.serving.package import Package, package
from mlnb.serving.targets.docker import DockerTarget
from mlnb.testing.targets import TargetContract

from .docker_host import daemon, docker, free_port, python_image, registry

pytestmark = [pytest.mark.e2e, pytest.mark.containers, pytest.mark.timeout(900)]

HOMEMADE = """
from sklearn.linear_model import LogisticRegression


class Homemade(LogisticRegression):
    '''Importable where it was trained, and in no image.'''
"""


def flights(rows: int = 200) -> pd.DataFrame:
    random = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "distance": random.uniform(100, 3000, rows),
            "hour": random.integers(0, 24, rows),
            "carrier": random.choice(["AA", "UA", "WN"], rows),
        }
    )


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("docker")
    with daemon(folder) as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", address)
        python_image()
        yield


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Register real models in a project once."""
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    modules = tmp_path_factory.mktemp("modules")
    (modules / "mlnb_homemade_e2e.py").write_text(HOMEMADE)
    sys.path.insert(0, str(modules))
    project = projects.init(tmp_path_factory.mktemp("docker-serving") / "project", "containers")
    with projects.using(project):
        frame = flights()
        for above in (12, 18):
            columns = make_column_transformer(
                (OneHotEncoder(handle_unknown="ignore"), ["carrier"]), remainder="passthrough"
            )
            model = make_pipeline(columns, LogisticRegression(max_iter=2000))
            label = (frame["hour"] > above).astype(int)
            models.register(model.fit(frame, label), "late", example=frame)
        from mlnb_homemade_e2e import Homemade

        numbers = frame[["distance", "hour"]]
        own = Homemade(max_iter=2000).fit(numbers, frame["hour"] > 12)
        models.register(own, "homemade", example=numbers, trusted=["mlnb_homemade_e2e.Homemade"])
    yield project
    sys.path.remove(str(modules))


@pytest.fixture
def here(registered: Project, host: None, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(registered.root)
    return registered


@pytest.fixture
def target(here: Project) -> Iterator[DockerTarget]:
    made = DockerTarget()
    yield made
    for name in made.names():
        made.stop(name)
        (here.local / "docker" / f"{name}.json").unlink()


@pytest.fixture
def first(here: Project) -> Package:
    return package("late@1")


class TestContract(TargetContract):
    @pytest.fixture
    def second(self, here: Project) -> Package:
        return package("late@2")

    @pytest.fixture
    def broken(self, here: Project) -> Package:
        return package("homemade@1")  # its type is not importable in the image

    @pytest.fixture
    def body(self) -> dict[str, Any]:
        return {"dataframe_records": [{"distance": 800.0, "hour": 20, "carrier": "AA"}]}


@pytest.fixture
def anonymous(first: Package, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Push an image, forget it here, pull it and run it as anybody would; no token."""
    made = images.build(first, "late")
    with registry(tmp_path) as address:
        exact = images.push(made, f"{address}/team/late:1")
        docker("rmi", "--force", made, f"{address}/team/late:1", exact)
        docker("pull", "-q", exact)
        copied = ["skopeo", "inspect", "--tls-verify=false", f"docker://{address}/team/late:1"]
        seen = json.loads(subprocess.run(copied, check=True, capture_output=True).stdout)
        assert seen["Labels"]["mlnb.model"] == "late@1"
        assert seen["Labels"]["mlnb.digest"] == first.version.digest
        port = free_port()
        container = docker(
            *("run", "--detach", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL"),
            *(f"--publish=127.0.0.1:{port}:8080", exact, "serve"),
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/ping", container)
            yield f"http://127.0.0.1:{port}", container
        finally:
            docker("rm", "--force", container)
            docker("rmi", "--force", exact)


def wait_for(url: str, container: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, trust_env=False, timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    pytest.fail(f"it does not answer: {docker('logs', container)}")


def test_an_image_from_a_registry_predicts_what_the_notebook_predicts(
    anonymous: tuple[str, str], first: Package
) -> None:
    """MLflow's own client, what SageMaker asks, and each of the image's promises."""
    url, container = anonymous
    frame = flights(50)
    wanted = models.load("late@1").predict(frame)
    check_mlflow(url, frame, wanted)
    check_sagemaker(url, frame, wanted)
    check_image(container, first)
    began = time.monotonic()
    docker("stop", container)
    assert time.monotonic() - began < 9, "it does not end when it is told to"
    assert docker("inspect", "--format", "{{.State.ExitCode}}", container) == "0"


def check_mlflow(url: str, frame: pd.DataFrame, wanted: Any) -> None:
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

    host, _, port = url.removeprefix("http://").partition(":")
    client = ScoringServerClient(host, int(port))
    client.ping()
    assert client.get_version() == docker_free_mlflow()
    answered = client.invoke(frame).get_predictions()
    assert np.array_equal(np.asarray(answered).ravel(), wanted)


def docker_free_mlflow() -> str:
    import mlflow

    return str(mlflow.__version__)


def check_sagemaker(url: str, frame: pd.DataFrame, wanted: Any) -> None:
    began = time.monotonic()
    assert httpx.get(f"{url}/ping", trust_env=False).status_code == 200
    assert time.monotonic() - began < 2
    parameters = httpx.get(f"{url}/execution-parameters", trust_env=False).json()
    assert parameters["BatchStrategy"] == "MULTI_RECORD"
    for media, body in (
        ("text/csv", frame.to_csv(index=False)),
        ("application/json", json.dumps({"instances": frame.to_dict("records")})),
    ):
        answer = httpx.post(
            f"{url}/invocations", content=body, headers={"Content-Type": media}, trust_env=False
        )
        assert np.array_equal(answer.json()["predictions"], wanted)


def check_image(container: str, chosen: Package) -> None:
    assert docker("exec", container, "id", "-u") == "10001"
    bill = json.loads(docker("exec", container, "cat", "/opt/mlnb/sbom.cdx.json"))
    assert bill["bomFormat"] == "CycloneDX"
    packages = {item["name"].lower(): item["version"] for item in bill["components"]}
    assert packages["scikit-learn"] == __import__("sklearn").__version__
    assert "mlflow" not in packages
    assert "pip" not in packages
    deadline = time.monotonic() + 60
    while docker("inspect", "--format", "{{.State.Health.Status}}", container) != "healthy":
        assert time.monotonic() < deadline, "its health check does not pass"
        time.sleep(0.5)
    release = json.loads(docker("exec", container, "cat", "/opt/mlnb/release.json"))
    assert release["package"] == chosen.manifest.to_dict()
    assert str(Path.home()) not in json.dumps(release)
    seen = json.loads(docker("inspect", container))[0]["Config"]
    assert seen["User"] == "10001:10001"


def test_the_dockerfile_has_nothing_that_hadolint_dislikes(here: Project, tmp_path: Path) -> None:
    image.write_context(tmp_path, package("late@1"), "late")
    program = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([program, tmp_path / "Dockerfile"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_what_an_endpoint_in_a_container_answered_is_read_as_ever(
    target: DockerTarget, first: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    with target.prepare("logged", first, workers=2) as candidate:
        candidate.serve(1)
    address = target.address("logged")
    frame = flights(20)
    found = serving.Endpoint("logged", address.url, address.token).predict(frame, ids=range(20))
    assert np.array_equal(found["prediction"], models.load("late@1").predict(frame))
    logged = serving.predictions("logged")
    assert sorted(map(int, logged["id"])) == list(range(20))
    shown = docker("ps", "--format", "{{.Command}} {{.Ports}}") + target.logs("logged", 100)
    assert address.token not in shown
    running = docker("ps", "-q", "--filter", "label=mlnb.pod")
    assert running
