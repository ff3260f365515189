"""Histories: a table and the edits that are made to it, for any library.

A `State` says which value of its type's pool each cell holds, so that an edit is a few whole
numbers moved about, the same for every library and every type. `to_pandas`, `to_polars` and
`to_arrow` make the table of a state. What is drawn are types and edits; the places come from a
random generator whose seed is drawn, too, which keeps examples quick to make and small to read.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from hypothesis import strategies as st

from .pools import ARROW, INDEXES, PANDAS, POLARS

Numbers = np.ndarray[Any, np.dtype[np.int64]]
Random = np.random.Generator

KEYS = ("key", "text key", "time key", "noise")
"""Types without a pool: every row has a value of its own, as keys and measurements do."""
_MOST_NEW = 12
_NAMES = ("b", "a.b", "ü <b>", "index", "level_0", "__index_level_0__", "row", "value", "")


@dataclass(frozen=True)
class Column:
    """A type, and the place in its pool of each row's value."""

    kind: str
    places: Numbers

    def at(self, rows: Numbers) -> "Column":
        """Return the column with these rows."""
        return Column(self.kind, self.places[rows])


@dataclass(frozen=True)
class State:
    """What a table holds."""

    columns: dict[str, Column]
    index: Column
    """Used by pandas only; the kind ``range`` counts from 0, ``labels`` goes along with rows."""
    edit: str = "make"
    """What made it out of the state before."""

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return len(self.index.places)

    @property
    def next(self) -> int:
        """Return a place that no row has."""
        everything = [self.index, *self.columns.values()]
        return int(max(column.places.max(initial=-1) for column in everything)) + 1

    def at(self, rows: Numbers) -> "State":
        """Return the state with these rows of it, in this order."""
        columns = {name: column.at(rows) for name, column in self.columns.items()}
        return replace(self, columns=columns, index=self.index.at(rows))

    def with_column(self, name: str, column: Column) -> "State":
        """Return the state with a column set."""
        return replace(self, columns={**self.columns, name: column})


# -- edits


def _new_rows(state: State, random: Random) -> State:
    rows = int(random.integers(1, _MOST_NEW))
    fresh = np.arange(state.next, state.next + rows)

    def made(column: Column) -> Column:
        unique = column.kind in KEYS or column.kind in ("range", "labels")
        return Column(column.kind, fresh if unique else random.integers(0, 1000, rows))

    columns = {name: made(column) for name, column in state.columns.items()}
    return replace(state, columns=columns, index=made(state.index))


def _joined(states: Iterable[State]) -> State:
    first, *others = states
    columns = {
        name: Column(
            column.kind,
            np.concatenate([column.places, *(other.columns[name].places for other in others)]),
        )
        for name, column in first.columns.items()
    }
    places = np.concatenate([first.index.places, *(other.index.places for other in others)])
    return replace(first, columns=columns, index=Column(first.index.kind, places))


def _append(state: State, random: Random) -> State:
    return _joined([state, _new_rows(state, random)])


def _insert(state: State, random: Random) -> State:
    at = int(random.integers(0, state.rows + 1))
    rows = np.arange(state.rows)
    return _joined([state.at(rows[:at]), _new_rows(state, random), state.at(rows[at:])])


def _cells(state: State, random: Random) -> State:
    if not state.rows:
        return state
    names = list(state.columns)
    for name in random.choice(names, int(random.integers(1, len(names) + 1)), replace=False):
        column = state.columns[str(name)]
        places = column.places.copy()
        rows = random.integers(0, state.rows, int(random.integers(1, 4)))
        places[rows] = random.integers(0, 2000, len(rows))
        state = state.with_column(str(name), Column(column.kind, places))
    return state


def _delete(state: State, random: Random) -> State:
    return state.at(np.flatnonzero(random.random(state.rows) > random.choice([0.05, 0.5])))


def _cut(state: State, random: Random) -> State:
    start, stop = np.sort(random.integers(0, state.rows + 1, 2))
    return state.at(np.arange(start, stop))


def _empty(state: State, random: Random) -> State:
    return state.at(np.arange(0))


def _repeat(state: State, random: Random) -> State:
    if not state.rows:
        return state
    return _joined([state, state.at(random.integers(0, state.rows, _MOST_NEW))])


def _shuffle(state: State, random: Random) -> State:
    return state.at(random.permutation(state.rows))


def _reverse(state: State, random: Random) -> State:
    return state.at(np.arange(state.rows)[::-1])


def _move_block(state: State, random: Random) -> State:
    return state.at(np.roll(np.arange(state.rows), int(random.integers(0, state.rows + 1))))


def _drop(state: State, random: Random) -> State:
    names = list(state.columns)
    gone = names[int(random.integers(0, len(names)))]
    if len(names) == 1:
        return state
    return replace(state, columns={n: c for n, c in state.columns.items() if n != gone})


def _rename(state: State, random: Random) -> State:
    names = list(state.columns)
    old = names[int(random.integers(0, len(names)))]
    free = [name for name in _NAMES if name not in names]
    if not free:
        return state
    new = free[int(random.integers(0, len(free)))]
    return replace(state, columns={(new if n == old else n): c for n, c in state.columns.items()})


def _reorder(state: State, random: Random) -> State:
    names = [str(name) for name in random.permutation(list(state.columns))]
    return replace(state, columns={name: state.columns[name] for name in names})


def _swap(state: State, random: Random) -> State:
    """Let two columns exchange their names: each has the other's values."""
    names = list(state.columns)
    one, other = names[0], names[-1]
    there = {one: other, other: one}
    return replace(state, columns={n: state.columns[there.get(n, n)] for n in names})


def _same(state: State, random: Random) -> State:
    return state


