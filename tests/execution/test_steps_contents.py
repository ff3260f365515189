import pickle
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from mlnb.execution.parameters.secret import Secret
from mlnb.execution.steps.contents import Contents, NoContent


def digest(value: Any, **namespace: Any) -> str:
    return Contents(namespace, lambda text: f"{len(text)}").digest(value)


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "i": [1, 2, 3],
            "f": [0.5, np.nan, 2.0],
            "s": pd.Series(["a", None, "ccc"], dtype="str"),
            "o": ["a", 1, None],
            "t": pd.to_datetime(["2024-01-01", None, "2024-03-01"]),
            "c": pd.Categorical(["x", "y", "x"]),
            "n": pd.array([1, None, 3], dtype="Int64"),
        },
        index=pd.Index([10, 20, 30], name="key"),
    )


VALUES: list[Callable[[], Any]] = [
    lambda: None,
    lambda: True,
    lambda: 1,
    lambda: 1.0,
    lambda: "1",
    lambda: b"1",
    lambda: 1j,
    lambda: [1],
    lambda: (1,),
    lambda: {1},
    lambda: frozenset({1}),
    lambda: {"a": 1},
    lambda: {"a": 1, "b": 2},
    lambda: {"b": 2, "a": 1},
    lambda: list(range(100)),
    lambda: [float(n) for n in range(100)],
    lambda: [True] * 20,
    lambda: [1] * 20,
    lambda: np.arange(3),
    lambda: np.arange(3.0),
    lambda: np.arange(4).reshape(2, 2),
    lambda: np.arange(4).reshape(1, 4),
    lambda: np.array(["a", None], dtype=object),
    lambda: np.float64(1),
    lambda: np.zeros((0, 3)),
    lambda: np.zeros((3, 0)),
    frame,
    lambda: frame().rename(columns={"i": "j"}),
    lambda: frame().reset_index(),
    lambda: frame()["s"],
    lambda: frame()["c"],
    lambda: frame().index,
    lambda: pl.DataFrame({"a": [1, 2], "b": ["x", None]}),
    lambda: pa.table({"a": [1, 2], "b": ["x", None]}),
    lambda: random.Random(3),  # noqa: S311  (a state to take the digest of)
    lambda: np.random.default_rng(3),
    lambda: Secret("one"),
]


def test_different_values_have_different_digests() -> None:
    digests = [digest(make()) for make in VALUES]
    assert len(set(digests)) == len(VALUES)


@pytest.mark.parametrize("number", range(len(VALUES)))
def test_equal_values_have_one_digest(number: int) -> None:
    value = VALUES[number]()
    assert digest(value) == digest(VALUES[number]())
    assert digest(value) == digest(pickle.loads(pickle.dumps(value)))  # noqa: S301


def test_the_layout_of_a_table_in_memory_does_not_count() -> None:
    table = pa.table({"a": [1, None, 3], "s": ["x", None, "zz"], "b": [True, None, False]})
    pieces = pa.concat_tables([table.slice(0, 1), table.slice(1)])
    padded = pa.concat_tables([table, table]).slice(3, 3)
    assert digest(table) == digest(pieces) == digest(padded)
    whole = frame()
    assert digest(whole) == digest(pd.concat([whole.iloc[:1], whole.iloc[1:]]).astype(whole.dtypes))
    array = np.arange(10)
    assert digest(array[::2]) == digest(array[::2].copy())


def test_each_cell_of_a_frame_counts() -> None:
    whole = frame()
    before = digest(whole)
    changes: dict[str, Any] = {"i": 9, "f": 9.0, "s": "q", "o": 2, "c": "y", "n": 4}
    for column, value in changes.items():
        changed = whole.copy()
        changed.loc[30, column] = value
        assert digest(changed) != before, column


def test_what_pickle_takes_apart_counts_and_comes_back_equal() -> None:
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(3, random_state=0).fit(np.arange(20).reshape(10, 2), [0, 1] * 5)
    before = digest(model)
    assert digest(pickle.loads(pickle.dumps(model))) == before  # noqa: S301
    model.estimators_.pop()
    assert digest(model) != before


def test_cycles_end() -> None:
    one: list[Any] = [1]
    one.append(one)
    two: list[Any] = [1]
    two.append(two)
    assert digest(one) == digest(two)


def test_functions_count_by_their_code_and_what_they_use() -> None:
    def made(source: str) -> str:
        namespace: dict[str, Any] = {"__name__": "__main__"}
        exec(source, namespace)  # noqa: S102
        return Contents(namespace).digest(namespace["f"])

    plain = made("def g(x):\n    return x\n\ndef f(x, y=1):\n    return g(x) + y\n")
    assert plain == made("\n\n# moved\ndef g(x):\n    return x\ndef f(x, y=1): return g(x) + y\n")
    assert plain != made("def g(x):\n    return -x\n\ndef f(x, y=1):\n    return g(x) + y\n")
    assert plain != made("def g(x):\n    return x\n\ndef f(x, y=2):\n    return g(x) + y\n")
    with_global = "n = {}\ndef f():\n    return [n for _ in range(2)]\n"
    assert made(with_global.format(1)) != made(with_global.format(2))
    recursive = "def f(n):\n    return f(n - 1) if n else 0\n"
    assert made(recursive) == made(recursive)
    classes = "class K:\n    def m(self):\n        return {}\ndef f():\n    return K().m()\n"
    assert made(classes.format(1)) == made(classes.format(1))
    assert made(classes.format(1)) != made(classes.format(2))


def test_the_hash_seed_of_a_process_does_not_count() -> None:
    source = (
        "from mlnb.execution.steps.contents import Contents\n"
        "def f(x):\n    return x in {'a', 'b', 'c', 'd'}\n"
        "print(Contents(globals()).digest([{'a', 'b', 'c'}, frozenset('xyz'), f, {'k': 1}]))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", source],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1


def test_what_has_no_content_is_refused() -> None:
    for value in (threading.Lock(), (n for n in [1]), [threading.Lock()]):
        with pytest.raises(NoContent):
            digest(value)


def test_a_secret_counts_by_its_fingerprint_only() -> None:
    assert digest(Secret("abc")) == digest(Secret("xyz"))  # the fingerprint here: its length
    assert digest(Secret("abc")) != digest(Secret("abcd"))
