"""Whatever is done to a table: every version that was saved loads back exactly as it was.

Rows per unit are few here and no table is too small to be stored over another one, so that tables
of some dozen rows go through all that large ones go through. ``EXAMPLES=2000`` runs more of them.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from mlnb import datasets
from mlnb.core import project as projects
from mlnb.core.errors import UnsupportedData
from mlnb.core.project import Project
from mlnb.datasets import versions
from mlnb.datasets.storage import manifest, recent, saving, workers, writing
from mlnb.datasets.storage.stored import StoredTable
from mlnb.testing.s3 import s3_server

from . import strategies
from .strategies import Column, State

EXAMPLES = int(os.environ.get("EXAMPLES", "25"))
_numbers = count(1)
ROWS = Column("range", np.arange(40))

examples = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)


@contextmanager
def small_units(rows: int, *, threads: bool = False) -> Iterator[None]:
    """Let units have few rows, and store every table over its parent, be it ever so small."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest, "UNIT_ROWS", rows)
        patch.setattr(writing, "SMALL", 0)
        patch.setattr(saving, "SMALL", 0)
        if threads:
            patch.setattr(workers, "_SMALL", 0)
        yield


@st.composite
def manners(draw: st.DrawFn) -> Callable[[], bool]:
    """Draw whether each save and load has what was saved before in memory."""
    random = draw(st.randoms(use_true_random=False))
    warm = draw(st.sampled_from([0.0, 0.5, 1.0]), label="how often the kernel is warm")
    return lambda: random.random() >= warm


def save_all(
    states: list[State],
    make: Callable[[State], Any],
    is_new_kernel: Callable[[], bool],
    *,
    any_layout: bool = False,
) -> dict[str, State]:
    """Save every state as a version of one dataset; one that is refused is no version.

    With `any_layout`, a state that is stored already comes back in the memory layout that it was
    first saved in: 32- and 64-bit offsets are one content.
    """
    name = f"data-{next(_numbers)}"
    saved: dict[str, State] = {}
    for state in states:
        note(f"{state.edit}: {state.rows} rows, {[c.kind for c in state.columns.values()]}")
        if is_new_kernel():
            recent.forget()
        try:
            version = datasets.save(make(state), name)
        except UnsupportedData as refused:
            note(f"refused: {refused}")
            continue
        if any_layout and version.unchanged and version.ref in saved:
            assert repr(make(state).to_pylist()) == repr(make(saved[version.ref]).to_pylist())
            continue
        saved[version.ref] = state
    return saved


def check_all(
    saved: dict[str, State],
    check: Callable[[str, State], None],
    is_new_kernel: Callable[[], bool],
) -> None:
    for ref, state in saved.items():
        if is_new_kernel():
            recent.forget()
        check(ref, state)


# -- pandas


def assert_same(found: pd.DataFrame, frame: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(
        found,
        frame,
        check_exact=True,
        check_freq=True,
        check_column_type="exact",
        check_index_type="exact",
    )
    for name in range(frame.shape[1]):
        made, given = found.iloc[:, name], frame.iloc[:, name]
        assert made.dtype == given.dtype
        if given.dtype == object:
            assert [type(value) for value in made] == [type(value) for value in given]
        if given.dtype.kind == "f":  # -0.0 == 0.0, and yet they differ
            zeros = [np.signbit(side.to_numpy("float64", na_value=1.0)) for side in (made, given)]
            missing = given.isna().to_numpy()
            assert (zeros[0] == zeros[1])[~missing].all()


def check_pandas(ref: str, state: State) -> None:
    frame = strategies.to_pandas(state)
    assert_same(datasets.load(ref), frame)


def check_pieces(ref: str, state: State, random: np.random.Generator) -> None:
    """Load some of the columns and rows."""
    frame = strategies.to_pandas(state)
    names = [str(name) for name in random.permutation(list(state.columns))]
    names = names[: int(random.integers(1, len(names) + 1))]
    start, stop = (int(row) for row in np.sort(random.integers(0, state.rows + 1, 2)))
    found = datasets.load(ref, columns=names, rows=(start, stop))
    assert_same(found, frame[names].iloc[start:stop])


def test_any_edits_of_any_pandas_frame_come_back(project: Project, tmp_path: Path) -> None:
    everything: dict[str, State] = {}

    @examples
    @given(strategies.pandas_histories(), manners(), st.sampled_from([8, 3, 64, 1]), st.booleans())
    def run(
        states: list[State], is_new_kernel: Callable[[], bool], rows: int, threads: bool
    ) -> None:
        with small_units(rows, threads=threads):
            saved = save_all(states, strategies.to_pandas, is_new_kernel)
            check_all(saved, check_pandas, is_new_kernel)
            recent.forget()
            for ref, state in saved.items():
                check_pieces(ref, state, np.random.default_rng(rows))
        everything.update(saved)

    run()
    check_in_a_new_process(project, everything, tmp_path / "expected.pickle")


_READER = """
import pickle, sys
from pathlib import Path
import pandas as pd
from mlnb import datasets
expected = pickle.loads(Path(sys.argv[1]).read_bytes())
for ref, frame in expected.items():
    try:
        pd.testing.assert_frame_equal(datasets.load(ref), frame, check_exact=True)
    except Exception as error:
        sys.exit(f"{ref}: {error!r}")
print(len(expected))
"""


def check_in_a_new_process(project: Project, saved: dict[str, State], file: Path) -> None:
    """Load every version in a process that saved none of them, with units of the usual size."""
    file.write_bytes(pickle.dumps({ref: strategies.to_pandas(s) for ref, s in saved.items()}))
    done = subprocess.run(
        [sys.executable, "-c", _READER, str(file)],
        cwd=project.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout == f"{len(saved)}\n"


# -- frames that are edited where they stand


@examples
@given(
    st.integers(0, 2**32 - 1), st.lists(st.sampled_from(["cells", "column", "rows"]), max_size=6)
)
def test_frames_that_are_edited_in_place_come_back(seed: int, edits: list[str]) -> None:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "id": np.arange(30),
            "real": random.normal(size=30),
            "whole": random.integers(0, 5, 30),
            "text": pd.Series([f"t{n % 7}" for n in range(30)], dtype="str"),
        }
    )
    name, expected = f"placed-{next(_numbers)}", {}
    with small_units(8):
        expected[datasets.save(frame, name).ref] = frame.copy(deep=True)
        for edit in edits:
            rows = frame.index[random.random(len(frame)) < 0.1]
            if edit == "cells":
                frame.loc[rows, "real"] = 7.5
                frame.loc[rows, "text"] = "edited"
            elif edit == "column":
                frame["whole"] += 1
                frame["more"] = frame["real"] * 2
            else:
                frame = frame.drop(index=rows)
            expected[datasets.save(frame, name).ref] = frame.copy(deep=True)
        for ref, kept in expected.items():
            loaded = datasets.load(ref)
            assert_same(loaded, kept)
            loaded["real"] = -1.0  # what a load gave away is the caller's
            loaded.loc[:, "text"] = "spoilt"
        for ref, kept in expected.items():
            assert_same(datasets.load(ref), kept)