_EDITS: dict[str, Callable[[State, Random], State]] = {
    "append": _append,
    "insert": _insert,
    "edit cells": _cells,
    "delete": _delete,
    "cut": _cut,
    "empty": _empty,
    "repeat rows": _repeat,
    "shuffle": _shuffle,
    "reverse": _reverse,
    "move a block": _move_block,
    "drop a column": _drop,
    "rename a column": _rename,
    "reorder columns": _reorder,
    "swap columns": _swap,
    "the same again": _same,
}
_WITH_KIND = ("add a column", "change a type")
_AGAIN = "back to an earlier state"


def edited(edit: str, state: State, random: Random) -> State:
    """Return what an edit makes of a state."""
    return replace(_EDITS[edit](state, random), edit=edit)


def _with_kind(edit: str, state: State, kind: str, random: Random) -> State:
    names = list(state.columns)
    name = names[int(random.integers(0, len(names)))]
    if edit == "add a column":
        free = [f"c{number}" for number in range(99) if f"c{number}" not in names]
        name = free[0]
    return state.with_column(name, Column(kind, random.integers(0, 1000, state.rows)))


# -- what is drawn


@st.composite
def histories(draw: st.DrawFn, pool: dict[str, Any], most: int = 6) -> list[State]:
    """Draw a table of types from a pool (see `pools`), and edits, one after the other."""
    kinds = st.sampled_from([*KEYS, *pool])
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed"))
    rows = draw(st.sampled_from([30, 3, 0, 1, 8, 70]), label="rows")
    drawn = draw(st.lists(kinds, min_size=1, max_size=5), label="types")
    index = draw(st.sampled_from(["range", "labels", *INDEXES]), label="index")

    def made(kind: str) -> Column:
        unique = kind in ("key", "range", "labels")
        return Column(kind, np.arange(rows) if unique else random.integers(0, 1000, rows))

    columns = {f"c{number}": made(kind) for number, kind in enumerate(drawn)}
    states = [State(columns, made(index))]
    edits = st.sampled_from([*_EDITS, *_WITH_KIND, _AGAIN])
    for edit in draw(st.lists(edits, min_size=1, max_size=most), label="edits"):
        if edit in _EDITS:
            state = _EDITS[edit](states[-1], random)
        elif edit == _AGAIN:
            state = states[int(random.integers(0, len(states)))]
        else:
            state = _with_kind(edit, states[-1], draw(kinds, label=edit), random)
        states.append(replace(state, edit=edit))
    return states


def pandas_histories() -> st.SearchStrategy[list[State]]:
    """Return histories for `to_pandas`."""
    return histories(PANDAS)


def polars_histories() -> st.SearchStrategy[list[State]]:
    """Return histories for `to_polars`."""
    return histories(POLARS)


def arrow_histories() -> st.SearchStrategy[list[State]]:
    """Return histories for `to_arrow`."""
    return histories(ARROW)


# -- tables of states


def _unique(kind: str, places: Numbers) -> Any:
    """Return the values of a type without a pool, as a NumPy array."""
    if kind == "key":
        return places * 3 + 1000
    if kind == "time key":
        return (places * 10**6 + 1577836800 * 10**6).view("datetime64[us]")
    if kind == "noise":
        return np.sin(places.astype(np.float64) + 1)
    return np.array([f"K{place:06d}" for place in places.tolist()], dtype=object)


def to_pandas(state: State) -> pd.DataFrame:
    """Return a state as a pandas frame."""
    arrays = {}
    for name, column in state.columns.items():
        if column.kind in KEYS:
            made = pd.Series(_unique(column.kind, column.places))
            arrays[name] = made.astype("str").array if column.kind == "text key" else made.array
        else:
            pool = PANDAS[column.kind]
            arrays[name] = pool.take(column.places % len(pool)).array
    return pd.DataFrame(arrays, index=_index(state.index))


def _index(index: Column) -> pd.Index:
    if index.kind == "range":
        return pd.RangeIndex(len(index.places))
    if index.kind == "labels":
        return pd.Index(index.places)
    pool = INDEXES[index.kind]
    return pool.take(index.places % len(pool))


def to_polars(state: State) -> pl.DataFrame:
    """Return a state as a polars frame."""
    columns = []
    for name, column in state.columns.items():
        if column.kind in KEYS:
            text = column.kind == "text key"
            values = _unique(column.kind, column.places)
            made = pl.Series(values.tolist(), dtype=pl.String) if text else pl.Series(values)
        else:
            pool = POLARS[column.kind]
            made = pool.gather(column.places % len(pool))
        columns.append(made.alias(name))
    return pl.DataFrame(columns)


def to_arrow(state: State) -> pa.Table:
    """Return a state as an Arrow table, in chunks of which no two columns' are the same."""
    columns = []
    for number, column in enumerate(state.columns.values()):
        if column.kind in KEYS:
            made = pa.chunked_array([pa.array(_unique(column.kind, column.places))])
            made = made.cast(pa.string()) if column.kind == "text key" else made
        else:
            pool = ARROW[column.kind]
            values = [pool.slice(at, 1) for at in (column.places % len(pool)).tolist()]
            step = number + 2
            chunks = [values[at : at + step] for at in range(0, len(values), step)]
            made = pa.chunked_array([_concatenated(chunk) for chunk in chunks], pool.type)
        columns.append(made)
    return pa.table(columns, names=list(state.columns))


def _concatenated(arrays: list[pa.Array]) -> pa.Array:
    if isinstance(arrays[0], pa.ExtensionArray):
        storage = pa.concat_arrays([array.storage for array in arrays])
        return pa.ExtensionArray.from_storage(arrays[0].type, storage)
    return pa.concat_arrays(arrays)
