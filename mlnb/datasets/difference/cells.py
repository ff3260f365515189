"""Where two columns differ, value by value.

Values are equal when they are stored alike: null equals null and nothing else, NaN equals NaN,
and -0.0 is not 0.0 (they print differently, and a version keeps which it was).
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlnb.datasets.difference.arrays import (
    BLOCK,
    Positions,
    flat,
    is_text,
    lists_of,
    raw_of,
    strings_of,
    validity,
    words_in,
)

_BYTES = 2**25
"""Texts are compared in blocks of about this size."""


def changed_cells(before: Any, after: Any, rows: Positions | None = None) -> Positions:
    """Return where a column differs from another of its type.

    Parameters
    ----------
    before, after : pyarrow.Array or pyarrow.ChunkedArray
        Of one type; dictionaries may differ, and so may the width of text offsets.
    rows : numpy.ndarray of int64, optional
        For each value of ``after`` the place of its counterpart in ``before``, never negative;
        the same place by default, and then both are equally long.

    Returns
    -------
    numpy.ndarray of int64
        Positions in ``after``, increasing.
    """
    if rows is None and len(before) != len(after):
        raise ValueError(f"{len(before)} values cannot be compared with {len(after)} in place.")
    if rows is not None:
        return _differ(flat(before), flat(after), rows)
    found = [
        _differ(flat(left), flat(right), None) + start
        for start, left, right in _side_by_side(before, after)
    ]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def changed_columns(before: Any, after: Any, rows: Positions | None = None) -> dict[str, Positions]:
    """Return where each column of a table differs from that of another (see `changed_cells`).

    Parameters
    ----------
    before, after : pyarrow.Table
        The columns of ``after`` are compared; ``before`` has them all, of the same types.
    rows : numpy.ndarray of int64, optional
        As in `changed_cells`.
    """

    def compare(name: str) -> Positions:
        return changed_cells(before[name], after[name], rows)

    names = after.schema.names
    if after.num_rows * len(names) < 500_000:  # starting threads would cost more
        return {name: compare(name) for name in names}
    with ThreadPoolExecutor(max_workers=2) as pool:  # Arrow and numpy release the GIL
        return dict(zip(names, pool.map(compare, names), strict=True))


def _side_by_side(before: Any, after: Any) -> Any:
    """Yield the pieces of two columns that lie in one chunk of each: start, left, right."""
    left, right = _few_chunks(before), _few_chunks(after)
    borders = {0, len(left)}
    for column in (left, right):
        borders.update(np.cumsum([len(chunk) for chunk in column.chunks]).tolist())
    places = sorted(borders)
    for start, end in pairwise(places):
        yield start, left.slice(start, end - start), right.slice(start, end - start)


def _few_chunks(column: Any) -> Any:
    if not isinstance(column, pa.ChunkedArray):
        return pa.chunked_array([column])
    if column.num_chunks * 10_000 > len(column) or pa.types.is_dictionary(column.type):
        return pa.chunked_array([flat(column)])
    return column


def _differ(before: Any, after: Any, rows: Positions | None) -> Positions:
    """Return where two plain arrays differ."""
    kind = after.type
    if pa.types.is_dictionary(kind) or pa.types.is_dictionary(before.type):
        return _dictionaries_differ(before, after, rows)
    if pa.types.is_null(kind):
        return np.zeros(0, np.int64)
    if pa.types.is_nested(kind):
        return np.flatnonzero(_nested_differ(before, after, rows))
    if is_text(kind):
        return _texts_differ(before, after, rows)
    if pa.types.is_boolean(kind):
        before, after = before.cast(pa.uint8()), after.cast(pa.uint8())
    return _bits_differ(before, after, rows)


def _bits_differ(before: Any, after: Any, rows: Positions | None) -> Positions:
    left, right = raw_of(before), raw_of(after)
    absent_left, absent_right = validity(before), validity(after)
    found = []
    for start in range(0, len(after), BLOCK):
        block = slice(start, start + BLOCK)
        at = block if rows is None else rows[block]
        differ = left[at] != right[block]
        if differ.ndim > 1:
            differ = differ.any(axis=1)
        _count_nulls(differ, absent_left, absent_right, at, block)
        places = np.flatnonzero(differ)
        if places.size:
            found.append(places + start)
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _count_nulls(differ: Any, valid_left: Any, valid_right: Any, at: Any, block: slice) -> None:
    """Correct what was found by values: null differs from every value, and from no null."""
    if valid_left is None and valid_right is None:
        return
    left = True if valid_left is None else valid_left[at]
    right = True if valid_right is None else valid_right[block]
    differ &= np.logical_and(left, right)
    differ |= np.not_equal(left, right)


def _texts_differ(before: Any, after: Any, rows: Positions | None) -> Positions:
    if rows is not None:
        if 4 * len(rows) >= len(before):
            return _texts_differ_elsewhere(before, after, rows)
        before = _taken(before, rows)
    average = max(1, max(before.nbytes, after.nbytes) // max(1, len(after)))
    step = max(1, min(262_144, _BYTES // average))
    found = []
    for start in range(0, len(after), step):
        left, right = before.slice(start, step), after.slice(start, step)
        if left.equals(right):
            continue
        differ = np.asarray(pc.fill_null(pc.not_equal(left, right), False))
        if left.null_count or right.null_count:
            differ = differ | np.asarray(pc.not_equal(pc.is_null(left), pc.is_null(right)))
        found.append(np.flatnonzero(differ) + start)
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _texts_differ_elsewhere(before: Any, after: Any, rows: Positions) -> Positions:
    """Compare texts that stand in other places, 8 bytes at a time, without copying them there."""
    left_starts, left_lengths, left_data = strings_of(before)
    right_starts, right_lengths, right_data = strings_of(after)
    left_words, right_words = words_in(left_data), words_in(right_data)
    left_valid, right_valid = validity(before), validity(after)
    found = []
    for start in range(0, len(after), BLOCK):
        block = slice(start, start + BLOCK)
        at, left = rows[block], right_lengths[block]
        differ = left_lengths[at] != left
        open_rows = np.flatnonzero(~differ & (left > 0))
        lefts, rights = left_starts[at[open_rows]], right_starts[block][open_rows]
        left = left[open_rows]
        while open_rows.size:
            words = left_words[lefts] ^ right_words[rights]
            words <<= (np.maximum(8 - left, 0) << 3).astype(np.uint64)  # what follows the text
            unlike = words != 0
            differ[open_rows[unlike]] = True
            more = np.flatnonzero(~unlike & (left > 8))
            open_rows, left = open_rows[more], left[more] - 8
            lefts, rights = lefts[more] + 8, rights[more] + 8
        _count_nulls(differ, left_valid, right_valid, at, block)
        found.append(np.flatnonzero(differ) + start)
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _taken(array: Any, rows: Positions) -> Any:
    """Return some values; a run of neighbours is not copied."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
        return array.slice(int(rows[0]), len(rows))
    return array.take(pa.array(rows))


