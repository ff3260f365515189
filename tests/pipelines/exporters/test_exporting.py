"""Which files an export writes, what is in them, and what it refuses to write."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlnb.core.errors import BadInput, Conflict, InvalidParameter, MissingExtra
from mlnb.core.project import Project
from mlnb.pipelines.exporters import TARGETS, Options, export, headers, render
from mlnb.testing.notebooks import write_notebook

Write = Callable[..., Path]
WRITTEN = [target for target in TARGETS if target != "kfp"]  # which needs Kubeflow's SDK
PLAIN = "steps: {a: {notebook: a.ipynb}}"


@pytest.fixture
def write(project: Project) -> Write:
    """Return what writes a pipeline of notebooks `a`, `b` and `c`."""
    for name in "abc":
        write_notebook(project.root / f"{name}.ipynb", "1", parameters="x: int = 1")

    def written(text: str) -> Path:
        file = project.root / "pipeline.yaml"
        file.write_text(f"name: flights\n{text}\n", encoding="utf-8")
        return file

    return written


def options(target: str, **more: Any) -> Options:
    image = {"image": "registry/flights:1"} if target in {"kubernetes", "kfp"} else {}
    return Options(target=target, **{**image, **more})


def text_of(file: Path, target: str, **more: Any) -> str:
    return render(file, options(target, **more))[1]


def body_of(file: Path, target: str, **more: Any) -> Any:
    return yaml.load(text_of(file, target, **more), Loader=yaml.BaseLoader)  # noqa: S506 (as text)


@pytest.mark.parametrize("target", WRITTEN)
def test_the_first_line_names_the_command_and_the_text_is_always_the_same(
    write: Write, target: str
) -> None:
    file = write(PLAIN)
    text = text_of(file, target)
    assert text == text_of(file, target)
    assert f"Made by: mlnb pipeline export pipeline.yaml --to {target}" in text.splitlines()[0]
    origin = headers.origin(text)
    assert origin is not None
    assert (origin.file, origin.options, origin.init) == ("pipeline.yaml", options(target), False)


@pytest.mark.parametrize("target", WRITTEN)
def test_secrets_are_named_and_their_values_nowhere(
    write: Write, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "hush-3141")
    text = text_of(write("steps: {a: {notebook: a.ipynb, secrets: [TOKEN]}}"), target)
    assert "TOKEN" in text
    assert "hush-3141" not in text


REFUSED = {
    "limits": ("limits: {gpu: 1}", ["github", "gitlab", "jenkins", "kfp"]),
    "notify": ("notify: {on: failure, command: mail}", ["kfp", "dvc", "kubernetes"]),
    "on_failure": ("on_failure: {notebook: b.ipynb}", ["kfp", "dvc", "kubernetes"]),
    "schedule": ("schedule: 0 6 * * *", ["gitlab", "kfp", "dvc"]),
    "schedule-timezone": (
        "schedule: {cron: 0 6 * * *, timezone: Europe/Berlin}",
        ["github"],
    ),
    "trigger_rule": (
        "steps: {a: {notebook: a.ipynb}, b: {notebook: b.ipynb, needs: a, trigger_rule: all_done}}",
        ["kfp", "dvc", "kubernetes"],
    ),
    "resources": (
        "steps: {a: {notebook: a.ipynb, resources: {gpu: 1}}}",
        ["github", "gitlab", "jenkins"],
    ),
    "max_parallel": (
        "steps: {a: {notebook: a.ipynb, matrix: {x: [1, 2], max_parallel: 1}}}",
        ["gitlab", "jenkins"],
    ),
    "foreach": (
        "steps: {a: {notebook: a.ipynb}, "
        "b: {notebook: b.ipynb, needs: a, foreach: {x: '${{ steps.a.v }}'}}}",
        TARGETS,
    ),
}


@pytest.mark.parametrize(
    ("feature", "target"), [(name, to) for name, (_, places) in REFUSED.items() for to in places]
)
def test_what_a_target_cannot_express_is_refused_by_name(
    write: Write, project: Project, feature: str, target: str
) -> None:
    said = REFUSED[feature][0]
    file = write(said if said.startswith("steps") else f"{said}\n{PLAIN}")
    before = sorted(project.root.rglob("*"))
    with pytest.raises(BadInput, match=rf"cannot express '{feature}'"):
        export(file, options(target))
    assert sorted(project.root.rglob("*")) == before


CONSEQUENCES = (
    "on_failure: {notebook: b.ipynb, secrets: [TICKETS]}\n"
    "notify: [{on: always, webhook: CHAT}, {on: failure, command: mail}]\n"
)


def last_job(file: Path, target: str, **more: Any) -> str:
    """Return what ends a run, as text."""
    if target == "jenkins":
        return text_of(file, target, **more).partition("post {")[2]
    body = body_of(file, target, **more)
    jobs = body["jobs"] if target == "github" else body
    name = list(jobs)[-1]
    assert name.startswith("close")
    return yaml.safe_dump(jobs[name], width=1000)


@pytest.mark.parametrize("target", ["github", "gitlab", "jenkins"])
def test_the_last_job_ends_the_run_whatever_happens(write: Write, target: str) -> None:
    file = write(f"params: {{year: 2013}}\n{CONSEQUENCES}{PLAIN}")
    job = last_job(file, target)
    assert 'mlnb pipeline close pipeline.yaml --run "$RUN" --junit .mlnb/runs/"$RUN"/junit' in job
    assert '-p year "$PARAM_YEAR"' in job
    assert "always" in job
    text = text_of(file, target)
    assert ("TICKETS" in text, "CHAT" in text) == (True, True)
    without = last_job(file, target, without=("notify", "on_failure"))
    assert '--run "$RUN" --without notify --without on_failure --junit' in without
    text = text_of(file, target, without=("notify", "on_failure"))
    assert ("TICKETS" in text, "CHAT" in text) == (False, False)


@pytest.mark.parametrize("target", ["github", "gitlab"])
def test_the_last_job_has_a_name_that_no_step_has(write: Write, target: str) -> None:
    file = write("steps: {close: {notebook: a.ipynb}}")
    body = body_of(file, target)
    names = list(body["jobs"] if target == "github" else body)
    assert names[-2:] == ["close", "close-2"]


def test_secrets_of_what_follows_are_given_to_the_last_job_only(write: Write) -> None:
    jobs = body_of(write(CONSEQUENCES + PLAIN), "github")["jobs"]
    assert jobs["close"]["env"] == {
        "CHAT": "${{ secrets.CHAT }}",
        "TICKETS": "${{ secrets.TICKETS }}",
    }
    assert "env" not in jobs["a"]


@pytest.mark.parametrize("feature", ["limits", "schedule"])
def test_a_feature_can_be_left_out_knowingly(write: Write, feature: str) -> None:
    text = text_of(write(f"{REFUSED[feature][0]}\n{PLAIN}"), "gitlab", without=(feature,))
    assert f"--without {feature}" in text


def test_a_feature_that_decides_what_runs_cannot_be_left_out(write: Write) -> None:
    with pytest.raises(BadInput, match="'trigger_rule' is nothing that can be left out"):
        text_of(write(PLAIN), "dvc", without=("trigger_rule",))


def test_a_machine_with_the_resources_can_be_chosen(write: Write) -> None:
    file = write(REFUSED["resources"][0])
    body = body_of(file, "github", runners={"a": "gpu-large"})
    assert body["jobs"]["a"]["runs-on"] == "gpu-large"


@pytest.mark.parametrize("target", ["dvc", "kfp", "kubernetes"])
def test_a_machine_for_one_step_is_refused_where_there_is_one_machine(
    write: Write, target: str
) -> None:
    with pytest.raises(BadInput, match="cannot express --runner"):
        text_of(write(PLAIN), target, runners={"a": "gpu"})


def test_a_file_written_by_hand_is_not_replaced(write: Write, project: Project) -> None:
    file = write(PLAIN)
    mine = project.root / ".gitlab-ci.yml"
    mine.write_text("build: {script: make}\n")
    with pytest.raises(Conflict, match="was not made by mlnb"):
        export(file, options("gitlab"))
    assert mine.read_text() == "build: {script: make}\n"
    assert export(file, options("gitlab"), force=True).changed
    assert not export(file, options("gitlab")).changed


def test_the_file_goes_where_the_repository_begins(write: Write, project: Project) -> None:
    write(PLAIN)
    (project.root.parent / ".git").mkdir()
    (project.root / "mlnb.toml").write_text('name = "flights"\n')
    made = export(project.root / "pipeline.yaml", options("gitlab"))
    below = project.root.name
    assert made.path == "../.gitlab-ci.yml"
    assert f"mlnb pipeline step {below}/pipeline.yaml a --run" in made.text
    assert f"{below}/.mlnb/store/" in made.text
    (project.root.parent / ".git").rmdir()


def test_github_passes_nothing_where_the_store_is_shared(write: Write, project: Project) -> None:
    file = write("steps: {a: {notebook: a.ipynb}, b: {notebook: b.ipynb, needs: a}}")
    assert "download-artifact" in text_of(file, "github")
    (project.root / "mlnb.toml").write_text('store = "s3://bucket/mlnb"\n')
    shared = text_of(file, "github")
    assert "Results of" not in shared
    assert "actions/cache" not in shared


def test_github_asks_for_parameters_and_has_defaults_without(write: Write) -> None:
    file = write(
        "params:\n  year: 2013\n  fast: true\n  place: {default: JFK, choices: [JFK, LGA]}\n"
        "  days: [1, 2]\n" + PLAIN
    )
    body = body_of(file, "github")
    inputs = body["on"]["workflow_dispatch"]["inputs"]
    assert inputs["year"] == {"type": "number", "default": "2013"}
    assert inputs["fast"] == {"type": "boolean", "default": "true"}
    assert inputs["place"]["options"] == ["JFK", "LGA"]
    assert body["env"]["PARAM_FAST"] == "${{ format('{0}', inputs.fast) || 'true' }}"
    (command,) = [s["run"] for s in body["jobs"]["a"]["steps"] if s.get("name") == "Run"]
    assert '-p year "$PARAM_YEAR"' in command
    assert '-r place "$PARAM_PLACE"' in command
    assert '-y "days: $PARAM_DAYS"' in command


def test_parameters_that_make_jobs_are_fixed_and_given_ones_become_defaults(write: Write) -> None:
    file = write(
        "params: {months: [1, 2], year: 2013}\n"
        "steps: {a: {notebook: a.ipynb, matrix: {x: '${{ params.months }}'}}}"
    )
    _, text = render(file, options("github"), parameters={"year": 2014, "months": [3]})
    body = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506  (as text)
    assert list(body["on"]["workflow_dispatch"]["inputs"]) == ["year"]
    assert body["env"]["PARAM_YEAR"].endswith("'2014' }}")
    assert [row["job"] for row in body["jobs"]["a"]["strategy"]["matrix"]["include"]] == ["a[3]"]
    origin = headers.origin(text)
    assert origin is not None
    assert origin.parameters == {"year": 2014, "months": [3]}


def test_github_writes_matrix_schedule_timeout_and_rules(write: Write) -> None:
    file = write(
        "schedule: 0 6 * * 1-5\nsteps:\n"
        "  a: {notebook: a.ipynb, matrix: {x: [1, 2], max_parallel: 1}, timeout: 10m, retries: 1}\n"
        "  b: {notebook: b.ipynb, needs: a}\n"
        "  c: {notebook: c.ipynb, needs: b, trigger_rule: all_done}"
    )
    body = body_of(file, "github")
    assert body["on"]["schedule"] == [{"cron": "0 6 * * 1-5"}]
    jobs = body["jobs"]
    assert jobs["a"]["strategy"]["max-parallel"] == "1"
    assert jobs["a"]["timeout-minutes"] == "22"  # two attempts, and two minutes to set up
    assert "if" not in jobs["a"]
    assert jobs["b"]["if"] == jobs["c"]["if"] == "${{ !cancelled() }}"  # c asks how b ended


def test_gitlab_leaves_dollar_signs_alone(write: Write) -> None:
    body = body_of(write("params: {place: 'a$b'}\n" + PLAIN), "gitlab")
    assert body["variables"]["PARAM_PLACE"] == "a$$b"


def test_gitlab_gives_no_job_a_word_of_its_own(write: Write) -> None:
    file = write("steps: {cache: {notebook: a.ipynb}, b: {notebook: b.ipynb, needs: cache}}")
    body = body_of(file, "gitlab")
    assert body["b"]["needs"] == ["step-cache"]
    assert body["step-cache"]["needs"] == []


def test_jenkins_refuses_other_agents_without_a_shared_store(write: Write) -> None:
    file = write("steps: {a: {notebook: a.ipynb}, b: {notebook: b.ipynb}}")
    with pytest.raises(BadInput, match="different agents do not see"):
        text_of(file, "jenkins", runners={"": "linux", "a": "gpu"})


def test_jenkins_text_is_never_code(write: Write) -> None:
    file = write("params: {place: {default: \"it's ${1}\", help: 'a\\b'}}\n" + PLAIN)
    text = text_of(file, "jenkins")
    assert r"defaultValue: 'it\'s ${1}', description: 'a\\b'" in text


def test_kubernetes_makes_a_cron_job_of_a_schedule(write: Write) -> None:
    file = write(
        "schedule: {cron: 0 6 * * *, timezone: Europe/Berlin}\nsteps:\n"
        "  a: {notebook: a.ipynb, resources: {cpus: 2, memory: 1GiB}}\n"
        "  b: {notebook: b.ipynb, needs: a}"
    )
    body = body_of(file, "kubernetes")
    assert (body["kind"], body["spec"]["timeZone"]) == ("CronJob", "Europe/Berlin")
    pod = body["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (first,) = pod["initContainers"]
    assert first["resources"]["limits"] == {"cpu": "2", "memory": "1073741824"}
    assert [container["name"] for container in pod["containers"]] == ["b"]


def test_containers_need_an_image(write: Write) -> None:
    for target in ("kubernetes", "kfp"):
        with pytest.raises(BadInput, match="--image"):
            text_of(write(PLAIN), target, image="")


def test_dvc_reads_the_source_and_writes_the_executed_notebook(
    write: Write, project: Project
) -> None:
    (project.root / "features.py").write_text("import more\n")
    (project.root / "more.py").write_text("")
    write_notebook(project.root / "a.ipynb", "import features", parameters="x: int = 1")
    file = write(
        "params: {n: 1}\nsteps:\n"
        "  a: {notebook: a.ipynb, outputs: out/model.txt, params: {x: '${{ params.n }}'}}\n"
        "  b: {notebook: b.ipynb, inputs: [out/model.txt, 'dataset:flights']}"
    )
    stages = body_of(file, "dvc")["stages"]
    assert stages["a"]["deps"] == ["a.ipynb", "features.py", "more.py"]
    assert stages["a"]["outs"] == ["executed/a.json", "executed/a", "out/model.txt"]
    assert stages["a"]["params"] == [{"pipeline.yaml": ["params.n", "steps.a"]}]
    assert stages["b"]["deps"] == ["b.ipynb", "out/model.txt", "executed/a.json"]
    assert stages["b"]["always_changed"] == "true"  # DVC does not see versions of flights
    assert "always_changed" not in stages["a"]


def test_dvc_refuses_jobs_that_write_the_same_file(write: Write) -> None:
    file = write("steps: {a: {notebook: a.ipynb, outputs: out, matrix: {x: [1, 2]}}}")
    with pytest.raises(BadInput, match="several jobs write to 'out'"):
        text_of(file, "dvc")


def test_kubeflow_needs_its_sdk(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kfp", None)
    with pytest.raises(MissingExtra, match="kfp"):
        text_of(write(PLAIN), "kfp")


def test_what_is_wrong_with_the_pipeline_is_found_first(write: Write) -> None:
    with pytest.raises(InvalidParameter):
        render(write("params: {year: 2013}\n" + PLAIN), options("github"), parameters={"year": "x"})


def test_another_folder_as_store_is_handed_on_or_refused(write: Write, project: Project) -> None:
    file = write("steps: {a: {notebook: a.ipynb}, b: {notebook: b.ipynb, needs: a}}")
    (project.root / "mlnb.toml").write_text('store = "kept/store"\n')
    assert "kept/store/" in body_of(file, "gitlab")["a"]["artifacts"]["paths"]
    with pytest.raises(BadInput, match="would not share the store 'kept/store'"):
        text_of(file, "kubernetes")
