import pytest

from mlnb.core.errors import InvalidPipeline
from mlnb.pipelines.spec import Parameter, Pipeline, Retries, Schedule, parse

HEAD = "name: a\nsteps:\n  s:\n    notebook: a.ipynb\n"


def step(text: str) -> Pipeline:
    return parse(HEAD + "\n".join(f"    {line}" for line in text.splitlines()), "p.yaml")


def test_a_step_says_what_it_takes_and_when_it_is_tried_again() -> None:
    found = step(
        """
timeout: 1h30m
retries: {limit: 3, backoff: 10s, factor: 3, max_delay: 1m, on: [timeout]}
resources: {cpus: 2, memory: 4GB, licence: 1}
env: {SEED: 3, MODE: fast}
secrets: API_TOKEN
cache: false
modules: [src/features]
""".strip()
    ).steps["s"]
    assert found.timeout == 5400
    assert found.retries == Retries(limit=3, backoff=10, factor=3, max_delay=60, on=["timeout"])
    assert found.resources == {"cpus": 2, "memory": 4_000_000_000, "licence": 1}
    assert found.env == {"SEED": "3", "MODE": "fast"}
    assert (found.secrets, found.cache, found.modules) == (["API_TOKEN"], False, ["src/features"])


def test_waits_grow_up_to_a_limit() -> None:
    waits = Retries(limit=5, backoff=10, factor=3, max_delay=60)
    assert [waits.delay(attempt) for attempt in (1, 2, 3, 4)] == [10, 30, 60, 60]
    assert Retries(limit=2).delay(1) == 0
    assert Retries(backoff=1, factor=10, max_delay=60).delay(5000) == 60


def test_a_number_of_retries_is_enough() -> None:
    assert step("retries: 2").steps["s"].retries == Retries(limit=2)


def test_a_plain_value_and_a_declaration_both_declare_a_parameter() -> None:
    pipeline = parse(
        "name: a\nparams:\n"
        "  year: 2013\n"
        "  floor: {type: float, min: 0, max: 1, default: 0.6, help: least score}\n"
        "  region: {type: str, choices: [eu, us]}\n"
        "  token: {secret: true}\n"
        "  window: {min: 3, max: 9}\n"
        "  options: {default: {type: fast}}\n"
        "steps: {s: {notebook: a.ipynb}}",
        "p.yaml",
    )
    assert pipeline.params["year"] == Parameter(default=2013)
    assert pipeline.params["floor"].max == 1
    assert pipeline.params["region"].required
    assert not pipeline.params["token"].required
    assert pipeline.params["window"] == Parameter(default={"min": 3, "max": 9})
    assert pipeline.defaults == {
        "year": 2013, "floor": 0.6, "window": {"min": 3, "max": 9}, "options": {"type": "fast"},
    }  # fmt: skip


def test_a_matrix_keeps_its_words_apart_from_its_names() -> None:
    found = step(
        """
matrix:
  family: [logistic, boosting]
  seed: ${{ params.seeds }}
  include: [{family: forest}]
  exclude: [{family: logistic, seed: 2}]
  max_parallel: 2
""".strip()
    ).steps["s"]
    assert found.matrix.axes == {
        "family": ["logistic", "boosting"],
        "seed": "${{ params.seeds }}",
    }
    assert found.matrix.include == [{"family": "forest"}]
    assert (found.matrix.max_parallel, found.many) == (2, True)


