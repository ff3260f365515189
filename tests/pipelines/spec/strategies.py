"""Pipelines of every shape, for tests that must hold for all of them."""

from typing import Any

from hypothesis import strategies as st

from mlnb.pipelines.spec import Pipeline
from mlnb.pipelines.spec.reading import made

NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,5}", fullmatch=True)
WORDS = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT.filter(lambda text: "${{" not in text)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)
FILES = st.from_regex(r"[a-z]{1,4}/[a-z]{1,4}\.csv", fullmatch=True)
DATASETS = st.builds("dataset:{}".format, WORDS)
VARIABLES = st.dictionaries(st.from_regex(r"[A-Z_]{1,5}", fullmatch=True), TEXT, max_size=2)
SECONDS = st.integers(1, 9999) | st.sampled_from(["90s", "10m", "1h30m"])
AMOUNTS = st.integers(0, 64) | st.sampled_from(["4GB", "512MiB", 0.5])
PARAMETERS = (
    SCALARS
    | st.lists(SCALARS, max_size=3)
    | st.dictionaries(WORDS, SCALARS, max_size=2).filter(lambda found: "type" not in found)
    | st.sampled_from(
        [
            {"type": "int"},
            {"type": "float", "min": 0, "max": 1, "default": 0.5},
            {"type": "int", "default": None, "required": False, "choices": [1, 2]},
            {"choices": ["a", "b"], "help": "which"},
            {"secret": True, "help": "of the service"},
            {"default": {"type": "x"}},
            {"required": True, "min": 2},
        ]
    ).filter(lambda found: found.get("default", 1) is not None)
)
RETRIES = st.integers(0, 9) | st.fixed_dictionaries(
    {"limit": st.integers(1, 9)},
    optional={
        "backoff": SECONDS,
        "factor": st.integers(1, 4),
        "max_delay": SECONDS,
        "on": st.lists(st.sampled_from(["failed", "timeout", "memory"]), min_size=1, unique=True),
    },
)


@st.composite
def steps(draw: st.DrawFn, earlier: list[str], number: int) -> dict[str, Any]:
    """Make a step that needs some of the earlier ones."""
    body: dict[str, Any] = dict(
        [
            draw(
                st.sampled_from(
                    [("notebook", "a.ipynb"), ("script", "b.py"), ("function", "a.b:c")]
                )
            )
        ]
    )
    params = draw(st.dictionaries(WORDS, VALUES, max_size=3))
    fan = draw(st.sampled_from(["", "", "matrix", "foreach"]))
    if fan == "matrix":
        axes = draw(st.dictionaries(WORDS, st.lists(VALUES, min_size=1, max_size=3), max_size=2))
        include = draw(st.lists(st.dictionaries(WORDS, SCALARS, min_size=1), max_size=2))
        body["matrix"] = axes | ({"include": include} if include else {})
        if axes and draw(st.booleans()):
            body["matrix"]["max_parallel"] = draw(st.integers(1, 4))
        names = {*axes, *(key for item in include for key in item)}
        params = {key: value for key, value in params.items() if key not in names}
    if fan == "foreach":
        name = draw(WORDS)
        body["foreach"] = {name: draw(st.lists(VALUES, max_size=3))}
        params.pop(name, None)
    optional = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "needs": st.lists(st.sampled_from(earlier), unique=True)
                if earlier
                else st.just([]),
                "inputs": st.lists(FILES | DATASETS, max_size=2),
                "outputs": st.just([f"out/{number}.csv", f"dataset:made-{number}"]),
                "when": st.sampled_from([True, False, "${{ params.x == 1 }}"]),
                "trigger_rule": st.sampled_from(["all_success", "none_failed", "all_done"]),
                "timeout": SECONDS,
                "retries": RETRIES,
                "resources": st.dictionaries(WORDS, AMOUNTS, max_size=2),
                "env": VARIABLES,
                "secrets": st.lists(WORDS, max_size=2),
                "cache": st.booleans(),
                "modules": st.lists(FILES, max_size=2),
            },
        )
    )
    return body | optional | ({"params": params} if params else {})


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """Make what a pipeline file may hold."""
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    made_steps: dict[str, Any] = {}
    for number, name in enumerate(names):
        made_steps[name] = draw(steps(names[:number], number))
    optional = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "description": TEXT,
                "params": st.dictionaries(WORDS, PARAMETERS, max_size=3),
                "env": VARIABLES,
                "notify": st.sampled_from(
                    [
                        {"webhook": "HOOK"},
                        [
                            {"on": "always", "command": ["a", "b"]},
                            {"on": "success", "command": "x"},
                        ],
                    ]
                ),
                "schedule": st.sampled_from(
                    [
                        "0 6 * * *",
                        {"cron": "*/5 * * * 1-5", "timezone": "Europe/Berlin"},
                        {"cron": "@daily", "overlap": "replace", "missed": "all"},
                    ]
                ),
                "on_failure": st.just({"notebook": "mend.ipynb", "params": {"why": "x"}}),
            },
        )
    )
    return {"name": draw(NAMES), **optional, "steps": made_steps}


def pipelines() -> st.SearchStrategy[Pipeline]:
    """Make pipelines that are in order."""
    return bodies().map(lambda body: made(body, "made"))