def test_memory_of_a_table_that_is_overwritten_after_a_save_spoils_no_version() -> None:
    numbers = np.arange(64.0)
    with small_units(8):
        first = datasets.save(pa.table({"a": numbers}), "shared").ref
        numbers[10] = -1.0
        second = datasets.save(pa.table({"a": numbers}), "shared").ref
        numbers[50] = -2.0
        third = datasets.save(pa.table({"a": numbers[:60]}), "shared").ref
        numbers[:] = 0.0
        found = [
            datasets.load(ref, engine="arrow")["a"].to_pylist() for ref in (first, second, third)
        ]
    plain = [float(number) for number in range(64)]
    edited = [*plain[:10], -1.0, *plain[11:]]
    assert found == [plain, edited, [*edited[:50], -2.0, *edited[51:60]]]


def test_what_is_edited_here_goes_through_every_kind_of_layer(project: Project) -> None:
    states = [State({"c0": Column("key", np.arange(40)), "c1": Column("str", np.arange(40))}, ROWS)]
    random = np.random.default_rng(0)
    for edit in ("append", "edit cells", "shuffle"):
        states.append(strategies.edited(edit, states[-1], random))
    with small_units(8):
        refs = [datasets.save(strategies.to_pandas(state), "layers").ref for state in states]
        stored = [StoredTable(project.store, versions.find(ref)).manifest for ref in refs]
    assert [len(table.units[0]) for table in stored] == [-(-state.rows // 8) for state in states]
    assert len(stored[1].parts) > len(stored[0].parts)
    assert [bool(table.patches) for table in stored] == [False, False, True, True]
    assert [bool(table.selection) for table in stored] == [False, False, False, True]


# -- polars and Arrow


def check_polars(ref: str, state: State) -> None:
    frame = strategies.to_polars(state)
    found = datasets.load(ref, engine="polars")
    assert found.schema == frame.schema
    assert_frame_equal(found, frame, check_exact=True)
    for name in frame.columns:
        if frame[name].dtype.is_float():
            signs = [np.signbit(side[name].fill_null(1.0).to_numpy()) for side in (found, frame)]
            assert (signs[0] == signs[1])[~frame[name].is_nan().fill_null(True).to_numpy()].all()


def check_arrow(ref: str, state: State) -> None:
    table = strategies.to_arrow(state)
    found = datasets.load(ref, engine="arrow")
    found.validate(full=True)
    assert found.schema.equals(table.schema, check_metadata=True)
    assert repr(found.to_pylist()) == repr(table.to_pylist())


@examples
@given(strategies.polars_histories(), manners(), st.sampled_from([8, 3, 64]))
def test_any_edits_of_any_polars_frame_come_back(
    states: list[State], is_new_kernel: Callable[[], bool], rows: int
) -> None:
    with small_units(rows):
        saved = save_all(states, strategies.to_polars, is_new_kernel)
        check_all(saved, check_polars, is_new_kernel)


@examples
@given(strategies.arrow_histories(), manners(), st.sampled_from([8, 3, 64]))
def test_any_edits_of_any_arrow_table_come_back(
    states: list[State], is_new_kernel: Callable[[], bool], rows: int
) -> None:
    with small_units(rows):
        saved = save_all(states, strategies.to_arrow, is_new_kernel, any_layout=True)
        check_all(saved, check_arrow, is_new_kernel)


# -- the same on a real S3 server


@pytest.mark.e2e
@pytest.mark.timeout(900)
def test_any_edits_of_any_frame_come_back_from_s3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3_server(tmp_path / "server") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("MLNB_STORE", f"s3://{server.bucket}/store")
        assert projects.current().store.url.startswith("s3://")

        @examples
        @given(strategies.pandas_histories(), manners())
        def run(states: list[State], is_new_kernel: Callable[[], bool]) -> None:
            with small_units(8):
                saved = save_all(states, strategies.to_pandas, is_new_kernel)
                check_all(saved, check_pandas, is_new_kernel)
                recent.forget()
                for ref, state in saved.items():
                    check_pieces(ref, state, np.random.default_rng(8))

        run()