def test_notices_and_a_schedule() -> None:
    pipeline = parse(
        "name: a\nsteps: {s: {notebook: a.ipynb}}\n"
        "notify:\n"
        "  - {webhook: TEAM_HOOK}\n"
        "  - {on: always, command: [mail, me]}\n"
        "schedule: {cron: '0  6 * * 1-5', timezone: Europe/Berlin}\n",
        "p.yaml",
    )
    assert [item.on for item in pipeline.notify] == ["failure", "always"]
    assert pipeline.schedule == Schedule(cron="0 6 * * 1-5", timezone="Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("script: b.py", "step 's': it has notebook and script; give it a notebook, a script or"),
        ("matrix: {x: [1]}\nforeach: {y: [1]}", "it has a matrix and a foreach"),
        ("foreach: {x: [1], y: [2]}", "steps.s.foreach: it has one name with a list"),
        ("foreach: [1, 2]", "steps.s.foreach: "),
        ("retries: {limt: 3}", "p.yaml: steps.s.retries has 'limt', which is no key of it. Did"),
        ("retries: 1000", "steps.s.retries: Input should be less than or equal to 100"),
        ("retries: {on: [rain]}", "steps.s.retries.on.0: Input should be 'failed'"),
        ("timeout: soon", "steps.s.timeout: 'soon' is no time; write seconds (90) or 90s"),
        ("resources: {memory: much}", "steps.s.resources.memory: 'much' is no amount"),
        ("resources: {cpus: -1}", "steps.s.resources.cpus: Input should be greater than or equal"),
        ("env: {DEBUG: true}", "steps.s.env.DEBUG: it is text; put it in quotes."),
        ("env: {A-B: x}", "steps.s.env.A-B"),
        ("secrets: [a b]", "steps.s.secrets.0"),
        ("inputs: [/etc/passwd]", "step 's', inputs: '/etc/passwd' is no relative path"),
        ("inputs: ['dataset:a b']", "step 's', inputs: 'a b' cannot name a dataset"),
        ("outputs: ['dataset:x@3']", "outputs: 'dataset:x@3' names a version"),
        ("matrix: {a-b: [1]}", "'a-b' in its matrix cannot name a parameter"),
        ("foreach: {x: [1]}\nparams: {x: 2}", "has 'x' in its foreach and in its params"),
        (
            "matrix: {x: [1], include: [{y: 2}]}\nparams: {y: 2}",
            "has 'y' in its matrix and in its params",
        ),
        (
            "matrix: {size: [1], exclude: [{siz: 1}]}",
            "its matrix excludes by 'siz', which it does not have. Did you mean 'size'?",
        ),
    ],
)
def test_whatever_is_wrong_with_a_step_is_one_clear_error(text: str, message: str) -> None:
    with pytest.raises(InvalidPipeline) as caught:
        step(text)
    assert message in str(caught.value)


STEPS = "\nsteps: {s: {notebook: a.ipynb}, t: {script: b.py}}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("notify: {on: failure}", "notify.0: it needs either a webhook or a command"),
        ("notify: {webhook: 'https://x.y'}", "a webhook is the name of a secret"),
        ("notify: [{webhok: A}]", "notify.0 has 'webhok', which is no key of it. Did you mean"),
        ("schedule: daily", "p.yaml: schedule: "),
        (
            "schedule: {cron: '0 6 * * *', timezone: Mars}",
            "time zone 'Mars', which is none. Use a name of the IANA",
        ),
        ("limits: {gpu: lots}", "limits.gpu: 'lots' is no amount"),
        ("params: {n: {type: int, default: x}}", "parameter n = 'x': Input should be a valid int"),
        ("params: {n: {type: integer}}", "params.n: 'integer' is no type"),
        ("params: {n: {choices: [1, 2], default: 3}}", "n = 3: it must be one of 1, 2"),
        ("params: {n: {default: 3, max: 2}}", "n = 3: it must be at most 2"),
        ("params: {n: {default: 3, min: 9, max: 2}}", "params.n: min is greater than max"),
        ("params: {n: {secret: true, default: x}}", "params.n is a secret: its text comes from"),
        ("params: {n: {required: true, default: x}}", "what must be given has no default"),
        ("params: {n: {type: int, chioces: [1]}}", "params.n has 'chioces', which is no key of"),
        ("on_failure: {notebook: a.ipynb, needs: s}", "on_failure has 'needs', but it runs once"),
        ("on_failure: {notebook: a.ipynb, when: false}", "on_failure has a condition"),
        ("on_failure: {}", "on_failure: it says nothing to run"),
    ],
)
def test_whatever_is_wrong_beside_the_steps_is_one_clear_error(text: str, message: str) -> None:
    with pytest.raises(InvalidPipeline) as caught:
        parse(f"name: a\n{text}{STEPS}", "p.yaml")
    assert message in str(caught.value)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "limits: {gpu: 1}\nsteps: {s: {notebook: a, resources: {gpu: 2}}}",
            "step 's' takes 2 of gpu, but the pipeline's limit is 1",
        ),
        (
            "steps: {s: {notebook: a, outputs: x.csv}, t: {notebook: a, outputs: x.csv}}",
            "steps 's' and 't' both write 'x.csv'",
        ),
        ("steps: {s: {script: a.py, kernel: x}}", "a script has no kernel"),
        ("steps: {s: {script: a.sh}}", "steps.s.script: "),
        ("steps: {s: {function: a.b}}", "steps.s.function: "),
        (
            "steps: {on_failure: {notebook: a}}\non_failure: {notebook: a}",
            "no step can be called 'on_failure'",
        ),
    ],
)
def test_what_does_not_fit_together_is_one_clear_error(text: str, message: str) -> None:
    with pytest.raises(InvalidPipeline) as caught:
        parse(f"name: a\n{text}", "p.yaml")
    assert message in str(caught.value)
