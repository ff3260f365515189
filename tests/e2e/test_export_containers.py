"""Exported pipelines in containers: Kubeflow's runner, Podman with the Job, GitLab's executor.

Slow and in need of root: run by `make test-containers`. No public image can be had, so the base
image is made of Debian's packages, and the project's by the Dockerfile that `mlnb ci init` writes.
"""

import json
import os
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from mlnb.pipelines import ci
from mlnb.pipelines.exporters import Options

from .exported import (
    HERE,
    SECRET,
    VALUES,
    Outcome,
    commit,
    exported,
    git,
    lower_the_bar,
    make_project,
    nowhere,
    program,
    run,
    with_consequences,
)

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(1800),
    pytest.mark.containers,
]
KFP = Path(sys.prefix) / "kfp" / "bin" / "python"
IMAGE = "mlnb-flights:1"
BASE = """\
FROM bookworm
RUN rm -f /usr/lib/python3*/EXTERNALLY-MANAGED && ln -s /usr/bin/python3 /usr/local/bin/python
COPY wheels /wheels
RUN pip install --no-cache-dir /wheels/*.whl
RUN printf '[global]\\nfind-links = /wheels\\n' > /etc/pip.conf
"""


@pytest.fixture(scope="module")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a Docker daemon of the tests' own, and return its address.

    TEST_DOCKER names one that is to be used instead and has the base image already.
    """
    if address := os.environ.get("TEST_DOCKER", ""):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", address)
            yield address
        return
    folder = tmp_path_factory.mktemp("docker")
    address = f"unix://{folder}/docker.sock"
    words = ["dockerd", "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec"]
    words += ["-p", f"{folder}/pid", "-H", address, "--default-ulimit", "nofile=4096:4096"]
    with (folder / "log").open("wb") as log, pytest.MonkeyPatch.context() as patch:
        daemon = subprocess.Popen(words, stdout=log, stderr=log)
        patch.setenv("DOCKER_HOST", address)
        for _ in range(120):
            if subprocess.run(["docker", "info"], capture_output=True).returncode == 0:
                break
            time.sleep(0.5)
        yield address
        daemon.terminate()
        daemon.wait(60)
        # it leaves a name of its network mounted there, and so the folder could not be removed
        subprocess.run(["umount", f"{folder}/exec/netns/default"], capture_output=True)


@pytest.fixture(scope="module")
def base(docker: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Make `python:3.11-slim` of Debian's packages, rsync and mlnb's wheel."""
    if "TEST_DOCKER" in os.environ:
        return
    folder = tmp_path_factory.mktemp("base")
    root = folder / "root"
    wanted = "python3,python3-pip,python3-venv,ca-certificates,rsync"
    done("debootstrap", "--variant=minbase", f"--include={wanted}", "bookworm", str(root))
    certificates = Path("/etc/ssl/certs/ca-certificates.crt")
    (root / certificates.relative_to("/")).write_bytes(certificates.read_bytes())
    done("sh", "-c", f"tar -C {root} -c . | docker import - bookworm")
    build = folder / "build"
    (build / "wheels").mkdir(parents=True)
    wheel = ("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(build / "wheels"))
    done(sys.executable, "-m", *wheel, str(HERE.parents[1]), SKIP_JUPYTER_BUILDER="1")
    (build / "Dockerfile").write_text(BASE)
    done("docker", "build", "--network", "host", "--tag", "python:3.11-slim", str(build))


@pytest.fixture(scope="module")
def project(base: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the project, with its image made by its own Dockerfile."""
    root = make_project(tmp_path_factory.mktemp("project") / "flights")
    ci.init(root / "pipeline.yaml", Options(target="gitlab"), force=True)
    assert run(program("hadolint"), "Dockerfile", at=root).text == ""
    commit(root)
    done("docker", "build", "--network", "host", "--tag", IMAGE, str(root))
    return root


def done(*words: str, **variables: str) -> None:
    made = subprocess.run(
        words, env={**os.environ, **variables}, capture_output=True, text=True, errors="replace"
    )
    assert made.returncode == 0, made.stdout[-2000:] + made.stderr[-2000:]


# -- Kubeflow ------------------------------------------------------------------------------------

RUNNER = """
import json, sys
from kfp import components, local
local.init(
    runner=local.DockerRunner(environment={"TOKEN": sys.argv[3]}),
    pipeline_root=sys.argv[2], raise_on_error=False,
)
components.load_component_from_file(sys.argv[1])(**json.loads(sys.argv[4]))
"""


def kubeflow(project: Path, out: Path, **parameters: object) -> Outcome:
    file = project / "flights.kfp.yaml"
    words = ("pipeline", "export", ".", "--to", "kfp", "--image", IMAGE)
    assert run(str(KFP), "-m", "mlnb", *words, at=project).code == 0
    out.mkdir()
    out.chmod(0o777)  # the image's user is not this one
    given = (str(file), str(out), SECRET, json.dumps(parameters))
    return run(str(KFP), "-c", RUNNER, *given, at=project)


def values_in(out: Path) -> dict[str, object]:
    """Return what the containers wrote by the contract: the parameter `values` of each task."""
    found = {}
    for file in out.rglob("executor_output.json"):
        body = json.loads(file.read_text())
        (notebook,) = (file.parent / "notebooks").iterdir()
        assert body["artifacts"]["notebooks"]["artifacts"][0]["metadata"]["status"] == "FINISHED"
        found[notebook.stem] = body["parameterValues"]["values"]
    return found


def test_kubeflow_components_come_to_the_same_values(project: Path, tmp_path: Path) -> None:
    ended = kubeflow(project, tmp_path / "out")
    assert "finished with status" in ended.text, ended.text
    skipped = tmp_path / "out"
    for file in list(skipped.rglob("executor_output.json")):
        if not any((file.parent / "notebooks").iterdir()):  # its condition was false
            assert json.loads(file.read_text())["parameterValues"]["values"] == {}
            file.unlink()
    names = {"train-logistic": "train[logistic]", "train-boosted-trees": "train[boosted trees]"}
    found = values_in(tmp_path / "out")
    assert {names.get(name, name): value for name, value in found.items()} == VALUES
    assert SECRET not in ended.text
    nowhere(SECRET, project / "flights.kfp.yaml", tmp_path / "out")


def test_kubeflow_stops_at_a_gate_that_fails(project: Path, tmp_path: Path) -> None:
    ended = kubeflow(project, tmp_path / "out", floor=0.9)
    assert "0.4156 is below 0.9" in ended.text
    assert "FAILURE" in ended.text
    assert not list((tmp_path / "out").rglob("release.ipynb"))


def test_kubeflow_ends_a_run_by_an_exit_handler_where_the_store_is_shared(tmp_path: Path) -> None:
    root = make_project(tmp_path / "flights")
    with_consequences(root)
    words = ("-m", "mlnb", "pipeline", "export", ".", "--to", "kfp", "--image", IMAGE)
    refused = run(str(KFP), *words, at=root)
    assert refused.code == 4
    assert "cannot express 'notify'" in refused.text
    assert "only in a store that is an address" in refused.text.replace("\n", " ")

    (root / "mlnb.toml").write_text('name = "flights"\nstore = "s3://bucket/mlnb"\n')
    assert run(str(KFP), *words, at=root).code == 0
    first = next(yaml.safe_load_all((root / "flights.kfp.yaml").read_text()))
    tasks = first["root"]["dag"]["tasks"]
    close = tasks["close"]
    assert close["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    container = first["deploymentSpec"]["executors"]["exec-close"]["container"]
    assert container["args"][:3] == ["pipeline", "close", "pipeline.yaml"]


# -- Kubernetes ----------------------------------------------------------------------------------

CONTAINERS = """\
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
"""


def podman(folder: Path, *words: str) -> Outcome:
    storage = ("--root", f"{folder}/root", "--runroot", f"{folder}/run")
    configuration = str(folder / "containers.conf")
    return run("podman", *storage, *words, at=folder, CONTAINERS_CONF=configuration)


@pytest.fixture(scope="module")
def pods(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder for Podman, with the project's image and its Secret."""
    folder = tmp_path_factory.mktemp("podman")
    (folder / "containers.conf").write_text(CONTAINERS)
    archive, secret = folder / "image.tar", folder / "secret.json"
    done("docker", "save", "--output", str(archive), IMAGE)
    assert podman(folder, "load", "--input", str(archive)).code == 0
    encoded = b64encode(SECRET.encode()).decode()
    secret.write_text(json.dumps({"TOKEN": encoded}))
    assert podman(folder, "secret", "create", "flights", str(secret)).code == 0
    yield folder
    podman(folder, "pod", "rm", "--all", "--force")


def played(project: Path, pods: Path, name: str, **parameters: str) -> Outcome:
    """Play the Pod of the exported Job; Podman 4 knows no Jobs."""
    file = exported(project, "kubernetes", image=f"localhost/{IMAGE}")
    assert run(program("kubernetes-validate"), "--strict", str(file), at=project).code == 0
    template = yaml.safe_load(file.read_text())["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, **template}
    pod["metadata"] = {"name": name, "labels": template["metadata"]["labels"]}
    for container in (*pod["spec"]["initContainers"], *pod["spec"]["containers"]):
        for variable in container["env"]:
            if (given := parameters.get(variable["name"])) is not None:
                variable["value"] = given
    (pods / f"{name}.yaml").write_text(yaml.safe_dump(pod))
    return podman(pods, "play", "kube", "--network=none", f"{name}.yaml")


def test_the_pod_of_the_job_runs_its_steps_in_order(project: Path, pods: Path) -> None:
    ended = played(project, pods, "passing")
    assert ended.code == 0, ended.text
    assert podman(pods, "wait", "passing-release").text.strip().endswith("0")
    assert "released=0.4156" in podman(pods, "logs", "passing-release").text


def test_the_pod_fails_with_the_gate(project: Path, pods: Path) -> None:
    ended = played(project, pods, "failing", PARAM_FLOOR="0.9")
    assert ended.code != 0
    assert "exited with code 1" in ended.text
    assert "0.4156 is below 0.9" in podman(pods, "logs", "failing-gate").text
    states = podman(pods, "ps", "--all", "--format", "{{.Names}} {{.Status}}").text
    assert "failing-release Created" in states  # never started


# -- GitLab --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("floor", "code"), [(0.4, 0), (0.9, 1)])
def test_gitlab_runs_jobs_in_the_image(
    project: Path, tmp_path: Path, floor: float, code: int
) -> None:
    clone = tmp_path / "clone"
    git(project.parent, "clone", "--quiet", str(project), str(clone))
    git(clone, "remote", "set-head", "origin", "main")
    lower_the_bar(clone, floor)
    exported(clone, "gitlab", image=IMAGE)
    words = ["--pull-policy", "if-not-present", "--helper-image", "python:3.11-slim"]
    ended = run(program("gitlab-ci-local"), *words, "--variable", f"TOKEN={SECRET}", at=clone)
    assert ended.code == code, ended.text
    assert (" FAIL  gate" in ended.text) == bool(code)
    assert ended.text.count(" PASS ") == (3 if code else 7)