def _dictionaries_differ(before: Any, after: Any, rows: Positions | None) -> Positions:
    """Compare places in the dictionary, by numbers of both dictionaries where they differ."""
    left, left_values = _encoded(before)
    right, right_values = _encoded(after)
    if left.type != right.type or not left_values.equals(right_values):
        left_numbers, right_numbers = _numbered(left_values, right_values)
        left, right = left_numbers.take(left), right_numbers.take(right)
    return _differ(left, right, rows)


def _encoded(array: Any) -> tuple[Any, Any]:
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    return array.indices, flat(array.dictionary)


def _numbered(left: Any, right: Any) -> tuple[Any, Any]:
    """Return a number for each value of both arrays; equal values get equal numbers."""
    left, right = _comparable(left), _comparable(right)
    known = pc.index_in(left, left)  # a dictionary may hold a value twice
    own = pc.add(pc.index_in(right, right), len(left))
    return known, pc.coalesce(pc.index_in(right, left), own)


def _comparable(values: Any) -> Any:
    """Return an array in a type whose equality Arrow knows, and is that of stored values."""
    if pa.types.is_nested(values.type):
        return pa.array([repr(value) for value in values.to_pylist()])
    if pa.types.is_floating(values.type):
        return pa.array(raw_of(values))
    return values


def _nested_differ(before: Any, after: Any, rows: Positions | None) -> Any:
    """Return which lists, maps or structs differ, as booleans."""
    if rows is not None:
        before = before.take(pa.array(rows))
    left_valid, right_valid = _valid(before), _valid(after)
    differ = left_valid != right_valid
    both = np.flatnonzero(left_valid & right_valid)
    if len(both) < len(after):
        before, after = before.take(pa.array(both)), after.take(pa.array(both))
    if pa.types.is_struct(after.type):
        for left, right in zip(before.flatten(), after.flatten(), strict=True):
            differ[both[_differ(flat(left), flat(right), None)]] = True
        return differ
    left_lengths, right_lengths = lists_of(before)[0], lists_of(after)[0]
    alike = np.flatnonzero(left_lengths == right_lengths)
    differ[both[left_lengths != right_lengths]] = True
    if len(alike) < len(both):
        before, after = before.take(pa.array(alike)), after.take(pa.array(alike))
    lengths, values = lists_of(after)
    inner = _differ(flat(lists_of(before)[1]), flat(values), None)
    owners = np.searchsorted(np.cumsum(lengths), inner, side="right")
    differ[both[alike[owners]]] = True
    return differ


def _valid(array: Any) -> Any:
    found = validity(array)
    return np.ones(len(array), np.bool_) if found is None else found
